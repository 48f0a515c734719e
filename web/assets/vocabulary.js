// The list of what a small model was taught, to search and to pick from.

import { byId, closable, h, setText } from "./dom.js";
import { icon } from "./icons.js";

const dialog = byId("vocabulary");
const find = byId("vocabulary-find");
const list = byId("vocabulary-list");
/** In the order of the alphabet; null until the models are known. @type {HTMLElement[] | null} */
let buttons = null;

/** @param {(concept: string) => void} pick */
export function start(pick) {
  dialog.querySelector("[data-close]").append(icon("close"));
  closable(dialog);
  byId("knows").addEventListener("click", open);
  find.addEventListener("input", narrow);
  find.addEventListener("keydown", (event) => {
    const first = list.querySelector("button:not([hidden])");
    if (event.key !== "Enter" || !first) return;
    // Else the prompt, which has the focus next, gets a line break of it.
    event.preventDefault();
    first.click();
  });
  list.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    dialog.close();
    pick(button.textContent);
  });
}

/** @param {string[]} concepts */
export function offer(concepts) {
  buttons = concepts.map((concept) => h("button", { type: "button", "data-testid": "concept" }, concept));
  byId("knows").hidden = concepts.length === 0;
  setText(byId("knows"), `What it can draw: ${concepts.length} things`);
  list.replaceChildren(...buttons);
  if (buttons.length === 0) dialog.close();
  else if (dialog.open) narrow();
}

export function open() {
  if (buttons?.length === 0) return;
  find.value = "";
  narrow();
  dialog.showModal();
  find.focus();
}

function narrow() {
  if (!buttons) return setText(byId("vocabulary-count"), "Asking the server…");
  const text = find.value.trim().toLowerCase();
  const parts = text.split(/\s+/);
  for (const button of buttons) button.hidden = !parts.every((part) => button.textContent.includes(part));
  const count = buttons.filter((button) => !button.hidden).length;
  // What begins with the words stands before what holds them: “cat face” before “blue cat face”.
  const begins = (button) => button.textContent.startsWith(text);
  list.append(...buttons.filter(begins), ...buttons.filter((button) => !begins(button)));
  const nothing = "Not among them. Words it was never taught are ignored when it draws.";
  setText(byId("vocabulary-count"), count === 0 ? nothing : text ? `${count} of ${buttons.length}` : "Press one to put it into the prompt.");
}
