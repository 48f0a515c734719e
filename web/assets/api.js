// The HTTP API: where it is, the calls the page makes, and its errors in words that say what to do.
// What the fields mean is told by the server's own /openapi.json.

import { accessKey } from "./storage.js";

let root = "";
let socket = "";
let byTicket = false;
let abilities = { similar: false, meaning: false };
let largest = Infinity;
let unauthorized = () => {};

/** An answer that was no success, or none at all (`status` 0). */
export class ApiError extends Error {
  /** @param {number} status @param {{code?: string, title?: string, detail?: string, errors?: {pointer: string, code: string, detail: string}[]}} problem */
  constructor(status, problem, retryAfter = 0) {
    super(advice(status, problem));
    this.status = status;
    this.code = problem.code ?? "";
    this.fields = problem.errors ?? [];
    this.retryAfter = retryAfter;
  }
}

function advice(status, { detail, title }) {
  // The server's details say what to do; the page adds that only where there is none.
  const words = sentence(detail || title || `The server answered ${status}`);
  if (status === 0) return "The server can’t be reached. Check that it is running; the page connects again by itself.";
  if (status === 401) return "This server doesn’t know that key.";
  if (detail || status < 500) return words;
  return `${words} ${status === 503 ? "Try again in a moment." : "The server’s log has the cause."}`;
}

/** A message of the server as a sentence. @param {string} text */
export function sentence(text) {
  const words = text.trim();
  return words.charAt(0).toUpperCase() + words.slice(1) + (/[.!?]$/.test(words) ? "" : ".");
}

/**
 * Finds the API: `config.json` beside the page names it, as in `{"api": "https://...", "websocket": "wss://..."}`;
 * without one it is where the page is. It also tells what this server can do that others can't.
 */
export async function configure(onUnauthorized) {
  unauthorized = onUnauthorized;
  let config = {};
  try {
    const answer = await fetch("/config.json", { cache: "no-cache" });
    if (answer.ok) config = await answer.json();
  } catch {
    // No such file, or not JSON: the same origin.
  }
  root = (config.api ?? "").replace(/\/$/, "");
  byTicket = Boolean(config.websocket);
  abilities = { similar: Boolean(config.similar), meaning: Boolean(config.by_meaning) };
  largest = config.max_image_bytes ?? Infinity;
  socket = config.websocket ?? new URL("/ws", location.href.replace(/^http/, "ws")).href;
}

/** Whether pictures can be found by how they look, or by what their prompts mean. @param {"similar" | "meaning"} what */
export const can = (what) => abilities[what];

/** The most bytes of an image that can be saved, where the server tells it. */
export const largestImage = () => largest;

/**
 * Where the WebSocket is to be opened, and with which key beside the subprotocol. A WebSocket that has an address of its
 * own takes a ticket instead, good for one opening.
 * @returns {Promise<{url: string, key: string | null}>}
 */
export async function socketDoor() {
  if (!byTicket) return { url: socket, key: accessKey() };
  const { ticket } = await call("POST", "/tickets");
  return { url: `${socket}?ticket=${encodeURIComponent(ticket)}`, key: null };
}

/** The full address of a URL the API named. @param {string} url */
export const address = (url) => (url.startsWith("/") ? root + url : url);

/** Whether this address is the API's own, so that it wants the key and no one else gets it. */
export function wantsKey(url) {
  const home = new URL(root || "/", location.href);
  const target = new URL(url, location.href);
  return accessKey() !== "" && target.origin === home.origin && target.pathname.startsWith(home.pathname);
}

/** Up to so many characters a request goes out although the page is left: the browser keeps 64 kB of those. */
const KEPT_ALIVE = 16_000;

const headers = (url) => (wantsKey(url) ? { authorization: `Bearer ${accessKey()}` } : {});

async function call(method, path, { body, more, signal } = {}) {
  const url = root + path;
  const json = body === undefined ? {} : { "content-type": "application/json" };
  const text = body && JSON.stringify(body);
  const keepalive = method !== "GET" && (text ?? "").length <= KEPT_ALIVE;
  let answer;
  try {
    answer = await fetch(url, { method, headers: { ...headers(url), ...json, ...more }, body: text, signal, keepalive });
    if (answer.ok) return answer.status === 204 ? null : await answer.json();
  } catch {
    throw new ApiError(0, {});
  }
  const problem = await answer.json().catch(() => ({}));
  if (answer.status === 401) unauthorized();
  throw new ApiError(answer.status, problem, Number(answer.headers.get("retry-after")) || 0);
}

const wait = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

/** Repeats what is safe to repeat, where the server was away or busy for a moment. */
async function patiently(attempt) {
  for (const pause of [0.5, 1.5]) {
    try {
      return await attempt();
    } catch (error) {
      if (![0, 429, 503].includes(error.status) || error.retryAfter > 5) throw error;
      await wait(Math.max(pause, error.retryAfter));
    }
  }
  return attempt();
}

const query = (parameters) => {
  const given = Object.entries(parameters).flatMap(([name, value]) => [value].flat().filter((one) => one != null).map((one) => [name, String(one)]));
  return given.length ? `?${new URLSearchParams(given)}` : "";
};

export const models = () => patiently(() => call("GET", "/models"));

/** Asks for pictures. The key of the request makes one job of it, however often it has to be sent. */
export function generate(input) {
  const random = crypto.getRandomValues(new Uint32Array(4));
  const more = { "idempotency-key": Array.from(random, (part) => part.toString(16).padStart(8, "0")).join("") };
  return patiently(() => call("POST", "/generate", { body: input, more }));
}

export const listJobs = (parameters) => call("GET", `/jobs${query(parameters)}`);
export const getJob = (id) => call("GET", `/jobs/${id}`);
export const cancelJob = (id) => patiently(() => call("POST", `/jobs/${id}/cancel`));
export const retryJob = (id) => patiently(() => call("POST", `/jobs/${id}/retry`));

/** Keeps a result. The same result again is the same image. */
export const save = (job_id, index) => patiently(() => call("POST", "/save", { body: { job_id, index } }));

/** Keeps a picture of one's own. @param {{image: string, prompt?: string}} upload `image` is base64. */
export const upload = (upload) => patiently(() => call("POST", "/save", { body: upload }));

/** Pictures of a list; or those that look like one, or whose prompts mean what a text means: these are ranked, and one answer. */
export function listImages({ similar, meaning, ...parameters }, signal) {
  if (similar) return call("GET", `/images/${encodeURIComponent(similar)}/similar${query(parameters)}`, { signal });
  if (meaning) return call("GET", `/images/by-meaning${query({ q: meaning, ...parameters })}`, { signal });
  return call("GET", `/images${query(parameters)}`, { signal });
}
/** How many pictures there are in each month, and where every so manieth stands. */
export const timeline = (parameters, signal) => call("GET", `/images/timeline${query(parameters)}`, { signal });
/** Changes up to 100 pictures at once. @param {{ids: string[]}} edit */
export const editImages = (edit) => patiently(() => call("POST", "/images/edit", { body: edit }));
export const getImage = (id) => call("GET", `/images/${id}`);
/** Changes a picture, if it is still at the version that was seen. @param {number} version */
export const editImage = (id, edit, version) => patiently(() => call("PATCH", `/images/${id}`, { body: edit, more: { "if-match": `"v${version}"` } }));
export const trashImage = (id) => patiently(() => call("DELETE", `/images/${id}`));
export const eraseImage = (id) => call("DELETE", `/images/${id}?permanent=true`);
export const restoreImage = (id) => patiently(() => call("POST", `/images/${id}/restore`));

export const collections = () => call("GET", "/collections");
export const createCollection = (name) => call("POST", "/collections", { body: { name } });
export const renameCollection = (id, name) => call("PATCH", `/collections/${id}`, { body: { name } });
export const deleteCollection = (id) => call("DELETE", `/collections/${id}`);

/** Where a saved picture's bytes are in another form. @param {{strip?: string, w?: number, format?: string}} form */
export const contentUrl = (id, form) => `/images/${id}/content${query(form)}`;

/** The bytes of a picture. @param {string} url @returns {Promise<Blob>} */
export async function bytes(url) {
  const target = address(url);
  let answer;
  try {
    answer = await fetch(target, { headers: headers(target) });
  } catch {
    throw new ApiError(0, {});
  }
  if (!answer.ok) throw new ApiError(answer.status, await answer.json().catch(() => ({})));
  return answer.blob();
}
