// What is said across the page while the server can't be reached.

import { byId } from "./dom.js";

const banner = byId("banner");

/** @param {() => void} again */
export function start(again) {
  byId("banner-retry").addEventListener("click", again);
}

/** @param {boolean} isAway */
export function set(isAway) {
  banner.hidden = !isAway;
}
