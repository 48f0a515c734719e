// The form that asks for pictures: the prompt, the model, its settings, and what is wrong with them. The draft is kept.

import { byId, h, setMessage, setText } from "./dom.js";
import { complainAt, fieldsOf, lineOf } from "./fields.js";
import { icon } from "./icons.js";
import { show } from "./pictures.js";
import { keep, recall } from "./storage.js";
import { toast } from "./toasts.js";
import * as vocabulary from "./vocabulary.js";

const EXAMPLE = "red heart";
const OPEN_EXAMPLE = "a lighthouse at dusk, oil painting";

const form = byId("composer");
const prompt = byId("prompt");
const settings = byId("settings");

/** `changed` holds only what differs from the model's defaults, so that a draft fits any model. */
const draft = { prompt: null, model: null, changed: {}, open: false, ...recall("draft", {}) };
/** @type {{default: string, models: any[]}} */
let catalogue = { default: "", models: [] };
let card = /** @type {any} */ (null);
/** @type {import("./fields.js").Field[]} */
let fields = [];
let send = async (_input) => {};
let chosenModel = () => {};
let sending = false;
/** What a press asked for while another request was on its way. @type {ReturnType<typeof asked>} */
let next = null;
/** A press that comes before the models are known waits for them. */
const { promise: areKnown, resolve: setKnown } = Promise.withResolvers();

/**
 * @param {{submit: (input: object) => Promise<void>, model: () => void}} listeners `submit` sends a checked request and
 * throws an ApiError; `model` hears that another model was chosen.
 */
export function start({ submit, model }) {
  send = submit;
  chosenModel = model;
  prompt.value = draft.prompt ?? "";
  // As on the last visit, so that nothing moves once the models are known.
  byId("knows").hidden = !recall("vocabulary", true);
  settings.open = draft.open;
  if (/Mac|iP/.test(navigator.platform)) setText(byId("generate-keys"), "⌘↵");
  prompt.addEventListener("input", () => {
    complainAt(prompt, byId("prompt-error"));
    remember();
  });
  settings.addEventListener("toggle", remember);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    generate();
  });
  vocabulary.start(insert);
  byId("parent-forget").append(icon("close"));
  byId("parent-forget").addEventListener("click", () => setParent(null));
  // It is told on the first visit; where the pictures stand below the form it is folded, so that they come sooner.
  byId("about").open = draft.prompt === null && matchMedia("(min-width: 901px)").matches;
}

/** Shows what the models allow. @param {{default: string, models: any[]}} given */
export function offer(given) {
  catalogue = given;
  choose(given.models.find((one) => one.name === draft.model) ?? given.models.find((one) => one.name === given.default) ?? given.models[0]);
  if (draft.prompt === null && prompt.value === "") prompt.value = example();
  setKnown();
}

export const models = () => catalogue.models;
export const titleOf = (name) => catalogue.models.find((one) => one.name === name)?.title ?? name;
export const focus = () => {
  prompt.focus();
  prompt.select();
};

/** What to try first: things the chosen model was taught. */
export function examples() {
  const known = card?.vocabulary?.concepts ?? [];
  return [EXAMPLE, "cat face", "rocket", "blue car", "pizza", "owl"].filter((one) => known.includes(one));
}

const example = () => {
  const known = card?.vocabulary?.concepts;
  return !known ? OPEN_EXAMPLE : known.includes(EXAMPLE) ? EXAMPLE : known[0];
};

function choose(chosen) {
  card = chosen;
  if (!card) return;
  fields = fieldsOf(card, draft.changed, remember);
  byId("fields").replaceChildren(...modelChoice(), ...fields.map((field) => field.element), resetButton());
  const known = card.vocabulary?.concepts ?? [];
  vocabulary.offer(known);
  setText(byId("about-model"), card.description);
  byId("better-model").hidden = known.length === 0;
  keep("vocabulary", known.length > 0);
  setText(byId("settings-line"), lineOf(card, fields));
  chosenModel();
}

function modelChoice() {
  if (catalogue.models.length < 2) return [];
  const options = catalogue.models.map((one) => h("option", { value: one.name, selected: one === card }, one.title));
  const change = (event) => {
    draft.model = event.target.value;
    choose(catalogue.models.find((one) => one.name === draft.model));
    remember();
    byId("field-model").focus();
  };
  const select = h("select", { id: "field-model", name: "model", change, "data-testid": "model" }, ...options);
  return [h("div", { class: "field model" }, h("label", { for: "field-model" }, "Model"), h("div", { class: "entry" }, select))];
}

function resetButton() {
  const click = () => {
    draft.changed = {};
    choose(card);
    remember();
  };
  return h("button", { type: "button", class: "quiet reset", click, "data-testid": "reset" }, "Back to defaults");
}

function remember() {
  draft.prompt = prompt.value;
  draft.open = settings.open;
  // Before the models are known there are no fields, and the draft's settings stay as they are.
  if (card) draft.changed = Object.fromEntries(fields.map(({ name, input, fallback }) => [name, input.value.trim(), fallback]).filter(([, value, fallback]) => value !== fallback));
  keep("draft", draft);
  if (card) setText(byId("settings-line"), lineOf(card, fields));
}

/** Puts a thing the model knows into the prompt: in place of another such thing, else where the cursor stands. */
function insert(concept) {
  const text = prompt.value.trim();
  if (text === "" || card.vocabulary.concepts.includes(text)) prompt.value = concept;
  else prompt.setRangeText(`${/\s$|^$/.test(prompt.value.slice(0, prompt.selectionStart)) ? "" : " "}${concept}`, prompt.selectionStart, prompt.selectionEnd, "end");
  complainAt(prompt, byId("prompt-error"));
  remember();
  prompt.focus();
}

/** @param {string} text */
export function write(text) {
  prompt.value = text;
  complainAt(prompt, byId("prompt-error"));
  remember();
}

/** What of a request makes the picture, and is asked for again. */
const MAKING = ["width", "height", "steps", "guidance_scale", "scheduler", "output_format", "negative_prompt"];

/** The saved picture that the next one is made from. @type {any} */
let parent = null;

function setParent(image) {
  parent = image;
  byId("parent").hidden = !image;
  if (!image) return;
  show(byId("parent-picture"), image.thumbnail_url, image, image.sha256);
  setText(byId("parent-name"), image.title ?? image.prompt ?? "Untitled picture");
}

/** Fills the form with what a saved picture was made with, and remembers it as the parent of the next one. */
export function remix(picture) {
  reuse({ ...picture, seed: null });
  setParent(picture);
}

/** Asks for the same once more, from another seed; the form stays as it is. */
export async function variant({ id, prompt: words, request }) {
  const made = catalogue.models.find((one) => one.name === request.model);
  const kept = Object.fromEntries(MAKING.filter((name) => request[name] != null).map((name) => [name, request[name]]));
  await send({ prompt: words ?? request.prompt, ...(made && { model: made.name }), ...kept, parent: { id, relation: "variant" } });
  toast("A variant is being drawn.");
}

/** Fills the form with what a picture was made with. @param {{prompt: string | null, request: any, seed: number | null}} picture */
export function reuse({ prompt: words, request, seed }) {
  prompt.value = words ?? "";
  const made = catalogue.models.find((one) => one.name === request?.model);
  if (made) draft.model = made.name;
  setParent(null);
  draft.changed = Object.fromEntries(MAKING.filter((name) => request?.[name] != null).map((name) => [name, String(request[name])]));
  if (seed != null) draft.changed.seed = String(seed);
  choose(made ?? card);
  settings.open = true;
  for (const field of fields) field.complain(field.read()?.error);
  complainAt(prompt, byId("prompt-error"));
  remember();
  scrollTo({ top: 0 });
  prompt.focus({ preventScroll: true });
}

/** Checks the form and sends it; while another request is on its way, after that one. */
export async function generate() {
  // Before the models are known, the first press reads the form once they are.
  if (sending) {
    if (card) next = asked() ?? next;
    return;
  }
  setSending(true);
  try {
    await areKnown;
    for (next = asked(); next;) await sendNext();
  } finally {
    setSending(false);
  }
}

async function sendNext() {
  const { input, from } = next;
  next = null;
  setMessage(byId("form-error"), "");
  try {
    await send(input);
    // Another may have been chosen meanwhile.
    if (parent === from) setParent(null);
  } catch (error) {
    explain(error);
  }
}

function setSending(on) {
  sending = on;
  byId("generate").setAttribute("aria-busy", String(on));
}

/** What the form asks for now, and the picture that is made from; null where something is wrong with it. */
function asked() {
  setMessage(byId("form-error"), "");
  const input = card && checked();
  if (!input) return null;
  return { from: parent, input: parent ? { ...input, parent: { id: parent.id, relation: "remix" } } : input };
}

function checked() {
  const input = { prompt: prompt.value.trim(), ...(draft.model === card.name && { model: card.name }) };
  const wrong = [];
  const say = (at, text) => {
    at(text);
    if (text) wrong.push(at);
  };
  say((text) => complainAt(prompt, byId("prompt-error"), text), input.prompt === "" ? "say what to draw" : "");
  for (const field of fields) {
    const value = field.read();
    say(field.complain, value?.error);
    if (value !== undefined && !value?.error) input[field.name] = value;
  }
  if (wrong.length === 0) return input;
  toFirstWrong();
  return null;
}

/** Says what the server refused, beside the fields it names. */
function explain(error) {
  if (!("status" in error)) throw error;
  if (error.status === 401) return;
  const elsewhere = [];
  for (const { pointer, detail } of error.fields) {
    const name = pointer.slice(1);
    const field = fields.find((one) => one.name === name);
    if (name === "prompt") complainAt(prompt, byId("prompt-error"), detail);
    else if (field) field.complain(detail);
    else elsewhere.push(`${name} ${detail}`);
  }
  const named = error.fields.length > elsewhere.length;
  setMessage(byId("form-error"), elsewhere.join("; ") || (named ? "" : error.message));
  if (named) toFirstWrong();
}

function toFirstWrong() {
  const first = form.querySelector("[aria-invalid]");
  if (first?.closest("details")) settings.open = true;
  first?.focus();
}
