// The title and the note of one picture. What was typed stays where another window was faster.

import * as api from "./api.js";
import { byId, closable, setMessage } from "./dom.js";
import { icon } from "./icons.js";
import * as organise from "./organise.js";

const dialog = byId("caption");
const title = byId("caption-text");
const note = byId("caption-note");

let edited = { id: "", version: 0 };

export function start() {
  closable(dialog);
  dialog.querySelector("[data-close]").append(icon("close"));
  byId("caption-form").addEventListener("submit", send);
  // A key that is typed here does nothing behind it.
  dialog.addEventListener("keydown", (event) => event.stopPropagation());
}

export function open(image) {
  edited = image;
  title.value = image.title ?? "";
  title.placeholder = image.prompt ?? "";
  note.value = image.note ?? "";
  setMessage(byId("caption-error"), "");
  dialog.showModal();
}

async function send(event) {
  event.preventDefault();
  const change = { title: title.value.trim() || null, note: note.value.trim() || null };
  try {
    organise.take([await api.editImage(edited.id, change, edited.version)]);
    dialog.close();
  } catch (error) {
    if (error.status === 412) await meanwhile();
    else setMessage(byId("caption-error"), error.message);
  }
}

/** Another window changed the picture: its version is taken up, and what was typed is sent when it is asked for again. */
async function meanwhile() {
  try {
    edited = await api.getImage(edited.id);
    organise.take([edited]);
    const now = [edited.title && `its title is “${edited.title}”`, edited.note && `its note is “${edited.note}”`].filter(Boolean).join(", ") || "it has neither title nor note";
    setMessage(byId("caption-error"), `It was changed meanwhile: ${now}. Keep writes what you typed over it.`);
  } catch (error) {
    setMessage(byId("caption-error"), error.message);
  }
}
