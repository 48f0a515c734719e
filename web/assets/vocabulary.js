// The list of what a small model was taught, to search and to pick from.

import { byId, closable, h, setText } from "./dom.js";
import { icon } from "./icons.js";

const dialog = byId("vocabulary");
const find = byId("vocabulary-find");
const list = byId("vocabulary-list");
/** @type {string[]} */
let known = [];

/** @param {(concept: string) => void} pick */
export function start(pick) {
  dialog.querySelector("[data-close]").append(icon("close"));
  closable(dialog);
  byId("knows").addEventListener("click", open);
  find.addEventListener("input", narrow);
  find.addEventListener("keydown", (event) => {
    const first = list.querySelector("button:not([hidden])");
    if (event.key === "Enter" && first) first.click();
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
  known = concepts;
  byId("knows").hidden = concepts.length === 0;
  setText(byId("knows"), `What it can draw: ${concepts.length} things`);
  list.replaceChildren(...concepts.map((concept) => h("button", { type: "button", "data-testid": "concept" }, concept)));
}

export function open() {
  if (known.length === 0) return;
  find.value = "";
  narrow();
  dialog.showModal();
  find.focus();
}

function narrow() {
  const parts = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const button of list.children) {
    button.hidden = !parts.every((part) => button.textContent.includes(part));
    count += button.hidden ? 0 : 1;
  }
  const nothing = "Not among them. Words it was never taught are ignored when it draws.";
  setText(byId("vocabulary-count"), count > 0 ? `${count} of ${known.length}` : nothing);
}
