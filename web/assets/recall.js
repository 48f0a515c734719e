// A picture file that is dropped on the page, pasted or picked: how it was made, to use again or to keep the picture.

import * as api from "./api.js";
import * as composer from "./composer.js";
import { byId, closable, h, setMessage, setText } from "./dom.js";
import { SEED_MAX } from "./fields.js";
import { icon } from "./icons.js";
import { parametersOf } from "./parameters.js";
import { textsOf } from "./pngtext.js";
import { complain, toast } from "./toasts.js";

const NAMES = { prompt: "Prompt", negative_prompt: "Negative prompt", model: "Model", width: "Width", height: "Height", steps: "Steps", guidance_scale: "Guidance", scheduler: "Scheduler", seed: "Seed" };

const dialog = byId("recall");
const picture = byId("recall-picture");
/** The file that was given last: it may still be read. */
let latest = /** @type {File | null} */ (null);
/** The one that is shown. */
let file = /** @type {File | null} */ (null);
let found = /** @type {import("./parameters.js").Parameters | null} */ (null);

/** @param {{saved: (image: any) => void}} listeners */
export function start({ saved }) {
  closable(dialog);
  dialog.querySelector("[data-close]").append(icon("close"));
  byId("recall-open").addEventListener("click", () => byId("recall-file").click());
  byId("recall-file").addEventListener("change", (event) => {
    take(event.target.files[0]);
    event.target.value = "";
  });
  byId("recall-use").addEventListener("click", () => {
    dialog.close();
    composer.reuse({ prompt: found.prompt ?? "", request: found, seed: found.seed ?? null });
  });
  byId("recall-save").addEventListener("click", () => save(saved));
  dialog.addEventListener("close", () => URL.revokeObjectURL(picture.src));
  listenToDrops();
}

function listenToDrops() {
  const carries = (event) => event.dataTransfer?.types.includes("Files");
  let depth = 0;
  const mark = (by) => {
    depth = Math.max(depth + by, 0);
    byId("drop-here").hidden = depth === 0;
  };
  addEventListener("dragenter", (event) => carries(event) && mark(1));
  addEventListener("dragleave", (event) => carries(event) && mark(-1));
  addEventListener("dragover", (event) => carries(event) && event.preventDefault());
  addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    mark(-depth);
    take(event.dataTransfer.files[0]);
  });
  addEventListener("paste", (event) => event.clipboardData?.files[0] && take(event.clipboardData.files[0]));
}

/** @param {File | undefined} given */
async function take(given) {
  if (!given) return;
  if (!given.type.startsWith("image/")) return toast("That is no picture.");
  latest = given;
  const texts = await textsOf(new Uint8Array(await given.arrayBuffer()));
  if (latest !== given) return;
  file = given;
  found = texts && parametersOf(texts);
  const rows = Object.entries(NAMES).filter(([name]) => found?.[name] !== undefined);
  byId("recall-facts").replaceChildren(...rows.flatMap(([name, label]) => [h("dt", {}, label), h("dd", {}, String(found[name]))]));
  setText(byId("recall-title"), given.name);
  setMessage(byId("recall-none"), found ? "" : texts ? "This file does not say how it was made." : "Only PNG files are asked how they were made.");
  const largest = api.largestImage();
  setMessage(byId("recall-error"), given.size > largest ? `It is larger than ${Math.floor(largest / 1024 / 1024)} megabytes, the most that can be saved.` : "");
  byId("recall-use").hidden = !found;
  byId("recall-save").disabled = given.size > largest;
  URL.revokeObjectURL(picture.src);
  picture.src = URL.createObjectURL(given);
  picture.alt = found?.prompt ?? given.name;
  if (!dialog.open) dialog.showModal();
}

/**
 * What is noted of a picture that is saved: where there is no field for what its file says, in words. Of one that is there already
 * nothing is replaced.
 */
function known(parameters) {
  const { prompt, seed, ...rest } = parameters ?? {};
  // Other programs have larger ones, and negative ones that mean none.
  const isSeed = Number.isInteger(seed) && seed >= 0 && seed <= SEED_MAX;
  const said = { ...rest, ...(!isSeed && { seed }) };
  const lines = Object.entries(NAMES).filter(([name]) => (said[name] ?? "") !== "").map(([name, label]) => `${label}: ${said[name]}`);
  const note = [...lines.join("\n").replace(/(?!\n)\p{Cc}/gu, " ")].slice(0, byId("caption-note").maxLength).join("");
  return { merge: true, ...(prompt && { prompt }), ...(isSeed && { seed }), ...(note && { note }) };
}

async function save(saved) {
  const button = byId("recall-save");
  const mine = file;
  button.disabled = true;
  try {
    const image = await api.upload({ ...known(found), image: await base64(mine) });
    if (mine === file) dialog.close();
    saved(image);
    toast("Saved to the library.");
  } catch (error) {
    if (mine !== file || !dialog.open) return complain(error);
    if (!("status" in error)) throw error;
    setMessage(byId("recall-error"), error.fields.map(({ detail }) => api.sentence(`The picture ${detail}`)).join(" ") || error.message);
  } finally {
    if (mine === file) button.disabled = false;
  }
}

/** @param {Blob} blob @returns {Promise<string>} */
function base64(blob) {
  return new Promise((done, fail) => {
    const reader = new FileReader();
    reader.addEventListener("load", () => done(String(reader.result).split(",")[1]));
    reader.addEventListener("error", () => fail(reader.error));
    reader.readAsDataURL(blob);
  });
}
