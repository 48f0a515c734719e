// The bar over what is selected, and the keys that do the same: favourites, rating, tags, collections, the trash.

import * as collections from "./collections.js";
import * as compare from "./compare.js";
import { byId, closable, setText } from "./dom.js";
import * as grid from "./grid.js";
import { icon } from "./icons.js";
import { singleKeys } from "./keys.js";
import * as list from "./list.js";
import * as organise from "./organise.js";
import { pick } from "./pick.js";
import * as selection from "./selection.js";
import { nameOf } from "./tile.js";
import { complain, toast } from "./toasts.js";

const bar = byId("selection");
const rating = byId("selection-rating");
let isTrash = () => false;

/** @param {{isTrash: () => boolean}} given */
export function start(given) {
  ({ isTrash } = given);
  closable(byId("confirm"));
  selection.listen(() => {
    draw();
    grid.update();
  });
  const acts = {
    favorite: () => favorite(selection.images()),
    tags: () => pickTags(selection.images()),
    collections: () => pickCollections(selection.images()),
    compare: () => compare.open(...selection.images()),
    trash: () => organise.trash(selection.images()),
    restore: () => organise.restore(selection.ids()),
    erase: () => erase(selection.images()),
    clear: selection.clear,
  };
  const icons = { favorite: "star", tags: "tag", collections: "folder", compare: "compare", trash: "trash", restore: "reuse", erase: "trash", clear: "close" };
  for (const button of bar.querySelectorAll("[data-do]")) {
    button.prepend(icon(icons[button.dataset.do]));
    button.addEventListener("click", acts[button.dataset.do]);
  }
  rating.addEventListener("change", () => {
    rate(selection.images(), Number(rating.value) || null);
    rating.value = "";
  });
  byId("select-all").addEventListener("click", () => selectAll());
}

/** Shows what can be done with what is selected. */
export function draw() {
  const count = selection.size();
  const hadFocus = bar.contains(document.activeElement);
  bar.hidden = count === 0;
  if (bar.hidden && hadFocus) grid.focusActive();
  document.body.classList.toggle("selecting", count > 0);
  setText(byId("selection-count"), `${count.toLocaleString("en")} selected`);
  for (const one of bar.querySelectorAll("[data-where]")) one.hidden = (one.dataset.where === "trash") !== isTrash();
  bar.querySelector("[data-do=compare]").hidden = count !== 2;
  const isAll = count > 0 && selection.images().every((image) => image.favorite);
  bar.querySelector("[data-do=favorite]").setAttribute("aria-pressed", String(isAll));
}

const idsOf = (images) => images.map((image) => image.id);

function favorite(images) {
  return organise.edit(idsOf(images), { favorite: !images.every((image) => image.favorite) });
}

/** @param {any[]} images @param {number | null} stars */
function rate(images, stars) {
  const said = stars ? `${organise.amount(images.length)} rated ${stars} of 5.` : `The rating of ${organise.amount(images.length)} is taken away.`;
  return organise.edit(idsOf(images), { rating: stars ?? 0 }, said);
}

/** Pictures that are picked for, as the server tells of them after each change, also one that was on its way already. */
function followed(images) {
  let now = images;
  const all = () => now.map((image) => {
    const shown = list.find(image.id);
    return shown?.version > image.version ? shown : image;
  });
  const change = async (wanted) => {
    const changed = new Map((await organise.edit(idsOf(now), wanted)).map((image) => [image.id, image]));
    now = now.map((image) => changed.get(image.id) ?? image);
  };
  return { all, change };
}

/** How many of them have it, from 0 to 1. */
const share = (images, has) => images.filter(has).length / images.length;

/** Gives pictures tags, or takes some away. */
export function pickTags(images) {
  const { all, change } = followed(images);
  pick({
    title: images.length === 1 ? "Tags" : `Tags of ${organise.amount(images.length)}`,
    label: "Find or make a tag",
    create: "New tag",
    options: () => {
      const picked = all();
      const own = picked.flatMap((image) => image.tags);
      return [...new Set([...own, ...collections.tags()])].sort((a, b) => a.localeCompare(b)).map((tag) => ({ key: tag, label: `#${tag}`, on: share(picked, (image) => image.tags.includes(tag)) }));
    },
    make: async (name) => name,
    change: (tag, on) => change(on ? { add_tags: [tag] } : { remove_tags: [tag] }),
  });
}

/** Puts pictures into collections, or takes them out. */
export function pickCollections(images) {
  const { all, change } = followed(images);
  pick({
    title: images.length === 1 ? "Collections" : `Collections of ${organise.amount(images.length)}`,
    label: "Find or make a collection",
    create: "New collection",
    options: () => {
      const picked = all();
      return collections.all().map(({ id, name }) => ({ key: id, label: name, on: share(picked, (image) => image.collections?.includes(id)) }));
    },
    make: async (name) => (await collections.create(name)).id,
    change: (id, on) => change(on ? { add_to: [id] } : { remove_from: [id] }),
  });
}

/** Erases pictures after a second thought. */
export async function erase(images) {
  const title = images.length === 1 ? `Erase “${nameOf(images[0])}” for good?` : `Erase ${organise.amount(images.length)} for good?`;
  if (await confirmed(title)) await organise.erase(idsOf(images));
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

async function selectAll() {
  try {
    if (!(await selection.all())) toast(`The first ${selection.size().toLocaleString("en")} are selected.`);
  } catch (error) {
    complain(error);
  }
}

/** Keys on a picture of the grid: they mean what is selected, else that picture. @returns {boolean} whether the key was one */
export function press(event, image) {
  const isCommand = event.ctrlKey || event.metaKey;
  const images = selection.size() > 0 ? selection.images() : image ? [image] : [];
  const act = actOf(event, isCommand, images);
  if (!act) return false;
  event.preventDefault();
  act();
  return true;
}

function actOf(event, isCommand, images) {
  if (isCommand) return event.key.toLowerCase() === "a" ? selectAll : null;
  // What is only being read to be selected is let go, too.
  if (event.key === "Escape") return selection.clear;
  if (images.length === 0) return null;
  if (event.key === "Delete" || event.key === "Backspace") return isTrash() ? () => erase(images) : () => organise.trash(images);
  if (!singleKeys()) return null;
  if (isTrash()) return event.key === "r" ? () => organise.restore(idsOf(images)) : null;
  if (/^[0-5]$/.test(event.key)) return () => rate(images, Number(event.key) || null);
  return { f: () => favorite(images), t: () => pickTags(images), c: () => pickCollections(images) }[event.key] ?? null;
}

