// A library of ten thousand in the page: only what is near is there, nothing jumps, and every part can be come to.

import assert from "node:assert/strict";
import { becomes, live, onPage, says } from "../browser.mjs";
import { pretendPictures, scrollThrough } from "../scrolling.mjs";
import { png } from "../png.mjs";

const IMAGES = 10_000;
const large = { server: { model: "noop", images: IMAGES } };
const tiles = (page) => page.getByTestId("saved-image");

/** The library has no bytes; and its page is looked at once they are made up. */
async function visit(page) {
  await pretendPictures(page);
  await page.reload();
  await says(page.getByTestId("library-count"), /^10,000$/);
}
const missing = { ...large, mayFail: /404/ };

onPage("ten thousand pictures are scrolled from end to end, and few of them are in the page", missing, async ({ page }) => {
  await visit(page);
  const run = await scrollThrough(page, { step: 4_000 });
  assert.ok(run.reachedEnd, "the end was not reached");
  assert.ok(run.mostTiles < 250, `${run.mostTiles} pictures were in the page at once`);
  // How smooth it is, `tests/page/scroll` tells: a time that a machine under load takes is no test.
  await page.locator(`[data-testid=saved-image][data-index="${IMAGES - 1}"]`).waitFor();
});

onPage("what is looked at stays where it is while the heights above it become known", missing, async ({ page }) => {
  await visit(page);
  await page.getByTestId("scrubber").focus();
  await page.keyboard.press("End");
  await page.locator(".row:not(.missing) .tile.loaded").first().waitFor();
  await page.waitForTimeout(300);
  // Upwards, into what has never been read.
  for (let n = 0; n < 12; n += 1) {
    const jump = await page.evaluate(async () => {
      const frame = () => new Promise(requestAnimationFrame);
      scrollBy(0, -700);
      await frame();
      await frame();
      const seen = [...document.querySelectorAll(".tile[data-image-id]")].find((one) => one.getBoundingClientRect().top > 200);
      if (!seen) return 0;
      const { imageId } = seen.dataset;
      const before = seen.getBoundingClientRect().top;
      await new Promise((done) => setTimeout(done, 250));
      const now = document.querySelector(`.tile[data-image-id="${imageId}"]`);
      return now ? Math.abs(now.getBoundingClientRect().top - before) : 0;
    });
    assert.ok(jump < 2, `a picture moved by ${jump} pixels`);
  }
});

onPage("months lead to their pictures, by keys and by dragging", missing, async ({ page, server }) => {
  await visit(page);
  const { months } = await server.call("GET", "images/timeline");
  assert.ok(months.length > 0);
  const scrubber = page.getByTestId("scrubber");
  await scrubber.focus();
  const said = () => scrubber.getAttribute("aria-valuetext");
  const first = await said();
  await page.keyboard.press("ArrowDown");
  await page.waitForFunction((first) => document.querySelector("#scrubber").getAttribute("aria-valuetext") !== first, first);
  const box = await scrubber.boundingBox();
  await page.mouse.move(box.x + box.width - 6, box.y + 4);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width - 6, box.y + box.height - 1, { steps: 5 });
  await page.mouse.up();
  await page.waitForFunction((last) => Number(document.querySelector("#scrubber").getAttribute("aria-valuenow")) > last, IMAGES * 0.9);
});

onPage("arrows go through the whole library, and the end key to its end", missing, async ({ page }) => {
  await visit(page);
  await tiles(page).first().getByRole("link").focus();
  const at = () => page.evaluate(() => Number(document.activeElement.closest(".tile")?.dataset.index));
  await page.keyboard.press("ArrowRight");
  await becomes(at, 1);
  await page.keyboard.press("ArrowDown");
  await becomes(at, (now) => now > 2);
  await page.keyboard.press("ArrowUp");
  await becomes(at, (now) => now <= 2);
  await page.keyboard.press("End");
  await page.waitForFunction((last) => Number(document.activeElement.closest(".tile")?.dataset.index) === last, IMAGES - 1);
  await page.keyboard.press("Home");
  await page.waitForFunction(() => document.activeElement.closest(".tile")?.dataset.index === "0");
});

onPage("all of a long list is selected as far as that goes, and it is said", missing, async ({ page }) => {
  await visit(page);
  await tiles(page).first().getByRole("link").focus();
  await page.keyboard.press("Control+a");
  await says(page.getByTestId("selection-count"), /2,000 selected/);
  await says(page.getByTestId("toast"), /first 2,000/);
});

onPage("words are found while they are typed", missing, async ({ page }) => {
  await visit(page);
  await page.getByTestId("find").pressSequentially("silver thing1");
  await page.waitForFunction(() => document.querySelectorAll(".tile[data-image-id]").length > 0 && [...document.querySelectorAll(".tile[data-image-id] .name")].every((name) => /silver/.test(name.textContent)));
});

const filled = async (server) => {
  for (const shade of [10, 60, 110, 160, 210]) await server.upload(png({ width: 64, height: 64, shade }), { title: `shade ${shade}` });
};
for (const [name, viewport] of [["wide", { width: 1280, height: 800 }], ["phone", { width: 390, height: 844 }]]) {
  onPage(`nothing jumps while the page loads: ${name}`, { page: { viewport }, before: filled }, async ({ page }) => {
    await page.addInitScript(() => {
      globalThis.shifts = [];
      new PerformanceObserver((entries) => globalThis.shifts.push(...entries.getEntries().filter((one) => !one.hadRecentInput).map((one) => ({ value: one.value, of: one.sources.map(({ node }) => node?.id || node?.className || node?.nodeName) })))).observe({ type: "layout-shift", buffered: true });
    });
    await page.reload();
    await live(page);
    await page.waitForTimeout(800);
    const shifts = await page.evaluate(() => globalThis.shifts);
    const all = shifts.reduce((sum, { value }) => sum + value, 0);
    assert.ok(all < 0.02, `layout shifts of ${all}: ${JSON.stringify(shifts)}`);
  });
}

/** Holds back what comes after the first pictures. @returns what lets it come */
async function holdReads(page) {
  let goOn;
  const held = new Promise((done) => {
    goOn = done;
  });
  await page.route(/\/images\?.*cursor=/, async (route) => {
    await held;
    await route.continue().catch(() => {});
  });
  return goOn;
}

/** Begins to select the whole library, of which some is still to be read. @returns what lets it be read */
async function selectSlowly(page) {
  await visit(page);
  const goOn = await holdReads(page);
  await tiles(page).first().getByRole("link").focus();
  const reading = page.waitForRequest(/\/images\?.*cursor=/);
  await page.keyboard.press("Control+a");
  await reading;
  return goOn;
}

onPage("what is still being selected is not, once another list is looked at", missing, async ({ page }) => {
  const goOn = await selectSlowly(page);
  await page.getByTestId("view-trash").click();
  await says(page.getByTestId("library-note"), /trash is empty/);
  goOn();
  await page.waitForTimeout(300);
  assert.equal(await page.getByTestId("selection").isVisible(), false);
});

onPage("Escape ends a selection that is still being read", missing, async ({ page }) => {
  const goOn = await selectSlowly(page);
  await page.keyboard.press("Escape");
  const read = page.waitForResponse(/\/images\?.*cursor=/);
  goOn();
  await read;
  // As long as all of it takes to be read.
  await page.waitForTimeout(2_000);
  assert.equal(await page.getByTestId("selection").isVisible(), false);
});

onPage("several turns in a row lead as far, although the pictures are still being read", missing, async ({ page, server }) => {
  const { items } = await server.call("GET", "images?limit=50");
  await pretendPictures(page);
  const goOn = await holdReads(page);
  await page.goto(`${server.url}#picture=${items[39].id}`);
  await page.reload();
  await page.getByTestId("viewer").waitFor();
  for (let n = 0; n < 3; n += 1) await page.keyboard.press("ArrowRight");
  goOn();
  await page.waitForURL((url) => url.hash === `#picture=${items[42].id}`);
});

onPage("the focus goes with its picture when the lines break anew, and leaves no row behind", missing, async ({ page }) => {
  await visit(page);
  const link = tiles(page).nth(9).getByRole("link");
  await link.focus();
  const id = await tiles(page).nth(9).getAttribute("data-image-id");
  await page.setViewportSize({ width: 900, height: 800 });
  await page.waitForTimeout(300);
  assert.equal(await page.evaluate(() => document.activeElement.closest(".tile")?.dataset.imageId), id);
  const all = await page.locator(".tile[data-image-id]").evaluateAll((found) => found.map((one) => one.dataset.imageId));
  assert.equal(new Set(all).size, all.length);
});
