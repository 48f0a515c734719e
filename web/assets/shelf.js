// The library's views, collections and tags beside it: links, and places to drop pictures on.

import * as address from "./address.js";
import * as collections from "./collections.js";
import { byId, closable, h, refill, setMessage, setText } from "./dom.js";
import { icon } from "./icons.js";
import { complain, toast } from "./toasts.js";

/** What pictures are called while they are dragged. */
export const DRAGGED = "application/x-tintype-pictures";
/** Tags that are shown without asking. */
const TAGS_SHOWN = 24;

const dialog = byId("collection");
const input = byId("collection-name");
/** The collection that the form is open for; one without an id is to be made. */
let editing = { id: "", isSent: false };
let acts = { addTo: async (_ids, _id) => {}, tag: async (_ids, _tag) => {}, favorite: async (_ids) => {}, trash: async (_ids) => {} };

/** @param {typeof acts} given What dropping pictures does. */
export function start(given) {
  acts = given;
  // Where it stands between the new pictures and the saved ones, it is a line until it is wanted.
  byId("shelf").open = matchMedia("(min-width: 901px)").matches;
  closable(dialog);
  dialog.querySelector("[data-close]").append(icon("close"));
  byId("collection-new").append(icon("plus"));
  byId("collection-new").addEventListener("click", () => openForm(null));
  byId("collection-form").addEventListener("submit", submit);
  byId("collection-delete").addEventListener("click", remove);
  dialog.addEventListener("close", giveFocusBack);
  makeTarget(byId("view-favorites"), (ids) => acts.favorite(ids));
  makeTarget(byId("view-trash"), (ids) => acts.trash(ids));
  address.listen(draw);
  collections.listen(() => draw(address.read()));
  document.addEventListener("dragstart", () => requestAnimationFrame(() => document.body.classList.add("dragging")));
  document.addEventListener("dragend", () => document.body.classList.remove("dragging"));
}

/** What is above it has its height now: it is shown where it stays. */
export const ready = () => byId("shelf-part").classList.remove("pending");

function draw(place) {
  const { filter, trash } = place;
  const isAll = !trash && !filter.collection && !filter.tag && !filter.favorite;
  current(byId("view-library"), isAll);
  current(byId("view-favorites"), !trash && filter.favorite === "true" && !filter.collection && !filter.tag);
  current(byId("view-trash"), trash);
  byId("collections-part").hidden = !collections.isThere();
  refill(byId("collections"), byId("collection-new"), ...collections.all().map((one) => collectionItem(one, filter)));
  byId("collections-none").hidden = collections.all().length > 0;
  const tags = collections.tags().slice(0, TAGS_SHOWN);
  refill(byId("tags"), byId("view-library"), ...tags.map((tag) => tagItem(tag, filter)));
  byId("tags-part").hidden = tags.length === 0;
}

function current(link, is) {
  if (is) link.setAttribute("aria-current", "page");
  else link.removeAttribute("aria-current");
}

function collectionItem({ id, name }, filter) {
  const link = h("a", { href: address.link({ filter: { collection: id } }), title: name, "data-testid": "collection-link" }, icon("folder"), h("span", {}, name));
  current(link, filter.collection === id);
  makeTarget(link, (ids) => acts.addTo(ids, id));
  const edit = h("button", { type: "button", class: "icon", "aria-label": `Rename or delete ${name}`, title: "Rename or delete", "data-testid": "collection-edit", "data-edits": id, click: () => openForm({ id, name }) }, icon("more"));
  return h("li", {}, link, edit);
}

function tagItem(tag, filter) {
  const link = h("a", { href: address.link({ filter: { tag: [tag] } }), class: "chip", "data-testid": "tag-link" }, `#${tag}`);
  current(link, [filter.tag ?? []].flat().includes(tag));
  makeTarget(link, (ids) => acts.tag(ids, tag));
  return h("li", {}, link);
}

/** Lets pictures be dropped on an element. @param {(ids: string[]) => Promise<void>} drop */
function makeTarget(element, drop) {
  const carries = (event) => event.dataTransfer?.types.includes(DRAGGED);
  element.addEventListener("dragover", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = "copy";
    element.classList.add("over-it");
  });
  for (const end of ["dragleave", "drop"]) element.addEventListener(end, () => element.classList.remove("over-it"));
  element.addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    document.body.classList.remove("dragging");
    drop(JSON.parse(event.dataTransfer.getData(DRAGGED)));
  });
}

function openForm(collection) {
  editing = { id: collection?.id ?? "", isSent: false };
  setText(byId("collection-title"), collection ? "Rename or delete" : "New collection");
  setText(byId("collection-yes"), collection ? "Rename" : "Create");
  byId("collection-delete").hidden = !collection;
  byId("collection-note").hidden = !collection;
  input.value = collection?.name ?? "";
  setMessage(byId("collection-error"), "");
  dialog.showModal();
  input.focus();
  input.select();
}

/** What opened the dialog was drawn anew if its collection changed, so the browser can't go back to it. */
function giveFocusBack() {
  // It notices only with the next frame that what had the focus is not to be seen any more.
  if (document.activeElement !== document.body && !dialog.contains(document.activeElement)) return;
  (byId("collections").querySelector(`[data-edits="${editing.id}"]`) ?? byId("collection-new")).focus();
}

async function submit(event) {
  event.preventDefault();
  const mine = editing;
  const name = input.value.trim();
  if (mine.isSent) return;
  if (!name) return setMessage(byId("collection-error"), "Give it a name.");
  mine.isSent = true;
  try {
    if (mine.id) await collections.rename(mine.id, name);
    else await collections.create(name);
    if (mine === editing) dialog.close();
  } catch (error) {
    if (mine !== editing || !dialog.open) return complain(error);
    if (!("status" in error)) throw error;
    const said = error.fields[0]?.code === "taken" ? "There is a collection of that name already." : (error.fields[0] ? `The name ${error.fields[0].detail}.` : error.message);
    setMessage(byId("collection-error"), said);
  } finally {
    mine.isSent = false;
  }
}

async function remove() {
  const mine = editing;
  const name = collections.nameOf(mine.id);
  try {
    await collections.remove(mine.id);
    if (mine === editing) dialog.close();
    if (address.read().filter.collection === mine.id) address.go({ filter: {}, picture: null }, { replace: true });
    toast(`The collection “${name}” is deleted. Its pictures are still in the library.`);
  } catch (error) {
    complain(error);
  }
}
