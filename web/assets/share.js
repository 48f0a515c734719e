// Giving a picture away without what its file says of itself: the prompt, the seed and the model stay here.

import { bytes, contentUrl } from "./api.js";
import { fileName, keepFile } from "./pictures.js";
import { toast } from "./toasts.js";

/** Hands the picture to the system's share sheet; where there is none, it becomes a download. */
export async function share(picture) {
  const blob = await bytes(contentUrl(picture.id, { strip: "metadata" }));
  const file = new File([blob], fileName({ ...picture, prompt: null, seed: null }), { type: blob.type });
  if (navigator.canShare?.({ files: [file] })) {
    try {
      return await navigator.share({ files: [file] });
    } catch (error) {
      if (error.name === "AbortError") return;
      // The press was too long ago for the browser: a download does not mind.
    }
  }
  keepFile(blob, file.name);
  toast("Downloaded without metadata, to be shared.");
}
