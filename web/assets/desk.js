// The desk: the prints of new jobs, the newest first, until their pictures are saved, discarded or put away.

import * as api from "./api.js";
import * as composer from "./composer.js";
import { announce, byId, h } from "./dom.js";
import * as jobs from "./jobs.js";
import * as library from "./library.js";
import { download } from "./pictures.js";
import { makePrint } from "./print.js";
import { complain, toast } from "./toasts.js";
import * as viewer from "./viewer.js";
import * as vocabulary from "./vocabulary.js";

const desk = byId("desk");
/** @type {Map<string, ReturnType<typeof makePrint> & {status: string}>} */
const prints = new Map();
/** Jobs that stay on the desk although nothing is left to decide: those that were begun or settled while the page is open. */
const lingering = new Set();
let loaded = false;

export function start() {
  jobs.onChange(draw);
  byId("desk-clear").addEventListener("click", clear);
  byId("desk-more").addEventListener("click", () => jobs.loadEarlier().then(drawFrame, complain));
}

/** After the first answer of the server, an empty desk is known to be empty. */
export function ready() {
  loaded = true;
  drawFrame();
}

/** Sends a request and shows its print. */
export async function generate(input) {
  const job = await jobs.generate(input);
  tidy();
  announce(`Accepted: ${job.request.prompt}`);
  prints.get(job.id)?.element.scrollIntoView({ block: "nearest" });
}

const isShown = (job) => job && !jobs.isAway(job.id) && !allGone(job) && (lingering.has(job.id) || !jobs.isSettled(job));
const allGone = (job) => job.status === "succeeded" && job.images.every(({ index }) => jobs.fate(job.id, index) === "gone");

/** Brings one print up to date. */
function draw(id) {
  const job = jobs.job(id);
  if (job && !jobs.hasEnded(job)) lingering.add(id);
  let print = prints.get(id);
  const held = print?.element.contains(document.activeElement) ? document.activeElement : null;
  const others = print && [print.element, print.element.nextElementSibling, print.element.previousElementSibling];
  if (!isShown(job)) {
    print?.element.remove();
    prints.delete(id);
  } else {
    if (!print) {
      print = { ...makePrint(job, acts), status: "" };
      prints.set(id, print);
      place(job, print.element);
    }
    if (print.status && print.status !== job.status) tell(job);
    print.status = job.status;
    print.update(job);
  }
  if (held && !held.checkVisibility()) passFocus(held, others.find((one) => one?.isConnected));
  drawFrame();
  viewer.refresh();
}

/** A control that had the focus is gone: the next one of the print has it, or else the heading. */
function passFocus(gone, print) {
  const controls = [...(print?.querySelectorAll("button:enabled") ?? [])].filter((one) => one.checkVisibility());
  const follows = (one) => gone.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING;
  (controls.find(follows) ?? controls.at(-1) ?? byId("desk-title")).focus({ preventScroll: true });
}

function place(job, element) {
  const older = jobs.all().find((one) => one.id !== job.id && one.created_at <= job.created_at && prints.has(one.id));
  desk.insertBefore(element, older ? prints.get(older.id).element : null);
}

const ENDS = { succeeded: "Done", failed: "Failed", canceled: "Canceled", expired: "Never begun" };

function tell(job) {
  if (ENDS[job.status]) announce(`${ENDS[job.status]}: ${job.request.prompt}`);
}

/** What stands around the prints: the greeting, and what can be done with all of them. */
export function drawFrame() {
  byId("desk-clear").hidden = [...prints.keys()].filter((id) => jobs.hasEnded(jobs.job(id))).length < 2;
  byId("desk-more").hidden = !jobs.hasEarlier();
  const welcome = byId("desk-empty");
  welcome.hidden = prints.size > 0;
  welcome.classList.toggle("pending", !loaded);
  if (loaded && !welcome.hidden) welcome.replaceChildren(...greeting());
}

function greeting() {
  const tries = composer.examples().map((example) => {
    const click = () => {
      composer.write(example);
      composer.generate();
    };
    return h("button", { type: "button", class: "chip", click, "data-testid": "example" }, example);
  });
  return [
    h("p", { class: "lead" }, "Press Generate and watch a picture develop."),
    h("p", { class: "note" }, "It appears here step by step. Save the ones worth keeping; the others are gone after a day."),
    tries.length > 0 ? h("p", { class: "chips" }, h("span", { class: "note" }, "Or try"), ...tries) : "",
  ];
}

/** Takes prints of which nothing is left to decide off the desk. */
function tidy() {
  for (const id of [...prints.keys()]) {
    const job = jobs.job(id);
    if (jobs.hasEnded(job) && jobs.isSettled(job)) {
      lingering.delete(id);
      draw(id);
    }
  }
}

function clear() {
  const ended = [...prints.keys()].filter((id) => jobs.hasEnded(jobs.job(id)));
  for (const id of ended) jobs.putAway(id);
  toast(`${ended.length} prints put away.`, { label: "Undo", run: () => ended.forEach(jobs.bringBack) });
}

async function save(id, index) {
  lingering.add(id);
  // Shown at once, taken back where the server says no.
  jobs.setFate(id, index, "saved");
  try {
    library.add(await api.save(id, index));
    announce("Saved");
  } catch (error) {
    jobs.setFate(id, index, undefined);
    complain(error);
  }
}

function discard(id, index) {
  lingering.add(id);
  jobs.setFate(id, index, "gone");
  toast("Discarded.", { label: "Undo", run: () => jobs.setFate(id, index, undefined) });
}

const resultOf = (id, index) => results().find((one) => one.key === `${id}/${index}`);

/** Every result on the desk, as the viewer shows them. */
function results() {
  return jobs.all().filter((job) => prints.has(job.id) && job.status === "succeeded").flatMap((job) =>
    job.images.filter(({ index }) => jobs.fate(job.id, index) !== "gone").map((image) => ({
      ...image,
      key: `${job.id}/${image.index}`,
      job_id: job.id,
      prompt: job.request.prompt,
      request: job.request,
      made_at: job.finished_at,
    })));
}

const fetchResult = (id, index) => download(resultOf(id, index), () => jobs.freshUrl(id, index)).catch(complain);

const source = {
  count: () => results().length,
  indexOf: (key) => results().findIndex((one) => one.key === key),
  at: (index) => results()[index],
  find: (key) => results().find((one) => one.key === key),
  read: async () => {},
  freshUrl: ({ job_id, index }) => jobs.freshUrl(job_id, index),
  actions: (picture) => {
    const { job_id, index } = picture;
    const saved = jobs.fate(job_id, index) === "saved";
    return [
      { icon: saved ? "check" : "save", label: saved ? "Saved" : "Save", testid: "save", disabled: saved, main: true, run: () => save(job_id, index) },
      { icon: "download", label: "Download", testid: "download", run: () => fetchResult(job_id, index) },
      { icon: "reuse", label: "Use these", testid: "reuse", leave: true, run: () => composer.reuse(picture) },
      !saved && { icon: "trash", label: "Discard", testid: "discard", run: () => discard(job_id, index) },
    ];
  },
};

const acts = {
  open: (id, index) => viewer.open(source, `${id}/${index}`),
  save,
  discard,
  download: fetchResult,
  saveAll: (id) => jobs.job(id).images.filter(({ index }) => !jobs.fate(id, index)).forEach(({ index }) => save(id, index)),
  cancel: (id) => jobs.cancel(id).catch(complain),
  retry: (id) => jobs.retry(id).catch(complain),
  away: (id) => {
    jobs.putAway(id);
    toast("Put away.", { label: "Undo", run: () => jobs.bringBack(id) });
  },
  known: vocabulary.open,
};
