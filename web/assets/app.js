// The page from its start: finds the API, asks what there is, connects, and hands out the keys of the keyboard.

import * as address from "./address.js";
import * as api from "./api.js";
import * as banner from "./banner.js";
import * as bulk from "./bulk.js";
import * as caption from "./caption.js";
import * as collections from "./collections.js";
import * as compare from "./compare.js";
import * as composer from "./composer.js";
import * as desk from "./desk.js";
import { byId, setMessage, setText } from "./dom.js";
import * as jobs from "./jobs.js";
import * as keys from "./keys.js";
import * as library from "./library.js";
import * as live from "./live.js";
import * as pick from "./pick.js";
import { forgetPictures } from "./pictures.js";
import * as recall from "./recall.js";
import * as search from "./search.js";
import * as selection from "./selection.js";
import { accessKey, forget, setAccessKey } from "./storage.js";
import { complain } from "./toasts.js";
import * as viewer from "./viewer.js";

const RETRY_MS = 3000;
let retry = 0;
let isLoaded = false;
let isOffered = false;
const WORDS = { connecting: "Connecting", live: "Live", reconnecting: "Reconnecting", offline: "Offline" };

composer.start({ submit: desk.generate, model: desk.drawFrame });
desk.start();
library.start();
viewer.start();
compare.start();
keys.start();
pick.start();
caption.start();
recall.start({ saved: library.add });
banner.start(tryNow);
// The list is not there yet when a browser would look for the place it had.
history.scrollRestoration = "manual";
live.listen({ message: jobs.receive, state: showState });
listenToKeys();
await api.configure(askForKey);
load();

/** Asks the server for everything; while it can't be reached, again and again. */
async function load() {
  clearTimeout(retry);
  byId("forget-key").hidden = !accessKey();
  try {
    if (!isOffered) composer.offer(await api.models());
    isOffered = true;
    live.start();
    // What is saved is known first: a result that is has no place on the desk.
    await Promise.all([library.load(), collections.load()]);
    await jobs.load();
    isLoaded = true;
    drawState(live.current());
    desk.ready();
  } catch (error) {
    if (error.status === 401) return;
    if (!("status" in error)) throw error;
    drawState("offline");
    retry = setTimeout(load, RETRY_MS);
  }
}

/** @param {import("./live.js").LiveState} state */
function showState(state) {
  // A cut that took a moment may have hidden jobs of other windows.
  if (state === "live" && byId("light").dataset.state !== "connecting") lookAgain();
  drawState(state);
}

/** @param {import("./live.js").LiveState} state */
function drawState(state) {
  banner.set(state === "offline");
  byId("light").dataset.state = state;
  setText(byId("light-word"), WORDS[state]);
}

function lookAgain() {
  jobs.load().catch(() => {});
  library.lookAgain().catch(() => {});
  collections.load().catch(() => {});
}

function tryNow() {
  if (isLoaded) live.start();
  else load();
}

document.addEventListener("visibilitychange", () => document.hidden || !live.isLive() || lookAgain());

// The key.

const keyDialog = byId("key");

function askForKey() {
  const had = accessKey() !== "";
  setAccessKey("");
  live.stop();
  byId("forget-key").hidden = true;
  if (keyDialog.open) return;
  setMessage(byId("key-error"), had ? "This server doesn’t know that key. Check it and try again." : "");
  byId("key-input").value = "";
  keyDialog.showModal();
}

keyDialog.addEventListener("cancel", (event) => event.preventDefault());
byId("key-form").addEventListener("submit", (event) => {
  event.preventDefault();
  const key = byId("key-input").value.trim();
  // What can stand in a header.
  if (!/^[\x21-\x7e]+$/.test(key)) return setMessage(byId("key-error"), key ? "A key has no spaces and no accents." : "Type the key.");
  setAccessKey(key);
  keyDialog.close();
  load();
});

byId("forget-key").addEventListener("click", () => {
  setAccessKey("");
  // What its owner wrote and did.
  forget("draft", "tags", "settled");
  // A page that knows nothing any more is the surest way to forget.
  forgetPictures();
  location.reload();
});

// The keyboard.

function listenToKeys() {
  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]")) return;
    const isCommand = event.ctrlKey || event.metaKey;
    if (event.key === "Enter" && isCommand) {
      event.preventDefault();
      composer.generate().catch(complain);
    } else if (!event.target.matches("input, textarea, select")) {
      elsewhere(event, isCommand);
    }
  });
}

/** Keys that mean something where nobody is typing. */
function elsewhere(event, isCommand) {
  if (event.defaultPrevented || event.altKey) return;
  const act = { "/": search.focus, p: composer.focus, "?": keys.open }[event.key];
  if (act && !isCommand && keys.singleKeys()) {
    event.preventDefault();
    act();
  } else if (!event.target.closest("#library") && selection.size() > 0) {
    bulk.press(event, null);
  }
}

// The address belongs to the views: links into them keep the window where it is, and a link that skips only moves the focus.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.('a[href^="#"]');
  if (!link || event.defaultPrevented || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (link.dataset.skip) byId(link.dataset.skip).focus();
  else address.go(address.read(link.hash));
});
