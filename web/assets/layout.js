// Where each picture of the list stands, whether it is here or not: in columns while all have one shape, else in lines that
// are filled. A segment that is not here has an estimated height until it comes.

import { columnsOf, linesOf } from "./justify.js";
import * as list from "./list.js";
import { isSmall } from "./pictures.js";

/** @typedef {{key: string, top: number, height: number, number: number, cells: {index: number, left: number, width: number}[], missing: boolean}} Row */

let room = { width: 0, gap: 8, target: 192 };
/** The shape of all pictures seen so far; null once there are several. @type {{ratio: number, whole: number} | null} */
let shape = null;
let hasSeen = false;
let columns = columnsOf(1, room);
/** By a segment's place. @type {Map<number, {edition: number, width: number, height: number, lines: any[] | null}>} */
const known = new Map();
let mean = 1;
/** Where each segment begins, and the last ends, in pixels. */
let tops = [0];

/** Forgets the list before. */
export function begin() {
  shape = null;
  hasSeen = false;
  known.clear();
}

/** @param {{width: number, gap: number, target: number}} given */
export function fit(given) {
  room = given;
}

const ratioOf = ({ width, height }) => Math.min(Math.max(width / height, 0.3), 4);

/** Looks at what has come, and places everything anew. */
export function refresh() {
  for (const segment of list.all()) if (segment.items && known.get(segment.place)?.edition !== segment.edition) look(segment);
  if (shape) {
    columns = columnsOf(shape.ratio, room, shape.whole);
    return;
  }
  tops = [0];
  for (const segment of list.all()) tops.push(tops.at(-1) + heightOf(segment));
}

function look(segment) {
  known.set(segment.place, { edition: segment.edition, width: 0, height: 0, lines: null });
  for (const image of segment.items) {
    const ratio = ratioOf(image);
    if (!hasSeen) {
      hasSeen = true;
      shape = { ratio, whole: wholeOf(image) };
      const all = segment.items.reduce((sum, one) => sum + ratioOf(one), 0);
      mean = all / segment.items.length;
    } else if (shape && Math.abs(shape.ratio - ratio) > 0.01 * ratio) {
      shape = null;
    } else if (shape && shape.whole !== wholeOf(image)) {
      shape.whole = 0;
    }
  }
}

/** How wide a small picture is at the multiple of its pixels that is nearest to the target. */
const wholeOf = (image) => (isSmall(image) ? Math.max(Math.round(room.target / image.height), 1) * image.width : 0);

function heightOf(segment) {
  const entry = known.get(segment.place) ?? { edition: segment.edition, width: 0, height: 0, lines: null };
  known.set(segment.place, entry);
  if (entry.width === room.width && (segment.items ? entry.lines : entry.height)) return entry.height;
  entry.width = room.width;
  const isEnd = segment === list.all().at(-1);
  if (!segment.items) {
    const lines = Math.max(Math.round((segment.count * (mean * room.target + room.gap)) / room.width), 1);
    entry.height = lines * (room.target + room.gap);
    entry.lines = null;
    return entry.height;
  }
  let top = 0;
  entry.lines = linesOf(segment.items.map(ratioOf), { ...room, isEnd }).map((line) => {
    const placed = { ...line, top };
    top += line.height + room.gap;
    return placed;
  });
  entry.height = top;
  return top;
}

/** Forgets the lines of what has been dropped; how high it was is kept. */
export function forget() {
  for (const segment of list.all()) {
    const entry = known.get(segment.place);
    if (entry && !segment.items) entry.lines = null;
  }
}

const pitch = () => columns.height + columns.gap;

export function height() {
  if (list.total() === 0) return 0;
  return shape ? Math.ceil(list.total() / columns.count) * pitch() - columns.gap : tops.at(-1) - room.gap;
}

/** How many rows there are; -1 where that is not known yet. */
export const rowCount = () => (shape ? Math.ceil(list.total() / columns.count) : -1);

/** The rows between two heights. @returns {Row[]} */
export function rows(from, to) {
  return shape ? evenRows(from, to) : lineRows(from, to);
}

function evenRows(from, to) {
  const found = [];
  const total = list.total();
  const last = Math.min(Math.ceil(total / columns.count) - 1, Math.floor(to / pitch()));
  for (let row = Math.max(Math.floor(from / pitch()), 0); row <= last; row += 1) found.push(evenRow(row, total));
  return found;
}

function evenRow(row, total) {
  const first = row * columns.count;
  const cells = [];
  for (let index = first; index < Math.min(first + columns.count, total); index += 1) {
    cells.push({ index, left: (index - first) * (columns.cell + columns.gap), width: columns.cell });
  }
  return { key: `row ${row}`, top: row * pitch(), height: columns.height, number: row + 1, cells, missing: false };
}

/** The segment at a height. */
function segmentAtHeight(at) {
  let low = 0;
  let high = Math.max(tops.length - 2, 0);
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (tops[middle] <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}

function lineRows(from, to) {
  const found = [];
  const segments = list.all();
  for (let k = segmentAtHeight(from); k < segments.length && tops[k] <= to; k += 1) {
    const segment = segments[k];
    const lines = known.get(segment.place)?.lines;
    if (!segment.items || !lines) {
      found.push({ key: `missing ${segment.place}`, top: tops[k], height: tops[k + 1] - tops[k] - room.gap, number: 0, cells: [], missing: true, from: segment.start, to: segment.start + segment.count });
      continue;
    }
    for (const line of lines) {
      const top = tops[k] + line.top;
      if (top + line.height < from || top > to) continue;
      found.push({ key: `${segment.place} ${line.from}`, top, height: line.height, number: 0, cells: cellsOf(segment, line), missing: false });
    }
  }
  return found;
}

function cellsOf(segment, line) {
  let left = 0;
  return segment.items.slice(line.from, line.to).map((image, offset) => {
    const width = ratioOf(image) * line.height;
    const cell = { index: segment.start + line.from + offset, left, width };
    left += width + room.gap;
    return cell;
  });
}

/** How far down picture `index` stands. */
export function topOf(index) {
  if (shape) return Math.floor(index / columns.count) * pitch();
  const segment = list.segmentAt(index);
  if (!segment) return 0;
  const k = list.all().indexOf(segment);
  const lines = segment.items && known.get(segment.place)?.lines;
  if (lines) return tops[k] + (lines.find((line) => index - segment.start < line.to)?.top ?? 0);
  return tops[k] + ((tops[k + 1] - tops[k]) * (index - segment.start)) / Math.max(segment.count, 1);
}

/** The last picture of the row at a height. */
export function endAt(at) {
  const [row] = rows(at, at);
  return row?.cells.length ? row.cells.at(-1).index : indexAt(at);
}

/** The first picture of what stands at a height. */
export function indexAt(at) {
  if (shape) return Math.min(Math.max(Math.floor(at / pitch()), 0) * columns.count, Math.max(list.total() - 1, 0));
  const k = segmentAtHeight(at);
  const segment = list.all()[k];
  if (!segment) return 0;
  const lines = segment.items && known.get(segment.place)?.lines;
  if (lines) return segment.start + (lines.find((line) => tops[k] + line.top + line.height >= at)?.from ?? segment.count - 1);
  const share = (at - tops[k]) / Math.max(tops[k + 1] - tops[k], 1);
  return segment.start + Math.min(Math.floor(Math.max(share, 0) * segment.count), segment.count - 1);
}
