// The saved pictures: the library and its trash, page by page as far as one looks.

import * as api from "./api.js";
import * as composer from "./composer.js";
import { announce, byId, closable, h, setMessage } from "./dom.js";
import { icon } from "./icons.js";
import * as jobs from "./jobs.js";
import { download, show } from "./pictures.js";
import { complain, toast } from "./toasts.js";
import * as viewer from "./viewer.js";

const PAGE = 48;
/** How long typing rests before it is looked for, in milliseconds. */
const REST = 120;

const grid = byId("library");
const more = byId("library-more");
const find = byId("find");
const favorites = byId("favorites");
/** @type {Map<string, {image: any, element: HTMLElement, update: () => void}>} */
const tiles = new Map();
let trashed = false;
/** What is looked for; empty for everything. */
let wanted = {};
let cursor = /** @type {string | null} */ (null);
/** Counts the lists that were begun, so that an answer for one that was left is dropped. */
let list = 0;
let loading = /** @type {Promise<void> | null} */ (null);
let started = false;

export function start() {
  closable(byId("confirm"));
  addEventListener("hashchange", () => {
    if ((location.hash === "#trash") !== trashed && started) load();
  });
  let resting = 0;
  find.addEventListener("input", () => {
    clearTimeout(resting);
    resting = setTimeout(lookFor, REST);
  });
  favorites.addEventListener("click", () => {
    favorites.setAttribute("aria-pressed", String(!isPressed(favorites)));
    lookFor();
  });
  more.addEventListener("click", () => loadMore().catch(complain));
  new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting)) loadMore().catch(complain);
  }, { rootMargin: "600px" }).observe(more);
}

const isPressed = (button) => button.getAttribute("aria-pressed") === "true";
const isFiltered = () => Object.keys(wanted).length > 0;

/** Shows what the search asks for, if that is another thing than before. */
function lookFor() {
  const words = typed(find.value);
  const now = { ...(words && { q: words }), ...(isPressed(favorites) && { favorite: true }) };
  if (JSON.stringify(now) === JSON.stringify(wanted)) return;
  wanted = now;
  if (started) load();
}

/** What is typed, as a query: its last word may go on, unless it is quoted. Without a letter or digit it is none. */
function typed(text) {
  const words = text.trim();
  if (!/[\p{L}\p{N}]/u.test(words)) return "";
  const isOpen = /[\p{L}\p{N}]$/u.test(words) && words.split('"').length % 2 === 1;
  return isOpen ? `${words}*` : words;
}

/** Shows the list that the address names, from its start. */
export async function load() {
  started = true;
  trashed = location.hash === "#trash";
  list += 1;
  loading = null;
  cursor = null;
  tiles.clear();
  grid.replaceChildren();
  grid.setAttribute("aria-busy", "true");
  more.hidden = true;
  setMessage(byId("library-note"), "");
  for (const link of document.querySelectorAll(".views a")) {
    if ((link.getAttribute("href") === "#trash") === trashed) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  try {
    await loadPage();
  } catch (error) {
    more.hidden = false;
    complain(error);
  }
}

/** The next page, once at a time. Without a cursor, and with pictures, there is none. */
function loadMore() {
  if (!started || (cursor === null && tiles.size > 0)) return Promise.resolve();
  return loadPage();
}

function loadPage() {
  loading ??= (async () => {
    const mine = list;
    try {
      const page = await api.listImages({ limit: PAGE, cursor, trashed: trashed || null, ...wanted });
      if (mine !== list) return;
      cursor = page.next_cursor;
      for (const image of page.items) put(image, false);
      more.hidden = cursor === null;
      grid.setAttribute("aria-busy", "false");
      note();
    } finally {
      if (mine === list) loading = null;
    }
  })();
  return loading;
}

/** What other windows and programs saved since: the first page, asked for again. */
export async function lookAgain() {
  if (!started || trashed || loading) return;
  const mine = list;
  const page = await api.listImages({ limit: PAGE, ...wanted });
  if (mine !== list) return;
  const newest = shown().reduce((at, image) => (image.saved_at > at ? image.saved_at : at), "");
  for (const image of page.items.reverse()) if (tiles.has(image.id) || image.saved_at >= newest) put(image, true);
  note();
}

/** Shows a picture that was just saved or restored. */
export function add(image) {
  // Whether it is what is looked for, only the server says.
  if (isFiltered()) return lookAgain().catch(complain);
  if (!trashed) put(image, true);
  note();
}

function note() {
  const all = trashed ? "The trash is empty." : "Nothing saved yet. Pictures you save stand here, for good.";
  const text = isFiltered() ? "Nothing found. Fewer words find more; “quotes” keep words together." : all;
  setMessage(byId("library-note"), tiles.size === 0 && cursor === null ? text : "");
}

function put(image, first) {
  if (image.job_id && jobs.fate(image.job_id, image.job_index) === undefined) jobs.setFate(image.job_id, image.job_index, "saved");
  const known = tiles.get(image.id);
  if (known) {
    known.image = image;
    return known.update();
  }
  const tile = trashed ? trashTile(image) : libraryTile(image);
  tiles.set(image.id, tile);
  if (first) grid.prepend(tile.element);
  else grid.append(tile.element);
  tile.update();
  viewer.refresh();
}

const nameOf = (image) => image.title ?? image.prompt ?? "Untitled picture";

function frame(image, ...tools) {
  const picture = h("img", { width: image.width, height: image.height, alt: nameOf(image), loading: "lazy", decoding: "async" });
  const open = h("button", { type: "button", class: "open", click: () => viewer.open(source, image.id), "aria-label": `Open ${nameOf(image)}` }, picture);
  show(picture, image.thumbnail_url, image, image.sha256, async () => (await api.getImage(image.id)).thumbnail_url);
  return h("li", { class: "tile", "data-testid": "saved-image", "data-image-id": image.id }, h("div", { class: "glass" }, open), h("p", { class: "name", title: nameOf(image) }, nameOf(image)), ...tools);
}

function libraryTile(image) {
  const star = h("button", { type: "button", class: "icon star", click: () => favorite(image.id), "data-testid": "favorite" }, icon("star"));
  const tile = { image, element: frame(image, star), update: () => {
    star.setAttribute("aria-pressed", String(tile.image.favorite));
    star.setAttribute("aria-label", `Favourite: ${nameOf(tile.image)}`);
  } };
  return tile;
}

function trashTile(image) {
  const tools = h("div", { class: "tools" },
    h("button", { type: "button", class: "plain", click: () => restore(image.id), "data-testid": "restore", "aria-label": `Restore ${nameOf(image)}` }, "Restore"),
    h("button", { type: "button", class: "quiet", click: () => erase(image.id), "data-testid": "erase", "aria-label": `Erase ${nameOf(image)}` }, "Erase"));
  return { image, element: frame(image, tools), update: () => {} };
}

function remove(id) {
  tiles.get(id)?.element.remove();
  tiles.delete(id);
  note();
  viewer.refresh();
}

async function favorite(id) {
  const tile = tiles.get(id);
  if (!tile) return;
  const before = tile.image;
  const set = (image) => {
    tile.image = image;
    tile.update();
    viewer.refresh();
  };
  set({ ...before, favorite: !before.favorite });
  try {
    set(await api.editImage(id, { favorite: !before.favorite }));
  } catch (error) {
    set(before);
    complain(error);
  }
}

async function trash(id) {
  const tile = tiles.get(id);
  if (!tile) return;
  const next = tile.element.nextSibling;
  try {
    await api.trashImage(id);
  } catch (error) {
    return complain(error);
  }
  remove(id);
  const undo = async () => {
    const image = await api.restoreImage(id);
    if (trashed) return remove(id);
    if (tiles.has(id)) return;
    // Back where it stood.
    tiles.set(id, tile);
    grid.insertBefore(tile.element, next?.parentNode === grid ? next : grid.firstChild);
    tile.image = image;
    tile.update();
    note();
  };
  toast(`“${nameOf(tile.image)}” is in the trash.`, { label: "Undo", run: () => undo().catch(complain) });
}

async function restore(id) {
  try {
    await api.restoreImage(id);
    remove(id);
    announce("Restored");
    toast("Restored to the library.");
  } catch (error) {
    complain(error);
  }
}

async function erase(id) {
  const tile = tiles.get(id);
  if (!tile || !(await confirmed(`Erase “${nameOf(tile.image)}” for good?`))) return;
  try {
    await api.eraseImage(id);
    remove(id);
  } catch (error) {
    complain(error);
  }
}

/** @returns {Promise<boolean>} */
function confirmed(title) {
  const dialog = byId("confirm");
  byId("confirm-title").textContent = title;
  return new Promise((done) => {
    byId("confirm-yes").onclick = () => {
      done(true);
      dialog.close();
    };
    dialog.addEventListener("close", () => done(false), { once: true });
    dialog.showModal();
  });
}

/** The tiles in the order they are shown in. */
const shown = () => [...grid.children].map((element) => tiles.get(element.dataset.imageId)?.image).filter(Boolean);

const freshUrl = async ({ id }) => (await api.getImage(id)).url;

const source = {
  freshUrl,
  items: () => shown().map((image) => ({ ...image, key: image.id, made_at: image.saved_at })),
  more: () => loadMore(),
  actions: (picture) => {
    const { id } = picture;
    const keep = { icon: "download", label: "Download", testid: "download", run: () => download(picture, () => freshUrl(picture)).catch(complain) };
    const reuse = { icon: "reuse", label: "Use again", testid: "reuse", leave: true, disabled: !picture.prompt, run: () => composer.reuse(picture) };
    if (trashed) {
      return [
        { icon: "reuse", label: "Restore", testid: "restore", main: true, run: () => restore(id) },
        keep,
        { icon: "trash", label: "Erase", testid: "erase", run: () => erase(id) },
      ];
    }
    return [
      reuse,
      { icon: "star", label: "Favourite", testid: "favorite", pressed: picture.favorite, run: () => favorite(id) },
      keep,
      { icon: "trash", label: "Delete", testid: "delete", run: () => trash(id) },
    ];
  },
};
