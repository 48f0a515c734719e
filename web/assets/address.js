// What the address says behind its #: the view, what is looked for, and the picture that is open. There it is never sent to a
// server, can be shared, and the browser's back and forward lead through it.

/** Parameters of `GET /images` that an address may hold, and the picture that others are to look like. */
const NAMES = ["q", "tag", "collection", "favorite", "rating", "model", "width", "height", "seed", "from", "to", "has_parent", "parent", "similar", "sort"];

/** @typedef {{trash: boolean, picture: string | null, filter: Record<string, string | string[]>}} Address */

/** @type {((now: Address) => void)[]} */
const listeners = [];

/** @param {string} hash @returns {Address} */
export function read(hash = location.hash) {
  const given = new URLSearchParams(hash.replace(/^#/, ""));
  const filter = {};
  for (const name of NAMES) {
    const values = given.getAll(name).filter((value) => value.trim() !== "");
    if (values.length) filter[name] = name === "tag" ? values : values[0];
  }
  return { trash: given.has("trash"), picture: given.get("picture"), filter };
}

/** The address of a place, as a link has it. @param {Partial<Address>} place */
export function link({ trash = false, picture = null, filter = {} }) {
  const given = new URLSearchParams();
  for (const name of NAMES) for (const value of [filter[name] ?? []].flat()) given.append(name, value);
  if (picture) given.set("picture", picture);
  const rest = given.toString();
  return `#${[trash ? "trash" : "", rest].filter(Boolean).join("&")}`;
}

/** Hears of every change, whoever made it. @param {(now: Address) => void} change */
export function listen(change) {
  if (listeners.length === 0) addEventListener("popstate", tell);
  listeners.push(change);
}

const tell = () => listeners.forEach((change) => change(read()));

/** Goes to another place; what is not named stays. @param {Partial<Address>} change @param {{replace?: boolean, mark?: string}} [how] */
export function go(change, { replace = false, mark = "" } = {}) {
  const to = link({ ...read(), ...change });
  if (to === (location.hash || "#")) return;
  const state = mark ? { mark } : null;
  // An address that ends in a bare # would look as if something was missing.
  const url = to === "#" ? location.pathname + location.search : to;
  if (replace) history.replaceState(history.state, "", url);
  else history.pushState(state, "", url);
  tell();
}

/** Whether this place was come to by `go` with this mark, so that going back leaves it. */
export const isMarked = (mark) => history.state?.mark === mark;
