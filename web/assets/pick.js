// A list to pick from by keys or pointer, and to add to: tags, collections.

import { byId, closable, h, refill, setMessage, setText } from "./dom.js";
import { icon } from "./icons.js";
import { complain } from "./toasts.js";

const dialog = byId("pick");
const find = byId("pick-find");
const options = byId("pick-options");

/**
 * `on` is how many of the pictures have it, from 0 to 1.
 * @typedef {{title: string, label: string, create: string, options: () => {key: string, label: string, on: number}[], make: (name: string) => Promise<string>, change: (key: string, on: boolean) => Promise<void>}} Choice
 */

/** @type {Choice | null} */
let choice = null;
/** What was pressed and is not answered yet. @type {Set<string>} */
let pending = new Set();

export function start() {
  closable(dialog);
  dialog.querySelector("[data-close]").append(icon("close"));
  find.addEventListener("input", draw);
  find.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    // A second press of it must not turn whatever stands first.
    if (find.value.trim() !== "") options.querySelector("button")?.click();
  });
  options.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) turn(button);
  });
}

/** @param {Choice} given */
export function pick(given) {
  choice = given;
  pending = new Set();
  find.value = "";
  setText(byId("pick-title"), given.title);
  setText(byId("pick-label"), given.label);
  find.placeholder = given.label;
  setMessage(byId("pick-error"), "");
  draw();
  dialog.showModal();
  find.focus();
}

function draw() {
  const text = find.value.trim().toLowerCase();
  const all = choice.options();
  const found = all.filter(({ label }) => label.toLowerCase().includes(text));
  const isNew = text !== "" && !all.some(({ key, label }) => key.toLowerCase() === text || label.toLowerCase() === text);
  const pressed = (on) => (on === 1 ? "true" : on > 0 ? "mixed" : "false");
  const button = (name, given, sign, words) => h("li", {}, h("button", { type: "button", class: "choice", ...given, "aria-disabled": pending.has(name) ? "true" : null }, icon(sign), h("span", {}, words)));
  refill(
    options,
    find,
    ...found.map(({ key, label, on }) => button(key, { "data-key": key, "aria-pressed": pressed(on), "data-testid": "choice" }, "check", label)),
    ...(isNew ? [button(text, { "data-new": find.value.trim(), "data-testid": "choice-new" }, "plus", `${choice.create}: ${find.value.trim()}`)] : []),
  );
  byId("pick-none").hidden = found.length > 0 || isNew;
}

/** Turns what was pressed, once at a time. What is typed or opened meanwhile stays as it is. */
async function turn(button) {
  const { key, new: name = "" } = button.dataset;
  const [mine, waiting, pressed] = [choice, pending, key ?? name.toLowerCase()];
  if (waiting.has(pressed)) return;
  const on = button.getAttribute("aria-pressed") !== "true";
  setMessage(byId("pick-error"), "");
  find.value = "";
  if (name) find.focus();
  waiting.add(pressed);
  draw();
  try {
    await mine.change(key ?? (await mine.make(name)), on);
  } catch (error) {
    if (mine === choice && dialog.open) tell(error, name);
    else complain(error);
  }
  waiting.delete(pressed);
  if (dialog.open) draw();
}

/** Says what is wrong with a name, which can be put right. */
function tell(error, name) {
  if (!("status" in error)) throw error;
  find.value ||= name;
  setMessage(byId("pick-error"), error.fields[0] ? `The name ${error.fields[0].detail}.` : error.message);
}
