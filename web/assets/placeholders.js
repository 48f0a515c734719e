// What stands in a picture's place until its bytes are there, made of its ThumbHash.

import { thumbHashToAverageRGBA, thumbHashToDataURL } from "./vendor/thumbhash.js";

/** A record's hash is decoded once: it goes with the record. @type {WeakMap<object, {color: string, url: string | null}>} */
const made = new WeakMap();

const bytesOf = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

function entry(image) {
  let known = made.get(image);
  if (!known) {
    known = { color: colorOf(image.thumbhash), url: null };
    made.set(image, known);
  }
  return known;
}

function colorOf(hash) {
  if (!hash) return "";
  const { r, g, b, a } = thumbHashToAverageRGBA(bytesOf(hash));
  return `rgb(${Math.round(r * 255)} ${Math.round(g * 255)} ${Math.round(b * 255)} / ${a.toFixed(2)})`;
}

/** Its one colour: cheap enough for pictures that fly past. Empty where there is no hash. */
export const color = (image) => entry(image).color;

/** Its colours and shapes, as a CSS image. */
export function sketch(image) {
  if (!image.thumbhash) return "none";
  const known = entry(image);
  known.url ??= thumbHashToDataURL(bytesOf(image.thumbhash));
  return `url(${known.url})`;
}
