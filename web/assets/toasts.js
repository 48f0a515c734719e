// Short messages at the foot of the page, some with a way back.

import { byId, front, h } from "./dom.js";

const STAY_MS = 7000;

/** @param {string} text @param {{label: string, run: () => void}} [action] */
export function toast(text, action) {
  const close = () => element.remove();
  const element = h("div", { class: "toast", "data-testid": "toast" }, h("span", {}, text));
  if (action) {
    const run = () => {
      close();
      action.run();
    };
    element.append(h("button", { type: "button", click: run, "data-testid": "toast-action" }, action.label));
  }
  let timer = setTimeout(close, STAY_MS);
  // Nobody should have to hurry: it stays while it is pointed at.
  const hold = () => clearTimeout(timer);
  const release = () => {
    hold();
    timer = setTimeout(close, STAY_MS);
  };
  for (const event of ["pointerenter", "focusin"]) element.addEventListener(event, hold);
  for (const event of ["pointerleave", "focusout"]) element.addEventListener(event, release);
  const room = byId("toasts");
  const place = front();
  if (place !== document.body) place.addEventListener("close", () => document.body.append(room), { once: true });
  place.append(room);
  room.append(element);
  while (room.childElementCount > 3) room.firstElementChild.remove();
}

/** Tells of a failure, unless the key form tells it already. */
export function complain(error) {
  if (!("status" in error)) throw error;
  if (error.status !== 401) toast(error.message);
}
