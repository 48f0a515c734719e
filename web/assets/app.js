// The page from its start: finds the API, asks what there is, connects, and hands out the keys of the keyboard.

import * as api from "./api.js";
import * as composer from "./composer.js";
import * as desk from "./desk.js";
import { byId, setMessage, setText } from "./dom.js";
import * as jobs from "./jobs.js";
import * as library from "./library.js";
import * as live from "./live.js";
import { forgetPictures } from "./pictures.js";
import { accessKey, setAccessKey } from "./storage.js";
import { complain } from "./toasts.js";
import * as viewer from "./viewer.js";

const RETRY_MS = 3000;
const WORDS = { connecting: "Connecting", live: "Live", reconnecting: "Reconnecting", offline: "Offline" };

composer.start({ submit: desk.generate, model: desk.drawFrame });
desk.start();
library.start();
viewer.start();
live.listen({ message: jobs.receive, state: showState });
listenToKeys();
await api.configure(askForKey);
load();

/** Asks the server for everything; while it can't be reached, again and again. */
async function load() {
  byId("forget-key").hidden = !accessKey();
  try {
    composer.offer(await api.models());
    live.start();
    await Promise.all([jobs.load(), library.load()]);
    setMessage(byId("form-error"), "");
    desk.ready();
  } catch (error) {
    if (error.status === 401) return;
    if (!("status" in error)) throw error;
    showState("offline");
    setMessage(byId("form-error"), error.message);
    setTimeout(load, RETRY_MS);
  }
}

/** @param {import("./live.js").LiveState} state */
function showState(state) {
  const light = byId("light");
  // A cut that took a moment may have hidden jobs of other windows.
  if (state === "live" && light.dataset.state !== "connecting") {
    setMessage(byId("form-error"), "");
    lookAgain();
  }
  light.dataset.state = state;
  setText(byId("light-word"), WORDS[state]);
}

function lookAgain() {
  jobs.load().catch(() => {});
  library.lookAgain().catch(() => {});
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
  // A page that knows nothing any more is the surest way to forget.
  forgetPictures();
  location.reload();
});

// The keyboard.

function listenToKeys() {
  document.addEventListener("keydown", (event) => {
    if (document.querySelector("dialog[open]")) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      composer.generate().catch(complain);
    } else if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !event.target.matches("input, textarea, select")) {
      event.preventDefault();
      composer.focus();
    }
  });
}
