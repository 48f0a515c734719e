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

/** The end of the last change that was asked for: the next one waits for it, so that the last one asked for is the last one made. */
let last = Promise.resolve();

/** Resolves once everything that was asked for so far has been answered. It is another promise after each change. */
export const settled = () => last;

/** @template T @param {() => Promise<T>} act @returns {Promise<T>} */
function inTurn(act) {
  const done = last.then(act);
  last = done.then(() => {}, () => {});
  return done;
}

/** Changes pictures. What was answered before it failed counts. */
async function send(ids, change) {
  const answer = { items: [], missing: [], refused: [], error: null };
  try {
    for (let from = 0; from < ids.length; from += TOGETHER) {
      const part = await api.editImages({ ids: ids.slice(from, from + TOGETHER), ...change });
      answer.items.push(...part.items);
      answer.missing.push(...part.missing);
      answer.refused.push(...(part.refused ?? []));
    }
  } catch (error) {
    answer.error = error;
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

/** Changes that are not answered yet, and what they will come to. @type {Set<{ids: Set<string>, foreseen: object}>} */
const awaited = new Set();
/** The pictures of those, as the server told of them. @type {Map<string, any>} */
const told = new Map();

/** Shows pictures as they will be once everything awaited is answered. @param {Iterable<string>} ids */
function foresee(ids) {
  const images = [...ids].map((id) => told.get(id)).filter(Boolean);
  take(images.map((image) => Object.assign({ ...image }, ...[...awaited].filter((one) => one.ids.has(image.id)).map((one) => one.foreseen))));
}

function expect(ids, foreseen) {
  const one = { ids: new Set(ids), foreseen };
  for (const id of ids) {
    const image = list.find(id);
    if (image && !told.has(id)) told.set(id, image);
  }
  awaited.add(one);
  foresee(ids);
  return one;
}

function met(one, items) {
  for (const image of items) told.set(image.id, image);
  awaited.delete(one);
  foresee(one.ids);
  for (const id of one.ids) if (![...awaited].some(({ ids }) => ids.has(id))) told.delete(id);
}

/**
 * Changes pictures, and says so.
 * @param {string[]} ids @param {object} change As `POST /images/edit` takes it. @param {string} [said] @returns {Promise<any[]>} those that were changed
 */
export async function edit(ids, change, said) {
  if (ids.length === 0) return [];
  const one = expect(ids, { ...("favorite" in change && { favorite: change.favorite }), ...("rating" in change && { rating: change.rating || null }) });
  const { items, missing, refused, error } = await inTurn(() => send(ids, change));
  met(one, items);
  if (error) complain(error);
  else if (refused.length) toast(`${amount(refused.length)} could not be changed: ${refused[0].errors?.[0]?.detail ?? "there is no room for more"}.`);
  else if (said) toast(said);
  if (missing.length) toast(`${amount(missing.length)} could not be found any more.`);
  return items;
}

/** Puts pictures into the trash or takes them out, and takes them out of the list that is looked at now. */
async function move(ids, trashed) {
  const from = list.current();
  const { items, missing, error } = await inTurn(() => send(ids, { trashed }));
  if (error) complain(error);
  const gone = [...items.map(({ id }) => id), ...missing];
  const putBack = list.remove(gone, from);
  selection.forget(gone);
  return { items, putBack };
}

/** Puts pictures in the trash. @param {any[]} images */
export async function trash(images) {
  const { items, putBack } = await move(images.map(({ id }) => id), true);
  if (items.length === 0) return;
  const undo = async () => {
    const { items: restored, error } = await inTurn(() => send(items.map(({ id }) => id), { trashed: false }));
    if (!putBack(restored)) await reload();
    if (error) throw error;
    announce("Restored");
  };
  const name = items.length === 1 ? `“${items[0].title ?? items[0].prompt ?? "Untitled picture"}” is` : `${amount(items.length)} are`;
  toast(`${name} in the trash.`, { label: "Undo", run: () => undo().catch(complain) });
}

/** Takes pictures out of the trash. */
export async function restore(ids) {
  const { items } = await move(ids, false);
  if (items.length) toast(items.length === 1 ? "Restored to the library." : `${amount(items.length)} restored to the library.`);
}

/** Erases pictures of the trash for good. */
export async function erase(ids) {
  const from = list.current();
  const gone = [];
  const eraseAll = async () => {
    for (const id of ids) {
      await api.eraseImage(id).catch((error) => {
        if (error.status !== 404) throw error;
      });
      gone.push(id);
    }
  };
  await inTurn(eraseAll).catch(complain);
  list.remove(gone, from);
  selection.forget(gone);
  if (gone.length) announce(`${amount(gone.length)} erased`);
}
