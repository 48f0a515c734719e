// Whether a view looks as it did. Screenshots are compared as small pictures of themselves, an eighth as wide: there it does not matter
// which font the machine has or how it draws an edge, but what is missing, elsewhere, or of another colour stands out.

import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const SMALLER = 8;
/** How far a colour may be off, of 255: on the whole, and in any square of `SQUARE` small pixels. */
const OFF = 3;
const OFF_SOMEWHERE = 26;
const SQUARE = 6;

/** @param {import("playwright-core").Page} page @param {string} name Of the picture in `looks/`. */
export async function looksAsBefore(page, name) {
  const file = fileURLToPath(new URL(`looks/${name}.png`, import.meta.url));
  const now = (await page.screenshot({ animations: "disabled", caret: "hide" })).toString("base64");
  const desk = await page.context().newPage();
  try {
    await desk.goto("about:blank");
    if (process.env.TINTYPE_SHOTS_NEW) return await writeFile(file, Buffer.from(await desk.evaluate(shrink, { now, by: SMALLER }), "base64"));
    const before = (await readFile(file)).toString("base64");
    const { all, most, at } = await desk.evaluate(differ, { now, before, by: SMALLER, square: SQUARE });
    const where = `around ${at.map((place) => place * SMALLER).join(", ")}`;
    assert.ok(all <= OFF && most <= OFF_SOMEWHERE, `${name} looks other than it did: ${all.toFixed(1)} of 255 on the whole, ${most.toFixed(1)} ${where}`);
  } finally {
    await desk.close();
  }
}

/** Runs in the browser. */
async function shrink({ now, by }) {
  const picture = await createImageBitmap(await (await fetch(`data:image/png;base64,${now}`)).blob());
  const canvas = new OffscreenCanvas(Math.round(picture.width / by), Math.round(picture.height / by));
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: "image/png" })).arrayBuffer());
  return btoa(String.fromCharCode(...bytes));
}

/** Runs in the browser. */
async function differ({ now, before, by, square }) {
  const pixels = async (text, scale) => {
    const picture = await createImageBitmap(await (await fetch(`data:image/png;base64,${text}`)).blob());
    const canvas = new OffscreenCanvas(Math.round(picture.width / scale), Math.round(picture.height / scale));
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    return context.getImageData(0, 0, canvas.width, canvas.height);
  };
  const [a, b] = [await pixels(now, by), await pixels(before, 1)];
  if (a.width !== b.width || a.height !== b.height) return { all: 255, most: 255, at: [0, 0] };
  const off = (x, y) => [0, 1, 2].reduce((sum, c) => sum + Math.abs(a.data[(y * a.width + x) * 4 + c] - b.data[(y * a.width + x) * 4 + c]), 0) / 3;
  let all = 0;
  let most = 0;
  let at = [0, 0];
  for (let top = 0; top < a.height; top += square) for (let left = 0; left < a.width; left += square) {
    let sum = 0;
    let count = 0;
    for (let y = top; y < Math.min(top + square, a.height); y += 1) for (let x = left; x < Math.min(left + square, a.width); x += 1) {
      sum += off(x, y);
      count += 1;
    }
    all += sum;
    if (sum / count > most) {
      most = sum / count;
      at = [left, top];
    }
  }
  return { all: all / (a.width * a.height), most, at };
}
