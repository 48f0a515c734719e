// The saved pictures as the viewer shows them: the list that is looked at, and what can be done with one of it.

import * as address from "./address.js";
import * as api from "./api.js";
import * as bulk from "./bulk.js";
import * as caption from "./caption.js";
import * as composer from "./composer.js";
import * as list from "./list.js";
import * as organise from "./organise.js";
import { download } from "./pictures.js";
import { share } from "./share.js";
import { complain } from "./toasts.js";

const freshUrl = async ({ id }) => (await api.getImage(id)).url;
const shown = (image) => image && { ...image, key: image.id, made_at: image.saved_at };

export const savedSource = {
  isSaved: true,
  freshUrl,
  count: () => list.total(),
  indexOf: (key) => list.indexOf(key),
  at: (index) => shown(list.at(index)),
  find: (key) => shown(list.find(key)),
  async read(index) {
    const segment = list.segmentAt(index);
    if (segment) await list.read(segment);
  },
  /** Follows the picture that is shown. */
  turned: (key) => address.go({ picture: key }, { replace: true }),
  closed: () => (address.isMarked("viewer") ? history.back() : address.go({ picture: null }, { replace: true })),
  actions: (picture) => {
    const { id } = picture;
    const keep = { icon: "download", label: "Download", testid: "download", run: () => download(picture, () => freshUrl(picture)).catch(complain) };
    if (picture.trashed_at) {
      return [
        { icon: "reuse", label: "Restore", testid: "restore", main: true, run: () => organise.restore([id]) },
        keep,
        { icon: "trash", label: "Erase", testid: "erase", run: () => bulk.erase([picture]) },
      ];
    }
    return [
      { icon: "variant", label: "Variant", testid: "variant", title: "Draw it once more, from another seed", disabled: !picture.request, run: () => composer.variant(picture).catch(complain) },
      { icon: "remix", label: "Remix", testid: "remix", title: "Change how it was made, and draw anew", disabled: !picture.prompt, leave: true, run: () => composer.remix(picture) },
      { icon: "reuse", label: "Use these", testid: "reuse", title: "Fill the form with how it was made", leave: true, disabled: !picture.prompt, run: () => composer.reuse(picture) },
      { icon: "star", label: "Favourite", testid: "favorite", pressed: picture.favorite, run: () => organise.edit([id], { favorite: !picture.favorite }) },
      { icon: "note", label: "Title", testid: "title", title: "Title and note", run: () => caption.open(picture) },
      { icon: "tag", label: "Tags", testid: "tags", run: () => bulk.pickTags([picture]) },
      { icon: "folder", label: "Collections", testid: "collections", run: () => bulk.pickCollections([picture]) },
      api.can("similar") && { icon: "alike", label: "Similar", testid: "similar", title: "Pictures that look like it", run: () => address.go({ filter: { similar: id }, picture: null }) },
      keep,
      { icon: "share", label: "Share", testid: "share", title: "Without what the file says of itself", run: () => share(picture).catch(complain) },
      { icon: "trash", label: "Delete", testid: "delete", run: () => organise.trash([picture]) },
    ];
  },
};
