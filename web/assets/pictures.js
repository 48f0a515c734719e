// Showing and downloading pictures: with the key where the server wants one, and small ones large without blur.

import { address, bytes, wantsKey } from "./api.js";

/** Up to this side, in pixels, a picture is shown larger, with square pixels. */
const SMALL = 256;
/** To at most this side. */
const LARGE = 512;
/** Blob URLs that are kept for pictures shown again. */
const KEPT = 300;

/** @type {Map<string, Promise<string>>} */
const blobs = new Map();

/** An address that an <img> can open. @param {string} url @returns {Promise<string> | string} */
function source(url) {
  const target = address(url);
  if (url.startsWith("data:") || !wantsKey(target)) return target;
  const known = blobs.get(target) ?? bytes(url).then((blob) => URL.createObjectURL(blob));
  blobs.delete(target);
  blobs.set(target, known);
  known.catch(() => blobs.delete(target));
  for (const [oldest, blob] of blobs) {
    if (blobs.size <= KEPT) break;
    blobs.delete(oldest);
    blob.then(URL.revokeObjectURL, () => {});
  }
  return known;
}

/**
 * Shows the picture at `url`. Only the last call on an element counts, and the same `name` again changes nothing: links
 * that are signed differ each time. Where the link is no good any more, `renew` gives another; if that is none either, the
 * element hears `lost`.
 * @param {HTMLImageElement} element @param {string} url @param {{width: number, height: number}} size
 * @param {string} [name] @param {() => Promise<string>} [renew]
 */
export function show(element, url, size, name = url, renew = undefined) {
  element.classList.toggle("small", isSmall(size));
  if (element.dataset.shown === name) return;
  element.dataset.shown = name;
  const isMine = () => element.dataset.shown === name;
  const open = async (target) => {
    const found = source(target);
    const ready = typeof found === "string" ? found : await found;
    if (isMine()) element.src = ready;
  };
  const lost = () => isMine() && renew && element.dispatchEvent(new Event("lost"));
  const again = () => {
    element.onerror = lost;
    renew?.().then(open).catch(lost);
  };
  element.onerror = again;
  open(url).catch(again);
}

/** Takes the picture out of an element that will show another one. @param {HTMLImageElement} element */
export function forget(element) {
  delete element.dataset.shown;
  element.onerror = null;
  element.removeAttribute("src");
}

/** Forgets the pictures that came with a key. */
export function forgetPictures() {
  for (const blob of blobs.values()) blob.then(URL.revokeObjectURL, () => {});
  blobs.clear();
}

/** @param {{width: number, height: number}} size */
export const isSmall = ({ width, height }) => Math.max(width, height) <= SMALL;

/**
 * How large to show a picture in a room: small ones at the largest whole multiple, others at most at their true size.
 * @param {{width: number, height: number}} size @param {number} roomWidth @param {number} roomHeight
 */
export function scaleFor(size, roomWidth, roomHeight) {
  const fits = Math.min(roomWidth / size.width, roomHeight / size.height);
  if (!isSmall(size)) return Math.min(fits, 1);
  return fits >= 1 ? Math.floor(Math.min(fits, LARGE / Math.max(size.width, size.height))) : fits;
}

const ENDINGS = { "image/png": "png", "image/jpeg": "jpg", "image/webp": "webp" };

/** What a file of the picture is called. @param {{prompt: string | null, seed: number | null, content_type: string}} picture */
export function fileName({ prompt, seed, content_type }) {
  const words = (prompt ?? "").toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "");
  const name = [words.slice(0, 60) || "tintype", seed].filter((part) => part != null).join("-");
  return `${name}.${ENDINGS[content_type] ?? "png"}`;
}

/** Downloads bytes as a file. @param {Blob} blob @param {string} name */
export function keepFile(blob, name) {
  const link = document.createElement("a");
  link.download = name;
  link.href = URL.createObjectURL(blob);
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/**
 * @param {{url: string, prompt: string | null, seed: number | null, content_type: string}} picture
 * @param {() => Promise<string>} renew Gives another link where that of the picture is no good any more.
 */
export async function download(picture, renew) {
  keepFile(await bytes(picture.url).catch(async () => bytes(await renew())), fileName(picture));
}

/** @param {number} count */
export function size(count) {
  const [value, unit] = count < 1000 ? [count, "byte"] : count < 1e6 ? [count / 1e3, "kilobyte"] : [count / 1e6, "megabyte"];
  return new Intl.NumberFormat("en", { style: "unit", unit, maximumFractionDigits: value < 10 && unit !== "byte" ? 1 : 0 }).format(value);
}
