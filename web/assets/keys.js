// The sheet of keys, and the switch for those that are a single letter.

import { byId, closable, h } from "./dom.js";
import { icon } from "./icons.js";
import { keep, recall } from "./storage.js";

const command = /Mac|iP/.test(navigator.platform) ? "⌘" : "Ctrl";

const SHEET = [
  ["Everywhere", [["/", "Search"], ["p", "To the prompt"], [`${command} Enter`, "Generate"], ["?", "This sheet"], ["Esc", "Close, or select nothing"]]],
  ["Saved pictures", [
    ["Arrows", "To another picture"], ["Home End", "To the first, to the last"], ["Page Up Page Down", "A window up or down"], ["Enter", "Open"], ["Space", "Select"],
    ["Shift Arrow", "Select a range"], [`${command} A`, "Select all"], ["f", "Favourite"], ["1 to 5, 0", "Rate, or not"], ["t", "Tags"], ["c", "Collections"], ["Delete", "To the trash"], ["r", "Restore, in the trash"],
  ]],
  ["One picture", [["← →", "The one before, the next"], ["+ −", "Larger, smaller"], ["0", "The whole picture"], ["Arrows", "Move it, while it is larger"], ["f n t c s", "Favourite, title and note, tags, collections, similar pictures"]]],
  ["Months", [["↑ ↓", "A month"], ["Page Up Page Down", "A year"]]],
];

const dialog = byId("keys");
let single = recall("single-keys", true);

/** Whether keys of a single letter do something. */
export const singleKeys = () => single;

export function start() {
  closable(dialog);
  dialog.querySelector("[data-close]").append(icon("close"));
  byId("keys-open").addEventListener("click", open);
  byId("keys-list").replaceChildren(...SHEET.map(([title, rows]) => h("section", {}, h("h3", {}, title),
    h("dl", {}, ...rows.flatMap(([keys, what]) => [h("dt", {}, ...keys.split(" ").map((key) => (/^(to|in)$/.test(key) ? ` ${key} ` : h("kbd", {}, key)))), h("dd", {}, what)])))));
  const toggle = byId("keys-single");
  toggle.checked = single;
  toggle.addEventListener("change", () => {
    single = toggle.checked;
    keep("single-keys", single);
  });
}

export const open = () => dialog.open || dialog.showModal();
