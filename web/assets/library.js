// The saved pictures: the list that the address asks for, in its grid, with what can be done there by mouse, finger and key.

import * as address from "./address.js";
import * as api from "./api.js";
import * as bulk from "./bulk.js";
import * as collections from "./collections.js";
import { byId, setMessage, setText } from "./dom.js";
import * as grid from "./grid.js";
import * as jobs from "./jobs.js";
import * as layout from "./layout.js";
import * as list from "./list.js";
import * as organise from "./organise.js";
import { savedSource } from "./saved.js";
import * as scrubber from "./scrubber.js";
import * as search from "./search.js";
import * as selection from "./selection.js";
import * as shelf from "./shelf.js";
import { dragBadge } from "./tile.js";
import { complain } from "./toasts.js";
import * as viewer from "./viewer.js";

/** Pictures looked at again when the page comes back. */
const AGAIN = 40;
/** How long a finger rests on a picture to choose it, in milliseconds. */
const LONG_PRESS = 450;

const host = byId("library");
const part = byId("library-part");
let trashed = false;
/** What is looked for, as text; null before the first list. */
let query = /** @type {string | null} */ (null);
let isBroken = false;
let hasBegun = false;

export function start() {
  list.listen(changed);
  grid.start({ isSelected: selection.has, freshUrl: async (id) => (await api.getImage(id)).thumbnail_url, moved: scrubber.follow });
  scrubber.start();
  search.start();
  shelf.start({
    addTo: (ids, id) => organise.edit(ids, { add_to: [id] }, `${organise.amount(ids.length)} added to “${collections.nameOf(id)}”.`),
    tag: (ids, tag) => organise.edit(ids, { add_tags: [tag] }, `${organise.amount(ids.length)} tagged #${tag}.`),
    favorite: (ids) => organise.edit(ids, { favorite: true }, `${organise.amount(ids.length)} added to the favourites.`),
    trash: (ids) => organise.trash(ids.map(find).filter(Boolean)),
  });
  organise.listen({ shown: () => (grid.update(), bulk.draw(), viewer.refresh()), reload: load, noted: (images) => collections.note(images, true) });
  bulk.start({ isTrash: () => trashed });
  address.listen(follow);
  collections.listen(drawTitle);
  byId("library-retry").addEventListener("click", () => (isBroken ? load().catch(complain) : list.retry()));
  byId("library-clear").addEventListener("click", search.clear);
  byId("library-meaning").addEventListener("click", search.byMeaning);
  listenToGrid();
  // The months stand beside the pictures, where there are any to see.
  new IntersectionObserver(([entry]) => document.body.classList.toggle("in-library", entry.isIntersecting), { rootMargin: "-45% 0px" }).observe(host);
}

const find = (id) => list.find(id) ?? selection.images().find((image) => image.id === id);
const isFiltered = () => Object.keys(address.read().filter).some((name) => name !== "sort");

/** Shows what the address asks for, once the server can be asked. */
function follow(place) {
  if (query !== null && query !== textOf(place)) load().catch(complain);
  if (query !== null) showPicture(place);
}

const textOf = (place) => JSON.stringify(search.queryOf(place));

/** Shows the list that the address names, from its start. */
export async function load() {
  const place = address.read();
  const isFirst = query === null;
  query = textOf(place);
  trashed = place.trash;
  selection.clear();
  host.setAttribute("aria-busy", "true");
  host.classList.toggle("trashed", trashed);
  drawTitle();
  try {
    // A change that was just asked for may decide what is in it.
    await organise.settled();
    if (!(await list.begin(search.queryOf(place)))) return;
    isBroken = false;
    shelf.ready();
  } catch (error) {
    isBroken = true;
    note();
    throw error;
  }
  if (isFirst) showPicture(place);
}

function drawTitle() {
  const { trash, filter } = address.read();
  setText(byId("library-title"), trash ? "Trash" : filter.similar ? "Similar pictures" : filter.collection ? collections.nameOf(filter.collection) : "Saved");
}

/** Another list is looked at from its start; the first one only where the address asks for something. */
function bringIntoView() {
  const { top } = part.getBoundingClientRect();
  const isAsked = hasBegun || isFiltered() || trashed;
  hasBegun = true;
  if (isAsked && (top < 0 || top > innerHeight / 2)) part.scrollIntoView({ block: "start", behavior: "instant" });
}

function changed(what) {
  const hadFocus = host.contains(document.activeElement);
  if (what === "begun") {
    host.setAttribute("aria-busy", "false");
    grid.begin(trashed);
    noteAll(list.loaded());
    bringIntoView();
  } else {
    layout.forget();
    if (what?.items) {
      noteAll(what.items);
      grid.soon();
    } else {
      grid.keepingPlace();
    }
  }
  scrubber.draw();
  note(hadFocus);
  viewer.refresh();
}

/** What the page learns from pictures as it meets them. */
function noteAll(images) {
  collections.note(images);
  jobs.noteSaved(images);
}

/** What stands around the pictures: how many there are, and why there are none. */
function note(hadFocus = false) {
  const count = list.total();
  setText(byId("library-count"), count === 0 || isBroken ? "" : `${count.toLocaleString("en")}${list.isOpen() ? "+" : ""}`);
  const isEmpty = !isBroken && count === 0 && host.getAttribute("aria-busy") === "false";
  const unknown = list.unknownWords();
  const missed = unknown.length ? `Not known as words: ${unknown.join(", ")}.` : "";
  setMessage(byId("library-note"), [isEmpty ? emptyText() : "", missed].filter(Boolean).join(" "));
  byId("library-clear").hidden = !isEmpty || !isFiltered();
  byId("library-meaning").hidden = !isEmpty || !canAskForMeaning();
  const hasFailed = isBroken || list.all().some(({ state }) => state === "failed");
  byId("library-failed").hidden = !hasFailed;
  host.hidden = count === 0 && host.getAttribute("aria-busy") === "false";
  if (host.hidden && hadFocus) search.focus();
}

/** Words alone were looked for, which may mean more than they say. */
function canAskForMeaning() {
  const { filter, trash } = address.read();
  return api.can("meaning") && !trash && filter.sort !== "meaning" && Object.keys(filter).every((name) => name === "q" || name === "sort") && "q" in filter;
}

function emptyText() {
  const { filter, trash } = address.read();
  if (filter.similar) return "No other picture looks like it.";
  if (filter.sort === "meaning") return "No prompt means anything like it.";
  if (filter.collection && Object.keys(filter).length === 1) return "Nothing in this collection yet. Drag pictures onto its name, or select some and press Collections.";
  if (isFiltered()) return "Nothing found. Fewer words find more; “quotes” keep words together.";
  return trash ? "The trash is empty." : "Nothing saved yet. Pictures you save stand here, for good.";
}

/** What other windows and programs saved since: the first page, asked for again. */
export async function lookAgain() {
  if (query === null || isBroken) return load();
  list.retry();
  const { filter } = address.read();
  if (trashed || filter.sort || filter.similar) return;
  const mine = query;
  const changes = organise.settled();
  await changes;
  const page = await api.listImages({ ...search.queryOf(address.read()), limit: AGAIN });
  if (mine !== query) return;
  // What was changed meanwhile, this answer may not know of.
  if (changes !== organise.settled()) return lookAgain();
  const newest = list.at(0)?.saved_at ?? "";
  for (const image of page.items.reverse()) if (list.has(image.id) || image.saved_at >= newest) put(image);
}

/** Shows a picture that was just saved. */
export function add(image) {
  noteAll([image]);
  // Whether it is what is looked for, only the server says.
  if (isFiltered()) return lookAgain().catch(complain);
  // In another order than the newest first, it has its place where one may not be looking.
  if (!trashed && !address.read().filter.sort) put(image);
}

/** Puts a picture in front. At the top it is seen to come; elsewhere nothing moves. */
function put(image) {
  list.putFirst(image);
}

// One picture, from the address.

function showPicture({ picture }) {
  if (!picture) return viewer.closeSaved();
  if (viewer.key() === picture) return;
  if (list.has(picture)) return viewer.open(savedSource, picture);
  api.getImage(picture).then((image) => {
    if (address.read().picture !== picture) return;
    list.keepBeside(image);
    viewer.open(savedSource, picture);
  }, (error) => {
    address.go({ picture: null }, { replace: true });
    complain(error);
  });
}

export const open = (id) => address.go({ picture: id }, { mark: "viewer" });

// Mouse, finger and keys in the grid.

const tileOf = (event) => event.target.closest?.(".tile");
const indexOf = (tile) => Number(tile.dataset.index);

function listenToGrid() {
  host.addEventListener("click", click);
  host.addEventListener("keydown", press);
  host.addEventListener("focusin", (event) => tileOf(event) && grid.setActive(indexOf(tileOf(event))));
  host.addEventListener("dragstart", drag);
  let timer = 0;
  host.addEventListener("pointerdown", (event) => {
    const tile = tileOf(event);
    if (!tile || event.pointerType !== "touch") return;
    timer = setTimeout(() => {
      tile.dataset.held = "";
      selection.toggle(indexOf(tile));
    }, LONG_PRESS);
  });
  for (const end of ["pointerup", "pointercancel", "pointermove"]) host.addEventListener(end, (event) => (end !== "pointermove" || Math.abs(event.movementY) > 4) && clearTimeout(timer));
  host.addEventListener("contextmenu", (event) => event.pointerType === "touch" && event.preventDefault());
}

function click(event) {
  const tile = tileOf(event);
  const act = event.target.closest?.("[data-act]")?.dataset.act;
  if (!tile?.dataset.imageId || !act) return;
  const index = indexOf(tile);
  const id = tile.dataset.imageId;
  if ("held" in tile.dataset) {
    delete tile.dataset.held;
    return event.preventDefault();
  }
  if (act === "open") return openOrChoose(event, index, id);
  if (act === "select") return event.shiftKey ? selection.extendTo(index).catch(complain) : selection.toggle(index);
  if (act === "favorite") return organise.edit([id], { favorite: !list.at(index).favorite });
  if (act === "restore") return organise.restore([id]);
  if (act === "erase") return bulk.erase([list.at(index)]);
}

function openOrChoose(event, index, id) {
  // With the middle button or a key held, a browser knows what to do with a link; here two of the keys choose.
  event.preventDefault();
  if (event.shiftKey) return selection.extendTo(index).catch(complain);
  if (event.ctrlKey || event.metaKey || selection.size() > 0) return selection.toggle(index);
  open(id);
}

function press(event) {
  const tile = tileOf(event);
  if (!tile || event.altKey) return;
  const index = indexOf(tile);
  const isCommand = event.ctrlKey || event.metaKey;
  const to = {
    ArrowLeft: index - 1, ArrowRight: index + 1, ArrowUp: grid.neighbour(index, -1), ArrowDown: grid.neighbour(index, 1),
    PageUp: grid.page(index, -1), PageDown: grid.page(index, 1), Home: 0, End: list.total() - 1,
  }[event.key];
  if (to !== undefined && !isCommand) {
    event.preventDefault();
    const reached = Math.min(Math.max(to, 0), list.total() - 1);
    if (event.shiftKey && selection.size() === 0) selection.toggle(index);
    grid.focusIndex(reached).then(() => event.shiftKey && selection.extendTo(reached)).catch(complain);
  } else if (event.key === " " && !isCommand && event.target.matches(".open")) {
    event.preventDefault();
    if (event.shiftKey) selection.extendTo(index).catch(complain);
    else selection.toggle(index);
  } else {
    bulk.press(event, list.at(index));
  }
}

function drag(event) {
  const tile = tileOf(event);
  const id = tile?.dataset.imageId;
  if (!id || trashed) return event.preventDefault();
  const ids = selection.has(id) ? selection.ids() : [id];
  event.dataTransfer.setData(shelf.DRAGGED, JSON.stringify(ids));
  event.dataTransfer.effectAllowed = "copyLink";
  event.dataTransfer.setDragImage(dragBadge(ids.length), 12, 12);
}

