// The collections of this owner, and the tags that were seen on pictures: the server has no list of tags.

import * as api from "./api.js";
import { keep, recall } from "./storage.js";

/** Tags that are remembered. */
const TAGS_KEPT = 100;

/** @type {{id: string, name: string}[]} */
let items = [];
let hasAny = false;
/** The one seen last is last. @type {Set<string>} */
const seen = new Set(recall("tags", []));
/** @type {(() => void)[]} */
const listeners = [];

/** Hears of every change. @param {() => void} change */
export const listen = (change) => listeners.push(change);
const changed = () => listeners.forEach((change) => change());

/** By name. */
export const all = () => items;
/** Whether the server knows collections at all. */
export const isThere = () => hasAny;
export const nameOf = (id) => items.find((one) => one.id === id)?.name ?? "A collection";
/** By the alphabet. */
export const tags = () => [...seen].sort((a, b) => a.localeCompare(b));

export async function load() {
  try {
    items = (await api.collections()).items;
    hasAny = true;
  } catch (error) {
    // A server of an earlier version has none.
    if (error.status !== 404) throw error;
    hasAny = false;
  }
  changed();
}

const sort = () => items.sort((a, b) => a.name.localeCompare(b.name));

export async function create(name) {
  const made = await api.createCollection(name);
  items.push(made);
  sort();
  changed();
  return made;
}

export async function rename(id, name) {
  const made = await api.renameCollection(id, name);
  items = items.map((one) => (one.id === id ? made : one));
  sort();
  changed();
}

export async function remove(id) {
  await api.deleteCollection(id);
  items = items.filter((one) => one.id !== id);
  changed();
}

/**
 * Remembers the tags of pictures, while there is room. What stands beside the pictures does not change while one scrolls past more
 * tags than that; only a tag that was just given takes the place of the oldest.
 */
export function note(images, areGiven = false) {
  let hasMore = false;
  for (const tag of images.flatMap((image) => image.tags)) {
    if (seen.has(tag) || (seen.size >= TAGS_KEPT && !areGiven)) continue;
    if (seen.size >= TAGS_KEPT) seen.delete(seen.values().next().value);
    seen.add(tag);
    hasMore = true;
  }
  if (!hasMore) return;
  keep("tags", [...seen]);
  changed();
}
