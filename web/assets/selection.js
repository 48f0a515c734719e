// Which pictures are chosen, to do something with all of them. Records are kept with them: a chosen picture may be far from
// what is on the screen.

import { announce } from "./dom.js";
import * as list from "./list.js";

/** The most that are chosen at once. */
export const MOST = 2000;

/** @type {Map<string, any>} */
const chosen = new Map();
/** Where a range begins. */
let anchor = -1;
/** Counts how often everything was let go: what was still being read to be chosen is dropped then. */
let number = 0;
let onChange = () => {};

/** @param {() => void} change */
export function listen(change) {
  onChange = change;
}

export const has = (id) => chosen.has(id);
export const size = () => chosen.size;
export const images = () => [...chosen.values()];
export const ids = () => [...chosen.keys()];

function changed() {
  onChange();
  announce(chosen.size === 0 ? "Nothing is selected" : chosen.size === 1 ? "1 picture is selected" : `${chosen.size} pictures are selected`);
}

/** Chooses picture `index`, or not any more. */
export function toggle(index) {
  const image = list.at(index);
  if (!image) return;
  anchor = index;
  if (!chosen.delete(image.id)) chosen.set(image.id, image);
  changed();
}

/** Chooses pictures once they are here. @returns {Promise<boolean>} false if everything was let go meanwhile */
async function choose(from, to) {
  const mine = number;
  const found = await list.fetchRange(from, to);
  if (mine !== number) return false;
  for (const image of found) chosen.set(image.id, image);
  changed();
  return true;
}

/** Chooses everything between the last choice and picture `index`. */
export async function extendTo(index) {
  if (anchor < 0) anchor = index;
  const first = Math.min(anchor, index);
  await choose(first, Math.min(Math.max(anchor, index) + 1, first + MOST));
}

/** Chooses the whole list, as far as `MOST` reaches. @returns {Promise<boolean>} false if there is more than that */
export async function all() {
  return !(await choose(0, MOST)) || (list.total() <= MOST && !list.isOpen());
}

export function clear() {
  anchor = -1;
  number += 1;
  if (chosen.size === 0) return;
  chosen.clear();
  changed();
}

/** Takes newer versions of pictures. */
export function refresh(images) {
  for (const image of images) if (chosen.has(image.id)) chosen.set(image.id, image);
}

/** Pictures that are gone are not chosen any more. */
export function forget(gone) {
  const before = chosen.size;
  for (const id of gone) chosen.delete(id);
  anchor = -1;
  if (chosen.size !== before) onChange();
}
