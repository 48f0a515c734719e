// Scrolling through a library as a hand on a wheel does, and what each frame took.

import { png } from "./png.mjs";

const PICTURE = png({ width: 320, height: 240, shade: 120 });

/**
 * Gives every picture of a filled library bytes: it has records only. Other requests go straight to the server, which `page.route` would
 * hold up by some 10 ms each.
 * @param {import("playwright-core").Page} page
 */
export async function pretendPictures(page) {
  const session = await page.context().newCDPSession(page);
  const answer = { responseCode: 200, responseHeaders: [{ name: "content-type", value: "image/png" }], body: PICTURE.toString("base64") };
  // A page that was closed meanwhile needs no answer.
  session.on("Fetch.requestPaused", ({ requestId }) => session.send("Fetch.fulfillRequest", { requestId, ...answer }).catch(() => {}));
  await session.send("Fetch.enable", { patterns: [{ urlPattern: "*/images/*/content*" }] });
}

/**
 * Scrolls to the end, `step` pixels in every frame.
 * @param {import("playwright-core").Page} page @param {{step: number, limitMs?: number}} how
 */
export const scrollThrough = (page, { step, limitMs = 60_000 }) => page.evaluate(async ({ step, limitMs }) => {
  const frame = () => new Promise(requestAnimationFrame);
  const times = [];
  let mostTiles = 0;
  let reachedEnd = false;
  const began = performance.now();
  let last = await frame();
  while (!reachedEnd && last - began < limitMs) {
    scrollBy({ top: step, behavior: "instant" });
    const now = await frame();
    times.push(now - last);
    last = now;
    if (times.length % 20 === 0) mostTiles = Math.max(mostTiles, document.querySelectorAll(".tile").length);
    reachedEnd = scrollY + innerHeight >= document.documentElement.scrollHeight - 2;
  }
  await new Promise((done) => setTimeout(done, 1500));
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share) => sorted[Math.floor((sorted.length - 1) * share)];
  return {
    reachedEnd, mostTiles, frames: times.length, seconds: (last - began) / 1000, pixels: scrollY,
    median: at(0.5), p99: at(0.99), longest: at(1), // Frames come in steps of 16.7 ms: three of them are 50, give or take a tenth.
    over50: times.filter((time) => time > 51).length,
    heapMb: (performance.memory?.usedJSHeapSize ?? 0) / 1e6,
  };
}, { step, limitMs });
