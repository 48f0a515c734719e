// The title and the note of one picture. What was typed stays where another window was faster.

import * as api from "./api.js";
import { byId, closable, setMessage } from "./dom.js";
import { icon } from "./icons.js";
import * as list from "./list.js";
import * as organise from "./organise.js";
import { complain } from "./toasts.js";

const dialog = byId("caption");
const title = byId("caption-text");
const note = byId("caption-note");

/** What was opened last, as it was seen. */
let form = { image: /** @type {any} */ (null), isSent: false };

export function start() {
  closable(dialog);
  dialog.querySelector("[data-close]").append(icon("close"));
  byId("caption-form").addEventListener("submit", send);
  // A key that is typed here does nothing behind it.
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
}

export function open(image) {
  form = { image, isSent: false };
  title.value = image.title ?? "";
  title.placeholder = image.prompt ?? "";
  note.value = image.note ?? "";
  setMessage(byId("caption-error"), "");
  dialog.showModal();
}

async function send(event) {
  event.preventDefault();
  const mine = form;
  if (mine.isSent) return;
  mine.isSent = true;
  const change = { title: title.value.trim() || null, note: note.value.trim() || null };
  try {
    await organise.settled();
    organise.take([await api.editImage(mine.image.id, change, versionOf(mine.image))]);
    if (mine === form) dialog.close();
  } catch (error) {
    await explain(mine, error);
  }
  mine.isSent = false;
}

/** The version that was seen, or a later one with the same title and note, as after a star. */
function versionOf(seen) {
  const now = list.find(seen.id);
  return now?.title === seen.title && now?.note === seen.note ? now.version : seen.version;
}

async function explain(mine, error) {
  if (mine !== form || !dialog.open) return complain(error);
  if (error.status === 412) await meanwhile(mine);
  else setMessage(byId("caption-error"), error.message);
}

/** Another window changed the picture: its version is taken up, and what was typed is sent when it is asked for again. */
async function meanwhile(mine) {
  try {
    const image = await api.getImage(mine.image.id);
    mine.image = image;
    organise.take([image]);
    const now = [image.title && `its title is “${image.title}”`, image.note && `its note is “${image.note}”`].filter(Boolean).join(", ") || "it has neither title nor note";
    if (mine === form) setMessage(byId("caption-error"), `It was changed meanwhile: ${now}. Keep writes what you typed over it.`);
  } catch (error) {
    await explain(mine, error);
  }
}
