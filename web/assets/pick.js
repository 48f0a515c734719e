// A list to pick from by keys or pointer, and to add to: tags, collections.

import { byId, closable, h, setMessage, setText } from "./dom.js";
import { icon } from "./icons.js";

const dialog = byId("pick");
const find = byId("pick-find");
const options = byId("pick-options");

/**
 * `on` is how many of the pictures have it, from 0 to 1.
 * @typedef {{title: string, label: string, create: string, options: () => {key: string, label: string, on: number}[], make: (name: string) => Promise<string>, change: (key: string, on: boolean) => Promise<void>}} Choice
 */

/** @type {Choice | null} */
let choice = null;

export function start() {
  closable(dialog);
  dialog.querySelector("[data-close]").append(icon("close"));
  find.addEventListener("input", draw);
  find.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    options.querySelector("button")?.click();
  });
  options.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) turn(button).catch(tell);
  });
}

/** @param {Choice} given */
export function pick(given) {
  choice = given;
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
  options.replaceChildren(
    ...found.map(({ key, label, on }) => h("li", {}, h("button", { type: "button", class: "choice", "data-key": key, "aria-pressed": pressed(on), "data-testid": "choice" }, icon("check"), h("span", {}, label)))),
    ...(isNew ? [h("li", {}, h("button", { type: "button", class: "choice", "data-new": find.value.trim(), "data-testid": "choice-new" }, icon("plus"), h("span", {}, `${choice.create}: ${find.value.trim()}`)))] : []),
  );
  byId("pick-none").hidden = found.length > 0 || isNew;
}

async function turn(button) {
  setMessage(byId("pick-error"), "");
  const on = button.getAttribute("aria-pressed") !== "true";
  const key = button.dataset.new ? await choice.make(button.dataset.new) : button.dataset.key;
  await choice.change(key, on);
  find.value = "";
  draw();
  [...options.querySelectorAll("button")].find((one) => one.dataset.key === key)?.focus();
}

function tell(error) {
  if (!("status" in error)) throw error;
  setMessage(byId("pick-error"), error.fields[0] ? `The name ${error.fields[0].detail}.` : error.message);
}
