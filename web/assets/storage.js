// What the browser keeps for the page. A browser that keeps nothing (private windows, full disks) is no error.

const PREFIX = "tintype.";

/** @template T @param {string} name @param {T} fallback @returns {T} */
export function recall(name, fallback) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + name) ?? "null") ?? fallback;
  } catch {
    return fallback;
  }
}

/** @param {string} name @param {unknown} value */
export function keep(name, value) {
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(value));
  } catch {
    // The page works without.
  }
}

/** @param {...string} names */
export function forget(...names) {
  try {
    for (const name of names) localStorage.removeItem(PREFIX + name);
  } catch {
    // Nothing was kept.
  }
}

// The key, for as long as the tab is open.
let key = "";
try {
  key = sessionStorage.getItem(PREFIX + "key") ?? "";
} catch {
  // It is asked for again after a reload.
}

export const accessKey = () => key;

/** @param {string} value Empty forgets it. */
export function setAccessKey(value) {
  key = value;
  try {
    if (value) sessionStorage.setItem(PREFIX + "key", value);
    else sessionStorage.removeItem(PREFIX + "key");
  } catch {
    // As above.
  }
}
