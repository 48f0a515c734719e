// The records of the pictures that are looked at: a list of which only parts are here. It is read in segments, any of them
// first; those far from what is looked at are dropped, and read again when they are wanted. Where the pictures stand on the
// screen is grid.js.

import * as api from "./api.js";

/** What the first answer holds: what fits a screen, so that it comes soon. */
const FIRST = 40;
/** Pictures in a segment: the most of one answer. */
const EVERY = 200;
/** Segments that are kept; the rest is read again when it is wanted. */
const KEPT = 48;
/** Segments that are read at the same time. */
const TOGETHER = 2;
/** Segments that are read before they are come to, while one scrolls: putting pictures where none were costs a frame more. */
const AHEAD = 2;
/** Who flies past more pictures than this from one look to the next is there before any of it is read. */
const FLYING = EVERY / 4;

/**
 * Neighbouring pictures. `items` is null where they are not here; `place` is a whole number that stays the same for as long as the
 * segment is in the list; `edition` changes with what is in it; behind the tail there may be more.
 * @typedef {{place: number, cursor: string | null, start: number, count: number, items: any[] | null, state: "absent" | "reading" | "failed", edition: number, isTail: boolean}} Segment
 */

/** @type {Segment[]} */
let segments = [];
/** Image id -> the segment it is in. @type {Map<string, Segment>} */
const places = new Map();
/** @type {{months: {month: string, count: number}[], complete: boolean} | null} */
let times = null;
/** A picture that the address names, and that need not be in the list. */
let lone = null;
/** Words of what is looked for that the server does not know. @type {string[]} */
let unknown = [];
let query = {};
/** Counts the lists that were begun: an answer for one that was left is dropped. */
let number = 0;
let stop = new AbortController();
let wanted = [0, 0];
/** Where the look moves: 1 towards the end, -1 towards the beginning, 0 nowhere or too fast. */
let heading = 0;
let reading = 0;
let nextPlace = 0;
let onChange = (_what) => {};

/** Hears "begun" when the first pictures are here, and then of every segment that changed. @param {(what: "begun" | Segment | null) => void} change */
export function listen(change) {
  onChange = change;
}

export const all = () => segments;
export const unknownWords = () => unknown;
export const months = () => times?.months ?? [];
/** How many there are, as far as is known; `isOpen()` says that there may be more. */
export const total = () => (segments.length ? segments.at(-1).start + segments.at(-1).count : 0);
export const isOpen = () => Boolean(segments.at(-1)?.isTail);

/** The segment that picture `index` is in. @returns {Segment | undefined} */
export function segmentAt(index) {
  let low = 0;
  let high = segments.length - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (segments[middle].start <= index) low = middle;
    else high = middle - 1;
  }
  const found = segments[low];
  return found && index >= found.start && index < found.start + found.count ? found : undefined;
}

/** Picture `index`, if it is here. */
export function at(index) {
  const segment = segmentAt(index);
  return segment?.items?.[index - segment.start] ?? null;
}

/** Where a picture stands; -1 if it is not here. @param {string} id */
export function indexOf(id) {
  const segment = places.get(id);
  return segment ? segment.start + segment.items.findIndex((one) => one.id === id) : -1;
}

export const has = (id) => places.has(id);
export const find = (id) => at(indexOf(id)) ?? (lone?.id === id ? lone : null);

/** Keeps a picture beside the list, to be found and changed as those in it. */
export function keepBeside(image) {
  lone = image;
}

/** The pictures that are here, in order. */
export const loaded = () => segments.flatMap((segment) => segment.items ?? []);

/**
 * Begins another list: its first pictures first, then how many there are and where to read the others.
 * @param {object} wantedQuery Parameters of `GET /images`. @returns {Promise<boolean>} false if another was begun meanwhile
 */
export async function begin(wantedQuery) {
  stop.abort();
  stop = new AbortController();
  query = wantedQuery;
  number += 1;
  const mine = number;
  const { signal } = stop;
  // The best are few: there is no more of them than an answer holds, and no time to jump in.
  const isRanked = Boolean(query.similar || query.meaning);
  const hasTimes = query.sort !== "best" && !isRanked;
  const first = api.listImages({ ...query, limit: isRanked ? EVERY : FIRST }, signal);
  const timeline = hasTimes ? api.timeline({ ...query, limit: EVERY }, signal).catch(() => null) : null;
  const page = await first.catch((error) => {
    if (mine === number) throw error;
  });
  if (mine !== number) return false;
  clear();
  unknown = page.unknown ?? [];
  append(null, page.items.length, page.items);
  if (page.next_cursor) append(page.next_cursor, 1).isTail = true;
  renumber();
  onChange("begun");
  timeline?.then((times) => take(mine, times));
  return mine === number;
}

function clear() {
  segments = [];
  places.clear();
  times = null;
  unknown = [];
  reading = 0;
  wanted = [0, 0];
  heading = 0;
}

/** Takes what the timeline says: where the segments that nobody has come to yet begin, and how long they are. */
function take(mine, timeline) {
  if (mine !== number || !timeline?.pages.length) return;
  times = timeline;
  const last = segments.at(-1);
  // The list has been read to its end meanwhile.
  if (!last.isTail) return onChange(null);
  const known = timeline.months.reduce((sum, { count }) => sum + count, 0);
  const lengthOf = (mark) => Math.min(EVERY, known - mark * EVERY) - (mark === 0 ? FIRST : 0);
  // The first two segments are in front of the first mark, and then one follows each.
  last.count = Math.max(lengthOf(segments.length - 2), 1);
  last.isTail = false;
  for (let mark = segments.length - 1; mark < timeline.pages.length; mark += 1) {
    const count = lengthOf(mark);
    if (count > 0 || !timeline.complete) append(timeline.pages[mark].cursor, count > 0 ? count : EVERY);
  }
  segments.at(-1).isTail = !timeline.complete;
  renumber();
  onChange(null);
  readOn();
}

function append(cursor, count, items = null) {
  const segment = { place: nextPlace, cursor, start: 0, count, items: null, state: "absent", edition: 0, isTail: false };
  nextPlace += 1;
  segments.push(segment);
  if (items) fill(segment, items);
  return segment;
}

function fill(segment, items) {
  // A picture that moved between two answers is shown where it was seen first.
  segment.items = items.filter((one) => !places.has(one.id));
  segment.count = segment.items.length;
  segment.state = "absent";
  segment.edition += 1;
  for (const one of segment.items) places.set(one.id, segment);
}

function renumber() {
  let start = 0;
  for (const segment of segments) {
    segment.start = start;
    start += segment.count;
  }
}

/** Says which pictures are looked at; what is missing of them is read, and then what comes next. @param {number} from @param {number} to */
export function want(from, to) {
  const by = from - wanted[0];
  if (by !== 0) heading = Math.abs(by) < FLYING ? Math.sign(by) : 0;
  wanted = [from, to];
  readOn();
}

function readOn() {
  if (reading >= TOGETHER || segments.length === 0) return;
  const [from, to] = wanted;
  const first = Math.max(segments.indexOf(segmentAt(from)), 0);
  let last = first;
  while (last + 1 < segments.length && segments[last + 1].start <= to) last += 1;
  const next = heading > 0 ? segments.slice(last + 1, last + 1 + AHEAD) : heading < 0 ? segments.slice(Math.max(first - AHEAD, 0), first).reverse() : [];
  for (const segment of [...segments.slice(first, last + 1), ...next]) {
    if (segment.items || segment.state !== "absent") continue;
    read(segment).catch(() => {});
    if (reading >= TOGETHER) return;
  }
}

/** Reads those that failed again. */
export function retry() {
  for (const segment of segments) if (segment.state === "failed") segment.state = "absent";
  onChange(null);
  readOn();
}

/** Reads a segment, once at a time. @param {Segment} segment */
export function read(segment) {
  if (segment.items) return Promise.resolve();
  segment.answer ??= (async () => {
    const mine = number;
    reading += 1;
    segment.state = "reading";
    try {
      const limit = segment === segments[1] ? EVERY - FIRST : segment.isTail ? EVERY : Math.min(Math.max(segment.count, 1), EVERY);
      const page = await api.listImages({ ...query, limit, cursor: segment.cursor }, stop.signal);
      if (mine !== number) return;
      fill(segment, page.items);
      if (segment === segments.at(-1)) {
        segment.isTail = false;
        if (page.next_cursor) append(page.next_cursor, 1).isTail = true;
      }
      drop();
      renumber();
      onChange(segment);
    } catch (error) {
      if (mine !== number) return;
      segment.state = "failed";
      onChange(segment);
      throw error;
    } finally {
      segment.answer = undefined;
      if (mine === number) {
        reading -= 1;
        readOn();
      }
    }
  })();
  return segment.answer;
}

/** Drops the records that are farthest from what is looked at. The first segment stays: what is saved now is put into it. */
function drop() {
  const here = segments.filter((segment) => segment.items && segment.start > 0);
  if (here.length <= KEPT) return;
  const middle = (wanted[0] + wanted[1]) / 2;
  const distance = (segment) => Math.abs(segment.start + segment.count / 2 - middle);
  here.sort((a, b) => distance(b) - distance(a));
  for (const segment of here.slice(0, here.length - KEPT)) {
    for (const one of segment.items) places.delete(one.id);
    segment.items = null;
  }
}

/** Makes sure that the pictures from `from` up to before `to` are here; at most so many as were asked for. */
export async function fetchRange(from, to) {
  const mine = number;
  const found = [];
  for (let index = from; mine === number && index < Math.min(to, total());) {
    const segment = segmentAt(index);
    if (!segment) break;
    await read(segment);
    if (!segment.items || segment.count === 0) break;
    const end = Math.min(to, segment.start + segment.count);
    found.push(...segment.items.slice(index - segment.start, end - segment.start));
    index = end;
  }
  return found;
}

/** Shows another version of a picture that is here, unless a newer one is. @returns {boolean} whether it is here */
export function replace(image) {
  const isNewer = (one) => image.version >= one.version;
  if (lone?.id === image.id && isNewer(lone)) lone = image;
  const segment = places.get(image.id);
  if (!segment) return false;
  const offset = segment.items.findIndex((one) => one.id === image.id);
  if (isNewer(segment.items[offset])) segment.items[offset] = image;
  return true;
}

/** The number of the list that is here. */
export const current = () => number;

/**
 * Takes pictures out, if the list is still the one of that number.
 * @returns {(images: any[]) => boolean} puts them back where they stood; false if another list is here
 */
export function remove(ids, mine) {
  const removed = [];
  for (const id of ids) {
    if (lone?.id === id) lone = null;
    const segment = mine === number && places.get(id);
    if (!segment) continue;
    const offset = segment.items.findIndex((one) => one.id === id);
    removed.push({ segment, offset, id });
    segment.items.splice(offset, 1);
    segment.count -= 1;
    segment.edition += 1;
    places.delete(id);
  }
  renumber();
  onChange(null);
  return (images) => {
    if (mine !== number) return false;
    for (const { segment, offset, id } of removed.reverse()) {
      const image = images.find((one) => one.id === id);
      if (!image || places.has(id)) continue;
      if (segment.items) {
        segment.items.splice(offset, 0, image);
        places.set(id, segment);
      }
      segment.count += 1;
      segment.edition += 1;
    }
    renumber();
    onChange(null);
    return true;
  };
}

/** Puts a picture before all others, or shows its newer version where it stands. */
export function putFirst(image) {
  if (replace(image)) return onChange(places.get(image.id));
  if (segments.length === 0) append(null, 0, []);
  const [first] = segments;
  first.items.unshift(image);
  first.count += 1;
  first.edition += 1;
  places.set(image.id, first);
  renumber();
  onChange(null);
}
