// The saved pictures on the screen: only what is near the window is there. Nothing that is looked at moves when something
// above it turns out to be of another height.

import { byId, h } from "./dom.js";
import * as layout from "./layout.js";
import * as list from "./list.js";
import { makeTile } from "./tile.js";

/** What is kept ready above and below the window, in pixels. */
const OVER = 600;
/** From this speed on, in pixels a millisecond, pictures fly past: only their colour is shown. */
const FAST = 3;
/** How long the grid rests before pictures that flew past are fetched, in milliseconds. */
const REST = 80;
/** Between the head and the row below it, in pixels. */
const AIR = 8;
/** Milliseconds of a frame that may go into sketches and fetching. */
const BUDGET = 5;

const host = byId("library");

/** @type {Map<string, {element: HTMLElement, tiles: ReturnType<typeof makeTile>[], row: layout.Row}>} */
const shown = new Map();
/** Rows and tiles that show nothing now, to show something else: making elements costs more than moving them. @type {{element: HTMLElement, tiles: ReturnType<typeof makeTile>[], row: any}[]} */
const spareRows = [];
/** @type {ReturnType<typeof makeTile>[]} */
const spare = [];
/** How far down the window's upper edge is in the grid, and how high the head over it, at the last look: asking lays the page out. */
let edge = 0;
let head = 0;
/** The picture that was jumped to, and where the window was then: what is read afterwards may move it. @type {{index: number, at: number} | null} */
let aim = null;
let trashed = false;
let due = 0;
/** Whether the list has changed since everything was placed. */
let isStale = false;
let resting = 0;
let last = { at: 0, time: 0 };
/** The picture that the tab key leads to. */
let active = 0;
let options = { isSelected: (_id) => false, freshUrl: async (_id) => "", moved: () => {} };

/** @param {typeof options} given `moved` hears after each look at another place. */
export function start(given) {
  options = given;
  addEventListener("scroll", request, { passive: true });
  let width = 0;
  new ResizeObserver(([entry]) => {
    if (Math.abs(entry.contentRect.width - width) < 0.5) return;
    width = entry.contentRect.width;
    keepingPlace(measure);
  }).observe(host.parentElement);
  addEventListener("resize", request);
  // Pictures of the desk and chips come and go above.
  new ResizeObserver(request).observe(document.body);
  new ResizeObserver(([{ target }]) => {
    head = target.offsetHeight;
  }).observe(byId("library-head"));
}

function measure() {
  const style = getComputedStyle(host);
  const width = host.parentElement.clientWidth - parseFloat(getComputedStyle(host.parentElement).paddingRight);
  layout.fit({ width, gap: parseFloat(style.getPropertyValue("--tile-gap")), target: parseFloat(style.getPropertyValue("--tile")) });
}

/** Another list begins. @param {boolean} isTrash */
export function begin(isTrash) {
  trashed = isTrash;
  active = 0;
  aim = null;
  isStale = false;
  clear();
  layout.begin();
  measure();
  look();
  last = { at: edge, time: performance.now() };
  refresh();
}

function clear() {
  for (const key of [...shown.keys()]) release(key);
  trimSpare();
}

function look() {
  edge = -host.getBoundingClientRect().top;
}

/** The list changed where nobody may be looking: it is placed with the next frame, once for all that came until then. */
export function soon() {
  isStale = true;
  request();
}

function catchUp() {
  if (isStale) keepingPlace();
}

/** Places everything anew, and keeps what is below the head where it is; after a jump, that is the picture jumped to. */
export function keepingPlace(change = () => {}) {
  isStale = false;
  look();
  const isAimed = aim && Math.abs(scrollY - aim.at) < 2;
  const line = edge + head + AIR;
  const index = isAimed ? aim.index : edge > 0 ? layout.indexAt(line) : -1;
  const id = index >= 0 ? list.at(index)?.id : null;
  const offset = index < 0 ? 0 : isAimed ? line : layout.topOf(index);
  change();
  layout.refresh();
  resize();
  if (index >= 0) {
    const now = id && list.has(id) ? list.indexOf(id) : index;
    const before = edge;
    look();
    // How far it stands from where it stood in the window.
    const by = layout.topOf(now) - edge - (offset - before);
    if (Math.abs(by) >= 1) scrollBy({ top: by, behavior: "instant" });
    if (isAimed) aim.at = scrollY;
  }
  render();
}

function refresh() {
  layout.refresh();
  resize();
  render();
}

function resize() {
  host.style.height = `${Math.max(layout.height(), 0)}px`;
  host.hidden = list.total() === 0 && host.getAttribute("aria-busy") !== "true";
  host.setAttribute("aria-rowcount", String(layout.rowCount()));
}

const request = () => {
  due ||= requestAnimationFrame(render);
};

/** Brings the screen up to date. */
export function render() {
  cancelAnimationFrame(due);
  due = 0;
  if (isStale) return keepingPlace();
  look();
  const at = edge;
  const now = performance.now();
  const isFast = Math.abs(at - last.at) > FAST * Math.max(now - last.time, 8);
  last = { at, time: now };
  const rows = layout.rows(at - OVER, at + innerHeight + OVER);
  const focused = focusedPart();
  // The row that has the focus stays while its picture is in the list: the next arrow key goes on from it.
  const held = focused && list.has(focused.id) ? rowOf(list.indexOf(focused.id)) : null;
  const wanted = held && !rows.some(({ key }) => key === held.key) ? [...rows, held] : rows;
  const keys = new Set(wanted.map(({ key }) => key));
  for (const key of [...shown.keys()]) if (!keys.has(key)) release(key);
  for (const row of wanted) place(row, isFast);
  trimSpare();
  if (focused) keepFocus(focused);
  const indexes = rows.flatMap((row) => (row.missing ? [row.from, row.to - 1] : row.cells.length ? [row.cells[0].index, row.cells.at(-1).index] : []));
  if (indexes.length) {
    list.want(Math.min(...indexes), Math.max(...indexes));
    settleTabStop(rows, at);
  }
  clearTimeout(resting);
  if (isFast) resting = setTimeout(settle, REST);
  else settle();
  options.moved();
}

/** The part of a tile that has the focus, and the picture it is of. */
function focusedPart() {
  const part = document.activeElement?.closest?.("#library .tile[data-image-id] [data-act]");
  return part ? { id: part.closest(".tile").dataset.imageId, act: part.dataset.act } : null;
}

/** The focus stays with its picture where that stands elsewhere now; of one that is gone, the place has it. */
function keepFocus({ id, act }) {
  const index = list.has(id) ? list.indexOf(id) : Math.min(active, list.total() - 1);
  const tile = tileAt(index)?.element;
  if (tile && !tile.contains(document.activeElement)) tile.querySelector(`[data-act=${act}]`).focus({ preventScroll: true });
}

/** The row that a picture stands in. */
function rowOf(index) {
  const top = layout.topOf(index);
  return layout.rows(top + 1, top + 1)[0];
}

function place(row, isFast = false) {
  let entry = shown.get(row.key);
  if (!entry) {
    entry = (row.missing ? null : spareRows.pop()) ?? makeRow(row.missing);
    shown.set(row.key, entry);
  }
  entry.row = row;
  const { element, tiles } = entry;
  element.style.transform = `translateY(${row.top}px)`;
  element.style.height = `${row.height}px`;
  if (row.number) element.setAttribute("aria-rowindex", String(row.number));
  while (tiles.length < row.cells.length) {
    const tile = spare.pop() ?? makeTile(options.freshUrl);
    tiles.push(tile);
    element.append(tile.element);
  }
  while (tiles.length > row.cells.length) putAside(tiles.pop());
  row.cells.forEach(({ index, left, width }, n) => {
    const image = list.at(index);
    tiles[n].set({ image, index, left, width, selected: image ? options.isSelected(image.id) : false, trashed, isFast });
  });
}

function makeRow(isMissing) {
  const element = h("div", { class: isMissing ? "row missing" : "row", role: "row" });
  if (isMissing) element.append(h("div", { role: "gridcell", class: "unseen" }, "Pictures that are being read"));
  host.append(element);
  return { element, tiles: [], row: null };
}

function putAside(tile) {
  tile.element.remove();
  if (spare.length < 80) spare.push(tile);
}

function release(key) {
  const entry = shown.get(key);
  shown.delete(key);
  if (entry.row.missing) entry.element.remove();
  else spareRows.push(entry);
}

/** Takes rows that nothing was found for off the page. */
function trimSpare() {
  for (const { element, tiles } of spareRows) {
    tiles.forEach(putAside);
    element.remove();
  }
  spareRows.length = 0;
}

/** Fetches what is in the window first, then what is around it, a little in each frame. */
function settle() {
  clearTimeout(resting);
  const end = performance.now() + BUDGET;
  const at = edge;
  const distance = ({ row }) => Math.abs(row.top + row.height / 2 - at - innerHeight / 2);
  for (const { tiles } of [...shown.values()].sort((a, b) => distance(a) - distance(b))) {
    for (const tile of tiles) {
      if (tile.isSettled()) continue;
      if (performance.now() > end) {
        resting = setTimeout(settle, 16);
        return;
      }
      tile.settle();
    }
  }
}

/** Shows anew what is selected, and newer versions of pictures. */
export function update() {
  for (const { row } of shown.values()) place(row);
}

// The keyboard: one picture can be reached by the tab key, the others from there by arrows.

const tileAt = (index) => {
  for (const { row, tiles } of shown.values()) {
    const n = row.cells.findIndex((cell) => cell.index === index);
    if (n >= 0) return tiles[n];
  }
  return undefined;
};

function settleTabStop(rows, at) {
  const isThere = rows.some((row) => row.cells.some(({ index }) => index === active));
  if (!isThere && !host.contains(document.activeElement)) {
    const first = rows.find((row) => row.cells.length && row.top >= at) ?? rows.find((row) => row.cells.length);
    if (first) active = first.cells[0].index;
  }
  for (const { row, tiles } of shown.values()) row.cells.forEach(({ index }, n) => {
    tiles[n].open.tabIndex = index === active ? 0 : -1;
  });
}

/** Remembers where the focus is. */
export function setActive(index) {
  if (index === active) return;
  const before = tileAt(active);
  if (before) before.open.tabIndex = -1;
  active = index;
  const now = tileAt(active);
  if (now) now.open.tabIndex = 0;
}

/** Gives the focus to the picture that the tab key leads to, and leaves the window where it is. */
export const focusActive = () => (tileAt(active)?.open ?? byId("find")).focus({ preventScroll: true });

/** Brings a picture into the window and the focus to it. */
export async function focusIndex(index) {
  const to = Math.min(Math.max(index, 0), list.total() - 1);
  if (to < 0) return;
  const segment = list.segmentAt(to);
  if (segment && !segment.items) await list.read(segment).catch(() => {});
  bringIntoView(to);
  setActive(to);
  tileAt(to)?.open.focus({ preventScroll: true });
}

function bringIntoView(index) {
  catchUp();
  const top = layout.topOf(index);
  const height = rowOf(index)?.height ?? 0;
  look();
  const at = edge;
  if (top < at + head + AIR) scrollBy({ top: top - at - head - AIR, behavior: "instant" });
  else if (top + height > at + innerHeight - 16) scrollBy({ top: top + height - at - innerHeight + 16, behavior: "instant" });
  render();
}

/** The picture above (-1) or below (1) another one, as it looks on the screen. */
export function neighbour(index, by) {
  catchUp();
  const row = rowOf(index);
  const cell = row?.cells.find((one) => one.index === index);
  if (!cell) return index;
  const at = by > 0 ? row.top + row.height + 20 : row.top - 20;
  if (at < 0 || at > layout.height()) return index;
  const found = layout.rows(at, at)[0];
  if (!found) return index;
  if (found.missing) return by > 0 ? found.from : found.to - 1;
  const middle = cell.left + cell.width / 2;
  const off = (one) => Math.abs(one.left + one.width / 2 - middle);
  return found.cells.reduce((best, one) => (off(one) < off(best) ? one : best)).index;
}

/** How many pictures down or up a page of the window is. */
export function page(index, by) {
  catchUp();
  const at = Math.min(Math.max(layout.topOf(index) + by * (innerHeight - 160), 0), Math.max(layout.height() - 1, 0));
  return layout.indexAt(at);
}

/** The first and the last picture of the row at the upper edge of the window. */
export const edgeInView = () => {
  const at = Math.max(edge + head + 2 * AIR, 0);
  return { first: layout.indexAt(at), last: layout.endAt(at) };
};

/** Moves a picture to the upper edge of the window. */
export function jump(index) {
  catchUp();
  look();
  scrollBy({ top: layout.topOf(index) - edge - head - AIR, behavior: "instant" });
  aim = { index, at: scrollY };
  request();
}
