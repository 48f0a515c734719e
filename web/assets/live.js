// The one WebSocket of the page: follows any number of jobs, comes back with growing pauses when it is cut, and then
// asks for what it missed. It knows nothing of what the messages mean.

import { socketDoor } from "./api.js";

/** Kept alive below the 10 minutes after which a silent connection is ended. */
const PING_MS = 60_000;
const PONG_MS = 10_000;
const OPEN_MS = 10_000;
const PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
/** From this failure on the light says offline; it goes on trying. */
const OFFLINE_AFTER = 4;

/** @typedef {"connecting" | "live" | "reconnecting" | "offline"} LiveState */

/** Job id -> how to learn the number of the last event the page has. @type {Map<string, () => number>} */
const followed = new Map();
/** @type {WebSocket | null} */
let socket = null;
/** Counts the openings: one that was overtaken while it waited for its ticket ends there. */
let opening = 0;
let failures = 0;
let stopped = true;
let retry = 0;
let pong = 0;
/** @type {LiveState} */
let state = "connecting";
let onMessage = (_message) => {};
let onState = (_state) => {};

/** @param {{message: (message: any) => void, state: (state: LiveState) => void}} listeners */
export function listen(listeners) {
  onMessage = listeners.message;
  onState = listeners.state;
  setInterval(ping, PING_MS);
  addEventListener("online", connectNow);
  addEventListener("offline", () => lost());
  document.addEventListener("visibilitychange", () => document.hidden || connectNow());
}

export const current = () => state;
export const isLive = () => state === "live";

/** Connects with the key of now, unless it is connected. */
export function start() {
  stopped = false;
  failures = 0;
  connectNow();
}

export function stop() {
  stopped = true;
  clearTimeout(retry);
  drop();
}

/** Hears of a job from now on. @param {string} id @param {() => number} lastSeq */
export function follow(id, lastSeq) {
  const known = followed.has(id);
  followed.set(id, lastSeq);
  if (!known) subscribe(id, lastSeq);
}

/** @param {string} id */
export function unfollow(id) {
  if (followed.delete(id)) send({ action: "unsubscribe", job_id: id });
}

const subscribe = (id, lastSeq) => send({ action: "subscribe", job_id: id, after: lastSeq(), inline: false });

function send(message) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
}

/** @param {string | null} key Null: a gateway, which speaks no subprotocol. */
function protocols(key) {
  if (key === null) return [];
  if (!key) return ["tintype.v1"];
  const text = btoa(String.fromCharCode(...new TextEncoder().encode(key)));
  return ["tintype.v1", `bearer.${text.replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "")}`];
}

function drop() {
  opening += 1;
  clearTimeout(pong);
  const old = socket;
  socket = null;
  old?.close();
}

async function connect() {
  clearTimeout(retry);
  drop();
  const number = opening;
  const slow = setTimeout(() => number === opening && lost(), OPEN_MS);
  let fresh;
  try {
    const { url, key } = await socketDoor();
    if (number !== opening) return;
    fresh = new WebSocket(url, protocols(key));
  } catch {
    if (number === opening) lost();
    return;
  }
  socket = fresh;
  // Whatever an earlier socket still says is not heard.
  const mine = (act) => (event) => socket === fresh && act(event);
  fresh.addEventListener("open", mine(() => {
    clearTimeout(slow);
    failures = 0;
    tell("live");
    for (const [id, lastSeq] of followed) subscribe(id, lastSeq);
  }));
  fresh.addEventListener("message", mine((event) => {
    clearTimeout(pong);
    onMessage(JSON.parse(event.data));
  }));
  fresh.addEventListener("close", mine(lost));
}

function lost() {
  drop();
  if (stopped) return;
  failures += 1;
  tell(failures >= OFFLINE_AFTER || !navigator.onLine ? "offline" : "reconnecting");
  const pause = Math.min(PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
  clearTimeout(retry);
  retry = setTimeout(connect, pause * (0.5 + Math.random() / 2));
}

function connectNow() {
  if (!stopped && socket?.readyState !== WebSocket.OPEN) connect();
}

function ping() {
  // A hidden page that waits for nothing may fall asleep; it wakes when it is looked at.
  if (socket?.readyState !== WebSocket.OPEN || (document.hidden && followed.size === 0)) return;
  send({ action: "ping" });
  clearTimeout(pong);
  pong = setTimeout(lost, PONG_MS);
}

function tell(next) {
  if (next === state) return;
  state = next;
  onState(state);
}
