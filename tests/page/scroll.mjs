// Prints how smooth the page is with so many pictures: see `scroll`.

import { launchChromium } from "./chromium.mjs";
import { pretendPictures, scrollThrough } from "./scrolling.mjs";
import { Server } from "./server.mjs";

/** Pixels a frame: a fast hand, and one that flings. */
const STEPS = [1_200, 6_000];
/** What is typed, and how often. */
const WORDS = ["red heart", "silver thing77", "green heart over the thing1234", "zeppelin"];
const ROUNDS = 25;
const SEARCH_MS = 100;

const images = Number(process.argv[2]);
const server = await Server.start({ model: "noop", images });
const browser = await launchChromium(["--enable-precise-memory-info"]);
const ms = (value) => `${value.toFixed(1)} ms`;
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await pretendPictures(page);
  for (const step of STEPS) {
    await page.goto(server.url);
    await page.waitForFunction((count) => document.querySelector("#library-count").textContent === count, images.toLocaleString("en"));
    await page.waitForTimeout(1000);
    const run = await scrollThrough(page, { step, limitMs: 300_000 });
    console.log(`${images.toLocaleString("en")} pictures, ${step} pixels a frame: ${run.reachedEnd ? "to the end" : "NOT to the end"}, ${Math.round(run.pixels).toLocaleString("en")} pixels in ${run.seconds.toFixed(1)} s`);
    console.log(`  frames: ${run.frames}; median ${ms(run.median)}, 99th percentile ${ms(run.p99)}, longest ${ms(run.longest)}, over 50 ms: ${run.over50}`);
    console.log(`  pictures in the page at most ${run.mostTiles}, script memory ${run.heapMb.toFixed(0)} MB`);
  }
  await page.goto(server.url);
  await page.getByTestId("saved-image").first().waitFor();
  for (const words of WORDS) {
    const times = [];
    for (let round = 0; round < ROUNDS; round += 1) times.push(await searched(page, words));
    times.sort((a, b) => a - b);
    console.log(`search “${words}”: from the last key to the first result on the screen: median ${ms(times[Math.floor(ROUNDS / 2)])}, longest ${ms(times.at(-1))}, over ${SEARCH_MS} ms: ${times.filter((time) => time > SEARCH_MS).length} of ${ROUNDS}`);
  }
} finally {
  await browser.close();
  await server.stop();
}

/** Types words at once, as by the last of their keys, and waits until what was found is painted: the rest after typing is counted in. */
async function searched(page, words) {
  await page.evaluate(() => {
    const find = document.querySelector("#find");
    find.value = "";
    find.dispatchEvent(new Event("input", { bubbles: true }));
  });
  await page.waitForFunction(() => location.hash === "" && document.querySelector("#library").getAttribute("aria-busy") === "false");
  await page.waitForTimeout(400);
  return page.evaluate(async (words) => {
    const library = document.querySelector("#library");
    const find = document.querySelector("#find");
    let wasBusy = false;
    // What stands there when a frame is begun has been painted when the next task runs.
    const painted = new Promise((done) => {
      new MutationObserver((_changes, observer) => {
        const isBusy = library.getAttribute("aria-busy") === "true";
        wasBusy ||= isBusy;
        if (isBusy || !wasBusy) return;
        observer.disconnect();
        requestAnimationFrame(() => setTimeout(done));
      }).observe(library, { attributes: true });
    });
    const began = performance.now();
    find.value = words;
    find.dispatchEvent(new Event("input", { bubbles: true }));
    await painted;
    return performance.now() - began;
  }, words);
}
