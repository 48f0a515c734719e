// What is changed of saved pictures, many at once: shown at once where that can be foreseen, and with a way back where
// something goes.

import * as api from "./api.js";
import { announce } from "./dom.js";
import * as list from "./list.js";
import * as selection from "./selection.js";
import { complain, toast } from "./toasts.js";

/** Pictures in one request. */
const TOGETHER = 100;

let shown = (_images) => {};
let reload = async () => {};
let noted = (_images) => {};

/** @param {{shown: (images: any[]) => void, reload: () => Promise<unknown>, noted: (images: any[]) => void}} listeners `shown`: newer
 * versions are in the list. `noted`: their tags and collections. */
export function listen(listeners) {
  ({ shown, reload, noted } = listeners);
}

export const amount = (count) => (count === 1 ? "1 picture" : `${count.toLocaleString("en")} pictures`);

async function send(ids, change) {
  const answer = { items: [], missing: [], refused: [] };
  for (let from = 0; from < ids.length; from += TOGETHER) {
    const part = await api.editImages({ ids: ids.slice(from, from + TOGETHER), ...change });
    answer.items.push(...part.items);
    answer.missing.push(...part.missing);
    answer.refused.push(...(part.refused ?? []));
  }
  return answer;
}

/** Shows newer versions of pictures, wherever they are. */
export function take(images) {
  for (const image of images) list.replace(image);
  selection.refresh(images);
  noted(images);
  shown(images);
}

/** Changes pictures, and says so. @param {string[]} ids @param {object} change As `POST /images/edit` takes it. @param {string} [said] */
export async function edit(ids, change, said) {
  if (ids.length === 0) return;
  const before = ids.map((id) => list.find(id)).filter(Boolean);
  const foreseen = { ...("favorite" in change && { favorite: change.favorite }), ...("rating" in change && { rating: change.rating || null }) };
  if (Object.keys(foreseen).length) take(before.map((image) => ({ ...image, ...foreseen })));
  try {
    const { items, missing, refused } = await send(ids, change);
    take(items);
    take(before.filter(({ id }) => refused.some((one) => one.id === id)));
    if (refused.length) toast(`${amount(refused.length)} could not be changed: ${refused[0].errors?.[0]?.detail ?? "there is no room for more"}.`);
    else if (said) toast(said);
    if (missing.length) toast(`${amount(missing.length)} could not be found any more.`);
  } catch (error) {
    take(before);
    complain(error);
  }
}

/** Puts pictures in the trash. @param {any[]} images */
export async function trash(images) {
  if (images.length === 0) return;
  const ids = images.map((image) => image.id);
  try {
    await send(ids, { trashed: true });
  } catch (error) {
    return complain(error);
  }
  const putBack = list.remove(ids);
  selection.forget(ids);
  const undo = async () => {
    const { items } = await send(ids, { trashed: false });
    if (!putBack(items)) await reload();
    announce("Restored");
  };
  const name = images.length === 1 ? `“${images[0].title ?? images[0].prompt ?? "Untitled picture"}” is` : `${amount(ids.length)} are`;
  toast(`${name} in the trash.`, { label: "Undo", run: () => undo().catch(complain) });
}

/** Takes pictures out of the trash. */
export async function restore(ids) {
  try {
    await send(ids, { trashed: false });
  } catch (error) {
    return complain(error);
  }
  list.remove(ids);
  selection.forget(ids);
  toast(ids.length === 1 ? "Restored to the library." : `${amount(ids.length)} restored to the library.`);
}

/** Erases pictures of the trash for good. */
export async function erase(ids) {
  const gone = [];
  try {
    for (const id of ids) {
      await api.eraseImage(id).catch((error) => {
        if (error.status !== 404) throw error;
      });
      gone.push(id);
    }
  } catch (error) {
    complain(error);
  } finally {
    list.remove(gone);
    selection.forget(gone);
  }
  if (gone.length) announce(`${amount(gone.length)} erased`);
}
