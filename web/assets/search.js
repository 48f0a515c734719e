// What is looked for: the words as they are typed, the filters, and a chip for each. The address holds it all.

import * as address from "./address.js";
import * as api from "./api.js";
import * as collections from "./collections.js";
import * as composer from "./composer.js";
import { byId, h, refill, setMessage, setText } from "./dom.js";
import { icon } from "./icons.js";

/** What comes faster than this is looked for when it rests, in milliseconds: no hand types so fast, but a key that is held does. */
const REST = 25;
/** Orders of what was found by words. */
const NEEDS_WORDS = ["best", "meaning"];

const find = byId("find");
const chips = byId("chips");
const panel = byId("filters");
const favorites = byId("favorites");
const sort = byId("sort");
const fields = [...panel.querySelectorAll("[name]")];
const model = panel.querySelector("[name=model]");
/** The words that the field and the address agreed on last: what differs from them is still being typed. */
let agreed = "";

export function start() {
  let resting = 0;
  let typed = 0;
  // The first key is looked for at once, and so is each that follows at a person's pace.
  find.addEventListener("input", () => {
    const pause = performance.now() - typed;
    typed += pause;
    clearTimeout(resting);
    if (pause > REST) lookFor();
    else resting = setTimeout(lookFor, REST);
  });
  find.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    clearTimeout(resting);
    lookFor();
  });
  favorites.addEventListener("click", () => set({ favorite: address.read().filter.favorite ? undefined : "true" }));
  sort.addEventListener("change", () => set({ sort: sort.value === "newest" ? undefined : sort.value }));
  panel.addEventListener("input", () => {
    clearTimeout(resting);
    resting = setTimeout(readPanel, REST * 6);
  });
  byId("filters-toggle").addEventListener("click", () => togglePanel());
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    togglePanel(false);
    byId("filters-toggle").focus();
  });
  byId("filters-clear").addEventListener("click", clear);
  address.listen(show);
  collections.listen(() => show(address.read()));
  show(address.read());
}

export const focus = () => {
  find.focus();
  find.select();
};

/** Looks for nothing in particular any more. */
export function clear() {
  find.value = "";
  panel.reset();
  complain([]);
  address.go({ filter: {}, trash: address.read().trash, picture: null });
  find.focus();
}

function togglePanel(open = panel.hidden) {
  panel.hidden = !open;
  byId("filters-toggle").setAttribute("aria-expanded", String(open));
  if (open) {
    offerModels();
    fields[0].focus();
  }
}

/** Offers the models of now, and the one that is looked for, which need not be among them. */
function offerModels() {
  const wanted = address.read().filter.model ?? "";
  const known = composer.models();
  const others = known.some(({ name }) => name === wanted) || !wanted ? [] : [{ name: wanted, title: wanted }];
  model.replaceChildren(h("option", { value: "" }, "Any"), ...[...known, ...others].map(({ name, title }) => h("option", { value: name }, title)));
  model.value = wanted;
}

/** The words alone change quietly: one step back leaves the whole search. */
function lookFor() {
  const { filter } = address.read();
  const q = find.value.trim();
  agreed = q;
  if (q === (filter.q ?? "")) return;
  const { q: _, similar: __, sort: order, ...rest } = filter;
  const next = { ...rest, ...(q && { q }), ...(order && (q || !NEEDS_WORDS.includes(order)) && { sort: order }) };
  address.go({ filter: next, picture: null }, { replace: Boolean(filter.q) });
}

/** Asks for what the words mean, instead of for the words. */
export const byMeaning = () => set({ sort: "meaning" });

/**
 * Looks and meanings are asked for without filters: whichever comes last stays.
 * @param {Record<string, string | string[] | undefined>} change
 */
function set(change) {
  const { similar: _, ...before } = address.read().filter;
  const filter = change.sort === "meaning" ? { q: before.q, ...change } : { ...before, ...change };
  if (filter.sort === "meaning" && !("sort" in change)) delete filter.sort;
  for (const name of Object.keys(filter)) if (filter[name] === undefined || filter[name].length === 0) delete filter[name];
  address.go({ filter, picture: null });
}

const checks = { collection: /./, tag: /[\p{L}\p{N}]/u, rating: /^[1-5]$/, model: /./, width: /^[1-9]\d{0,4}$/, height: /^[1-9]\d{0,4}$/, from: /^\d{4}-\d\d-\d\d$/, to: /^\d{4}-\d\d-\d\d$/, has_parent: /^(true|false)$/ };

/** What to type instead of what can't be looked for. */
const RULES = { tag: "A tag has a letter or a digit.", width: "The width is a whole number, as in 512.", height: "The height is a whole number, as in 512.", from: "The day has a year of four digits.", to: "The day has a year of four digits." };

/** Says which fields can't be looked for. @param {any[]} wrong */
function complain(wrong) {
  for (const field of fields) {
    if (wrong.includes(field)) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }
  setMessage(byId("filters-error"), [...new Set(wrong.map(({ name }) => RULES[name]))].join(" "));
}

function readPanel() {
  const change = {};
  const wrong = fields.filter(({ name, value }) => value.trim() !== "" && !checks[name].test(value.trim()));
  complain(wrong);
  for (const { name, value } of fields.filter((field) => !wrong.includes(field))) {
    const text = value.trim();
    change[name] = text === "" ? undefined : name === "tag" ? text.split(",").map((tag) => tag.trim()).filter(Boolean) : text;
  }
  set(change);
}

/** What stands in the address, in the fields and as chips. */
function show({ filter, trash }) {
  if (agreed !== (filter.q ?? "")) {
    agreed = filter.q ?? "";
    find.value = agreed;
  }
  favorites.setAttribute("aria-pressed", String(filter.favorite === "true"));
  for (const order of NEEDS_WORDS) sort.querySelector(`[value=${order}]`).disabled = !filter.q;
  sort.querySelector("[value=meaning]").hidden = !api.can("meaning") || trash;
  sort.value = filter.sort ?? "newest";
  sort.disabled = Boolean(filter.similar);
  // What is being typed, and what is wrong, stays to be put right.
  for (const field of fields) if (document.activeElement !== field && !field.hasAttribute("aria-invalid")) field.value = [filter[field.name] ?? ""].flat().join(", ");
  if (document.activeElement !== model && model.value !== (filter.model ?? "")) offerModels();
  const made = chipsOf(filter).map(({ label, without }) => h("li", {}, h("button", { type: "button", class: "chip", "data-testid": "chip", "aria-label": `${label}: take away`, click: () => set(without) }, label, icon("close"))));
  refill(chips, find, ...made);
  chips.hidden = made.length === 0;
  setText(byId("filters-count"), made.length ? String(made.length) : "");
  find.placeholder = trash ? "Search the trash" : "Search";
}

function chipsOf(filter) {
  const one = (name, label) => (filter[name] ? [{ label: label(filter[name]), without: { [name]: undefined } }] : []);
  const stars = (value) => (value === "5" ? "5 stars" : `${value} stars or more`);
  return [
    ...one("collection", (id) => collections.nameOf(id)),
    ...[filter.tag ?? []].flat().map((tag) => ({ label: `#${tag}`, without: { tag: [filter.tag].flat().filter((other) => other !== tag) } })),
    ...one("favorite", (value) => (value === "true" ? "Favourites" : "No favourites")),
    ...one("rating", stars),
    ...one("model", composer.titleOf),
    ...one("width", (value) => `${value} wide`),
    ...one("height", (value) => `${value} high`),
    ...one("seed", (value) => `Seed ${value}`),
    ...one("from", (value) => `From ${value}`),
    ...one("to", (value) => `Before ${value}`),
    ...one("has_parent", (value) => (value === "true" ? "Made from another" : "Not made from another")),
    ...one("parent", () => "Made from one picture"),
    ...one("similar", () => "Looks like one picture"),
  ];
}

/** What is typed, as a query: its last word may go on, unless it is quoted. Without a letter or digit it is none. */
function typed(text) {
  const words = (text ?? "").trim();
  if (!/[\p{L}\p{N}]/u.test(words)) return "";
  const isWord = /[\p{L}\p{N}]$/u.test(words) && words.split('"').length % 2 === 1;
  return isWord ? `${words}*` : words;
}

/** What the address asks for, as `GET /images` takes it. @param {import("./address.js").Address} place */
export function queryOf({ filter, trash }) {
  const { q, similar, ...rest } = filter;
  if (similar) return { similar };
  const words = typed(q);
  if (rest.sort === "meaning") {
    if (words) return { meaning: q.trim() };
    delete rest.sort;
  }
  return { ...rest, ...(words && { q: words }), ...(trash && { trashed: true }) };
}
