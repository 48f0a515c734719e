// The jobs the page knows, as the server tells of them: over the WebSocket, and by asking while that is away.
// What is on the screen is desk.js.

import * as api from "./api.js";
import * as live from "./live.js";
import { keep, recall } from "./storage.js";

const PAGE = 24;
/** How often the place in line is asked for, which no event tells. */
const PLACE_MS = 4000;
/** How often a job is asked for while there is no WebSocket. */
const POLL_MS = 2000;
/** How many results are remembered as saved or discarded; the server keeps results for a day. */
const SETTLED_KEPT = 2000;
/** How long the server keeps a result, and an hour: a picture may be saved at the end of that time. */
const RESULT_MS = 25 * 3_600_000;

/** @typedef {"saved" | "gone"} Fate */

/** Newest first is by `created_at`. @type {Map<string, any>} */
const jobs = new Map();
/** Job id -> image index -> data URL. @type {Map<string, Map<number, string>>} */
const previews = new Map();
/** `job id/index` -> what became of a result, `job id` -> "gone" where the whole job was put away. @type {Map<string, Fate>} */
const fates = new Map(recall("settled", []));
let listener = (_id) => {};
/** Where the jobs before those that are known begin; null where there are none, and before the first answer. */
let earlier = /** @type {string | null} */ (null);
let isBegun = false;
let placeTimer = 0;

/** Hears of every change, by job id. @param {(id: string) => void} change */
export function onChange(change) {
  listener = change;
  setInterval(poll, POLL_MS);
  setInterval(() => live.isLive() && waiting().length > 0 && askPlaces(), PLACE_MS);
}

export const job = (id) => jobs.get(id);
export const preview = (id, index) => previews.get(id)?.get(index);
export const hasEnded = (one) => !["queued", "running"].includes(one.status);
export const hasEarlier = () => earlier !== null;

/** Every job, newest first. */
export const all = () => [...jobs.values()].sort((a, b) => (a.created_at < b.created_at ? 1 : a.created_at > b.created_at ? -1 : 0));

/** Those that run first, then the oldest first: so they come to an end. */
const unfinished = () => all().reverse().filter((one) => !hasEnded(one)).sort((a, b) => Number(b.status === "running") - Number(a.status === "running"));
const waiting = () => unfinished().filter((one) => one.status === "queued");

/** Finds the jobs of this owner again: the latest, and all that have not ended. */
export async function load() {
  const [latest, running, queued] = await Promise.all([
    api.listJobs({ limit: PAGE }),
    api.listJobs({ status: "running" }),
    api.listJobs({ status: "queued" }),
  ]);
  if (!isBegun) earlier = latest.next_cursor;
  isBegun = true;
  for (const one of [...latest.items, ...running.items, ...queued.items]) take(one);
  askPlacesSoon();
}

export async function loadEarlier() {
  const page = await api.listJobs({ limit: PAGE, cursor: earlier });
  earlier = page.next_cursor;
  for (const one of page.items) take(one);
}

/** Takes what a REST answer says of a job, unless more is known already. */
export function take(one) {
  const known = jobs.get(one.id);
  if (known && known.last_seq > one.last_seq) return known;
  jobs.set(one.id, one);
  settleFollowing(one);
  listener(one.id);
  return one;
}

function settleFollowing(one) {
  if (hasEnded(one)) {
    live.unfollow(one.id);
    previews.delete(one.id);
  } else {
    live.follow(one.id, () => jobs.get(one.id)?.last_seq ?? 0);
  }
}

/** Takes a message of the WebSocket. */
export function receive(message) {
  const known = jobs.get(message.job_id);
  if (!known) return;
  if (message.type === "error") return void refresh(known.id);
  if (message.type === "job.preview") return takePreview(known, message.data);
  // Delivered at least once: what was seen is dropped.
  if (message.seq === undefined || message.seq <= known.last_seq) return;
  const next = { ...known, ...changes(message), last_seq: message.seq };
  jobs.set(known.id, next);
  if (next.status !== known.status) askPlacesSoon();
  settleFollowing(next);
  listener(known.id);
}

function changes({ type, time, data }) {
  switch (type) {
    case "job.queued":
      return { status: "queued", progress: undefined, attempts: data.attempts, error: data.error };
    case "job.running":
      return { status: "running", progress: undefined, attempts: data.attempt, started_at: time, queue_position: undefined, eta_s: undefined };
    case "job.progress":
      return { status: "running", progress: data };
    case "job.succeeded":
      return { status: "succeeded", images: data.images, error: undefined, finished_at: time };
    case "job.failed":
      return { status: "failed", error: data.error, finished_at: time };
    case "job.canceled":
      return { status: "canceled", finished_at: time };
    case "job.expired":
      return { status: "expired", finished_at: time };
    default:
      return {};
  }
}

function takePreview(known, { index, image }) {
  if (hasEnded(known)) return;
  if (!previews.has(known.id)) previews.set(known.id, new Map());
  previews.get(known.id)?.set(index, image);
  listener(known.id);
}

/** A link to a result that works now. */
export async function freshUrl(id, index) {
  const one = take(await api.getJob(id));
  return one.images[index].url;
}

/** Asks for one job; one that is not there any more goes. */
async function refresh(id) {
  try {
    take(await api.getJob(id));
  } catch (error) {
    if (error.status === 404) remove(id);
  }
}

function remove(id) {
  live.unfollow(id);
  jobs.delete(id);
  previews.delete(id);
  listener(id);
}

function poll() {
  if (live.isLive() || document.hidden || !navigator.onLine) return;
  for (const one of unfinished().slice(0, 8)) refresh(one.id);
}

function askPlacesSoon() {
  clearTimeout(placeTimer);
  if (waiting().length > 0) placeTimer = setTimeout(askPlaces, 150);
}

/** Places are told of single jobs only: the first few that wait are enough to look at. */
function askPlaces() {
  if (document.hidden) return;
  for (const one of waiting().slice(0, 8)) refresh(one.id);
}

export async function generate(input) {
  const one = take(await api.generate(input));
  askPlacesSoon();
  return one;
}

export async function cancel(id) {
  take(await api.cancelJob(id));
}

/** A new job in place of one that came to nothing. */
export async function retry(id) {
  const fresh = take(await api.retryJob(id));
  putAway(id);
  return fresh;
}

// What became of the results. The server keeps an unsaved result for a day whatever the page shows; that one was
// discarded is known to this browser only.

/** @returns {Fate | undefined} */
export const fate = (id, index) => fates.get(id) ?? fates.get(`${id}/${index}`);

/** @param {string} id @param {number} index @param {Fate | undefined} value */
export function setFate(id, index, value) {
  remember([[`${id}/${index}`, value]]);
  if (jobs.has(id)) listener(id);
}

/** Notes of saved pictures which results they were, where the server still has those. @param {any[]} images */
export function noteSaved(images) {
  const oldest = Date.now() - RESULT_MS;
  const fresh = images.filter(({ job_id, job_index, saved_at }) => job_id && Date.parse(saved_at) > oldest && fate(job_id, job_index) === undefined);
  if (fresh.length) remember(fresh.map(({ job_id, job_index }) => [`${job_id}/${job_index}`, "saved"]));
  for (const { job_id } of fresh) if (jobs.has(job_id)) listener(job_id);
}

/** Remembers fates among those that other windows remember. @param {[string, Fate | undefined][]} changes */
function remember(changes) {
  const kept = new Map(recall("settled", []));
  for (const [name, value] of changes) {
    for (const map of [fates, kept]) {
      map.delete(name);
      if (value) map.set(name, value);
    }
  }
  keep("settled", [...kept].slice(-SETTLED_KEPT));
}

/** Whether nothing of this job is left to decide. */
export function isSettled(one) {
  if (one.status === "succeeded") return one.images.every(({ index }) => fate(one.id, index));
  return fates.has(one.id) || one.status === "canceled";
}

export const isAway = (id) => fates.has(id);

export function putAway(id) {
  remember([[id, "gone"]]);
  listener(id);
}

export function bringBack(id) {
  remember([[id, undefined]]);
  listener(id);
}
