// How the page looks, light and dark, wide and on a phone: nothing runs over the edge, and the main views look as they did. With
// TINTYPE_SHOTS the pictures are kept for people.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { LONG, generate, loaded, live, onPage, print, says } from "../browser.mjs";
import { looksAsBefore } from "../likeness.mjs";
import { png } from "../png.mjs";

const FOLDER = process.env.TINTYPE_SHOTS;
const LOOKS = ["light", "dark"].flatMap((colorScheme) => [
  { name: `${colorScheme}-wide`, page: { colorScheme, viewport: { width: 1280, height: 800 } } },
  { name: `${colorScheme}-phone`, page: { colorScheme, viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 } },
]);

async function shot(page, name) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(over <= 0, `${name} is ${over} pixels wider than the window`);
  if (!FOLDER) return;
  await mkdir(FOLDER, { recursive: true });
  await page.screenshot({ path: join(FOLDER, `${name}.png`) });
}

const filled = async (server) => {
  for (const prompt of ["red heart", "blue car", "cat face", "rocket", "owl"]) await server.saved({ prompt, seed: 3 });
};

for (const look of LOOKS) {
  onPage(`${look.name}: a first visit`, { page: look.page }, async ({ page }) => {
    await live(page);
    await page.getByTestId("example").first().waitFor();
    await shot(page, `${look.name}-1-first`);
  });

  onPage(`${look.name}: a full page`, { page: look.page, before: filled }, async ({ page, server }) => {
    await server.drawn({ prompt: "red heart", count: 3, steps: 8 });
    await server.call("POST", "generate", { ...LONG, prompt: "red zeppelin" });
    await page.reload();
    await says(page.getByTestId("library-count"), /^5$/);
    await says(page.getByTestId("state"), /Step/);
    await page.getByTestId("preview").first().waitFor();
    await shot(page, `${look.name}-2-work`);
    await page.getByTestId("cancel").click();
    await print(page, "canceled").waitFor();
    await page.getByTestId("settings").click();
    await page.getByTestId("steps").fill("99");
    await page.getByTestId("generate").click();
    await says(page.locator("#field-steps-error"), /from 1 to 50/);
    await shot(page, `${look.name}-3-wrong`);
    await page.locator("#library-part").evaluate((part) => part.scrollIntoView());
    await page.getByTestId("saved-image").first().waitFor();
    await shot(page, `${look.name}-4-library`);
    await page.getByTestId("saved-image").first().getByRole("link", { name: "Open" }).click();
    await loaded(page.getByTestId("viewer-picture"));
    await shot(page, `${look.name}-5-viewer`);
  });

  onPage(`${look.name}: the key form`, { page: look.page, server: { key: "tt_the-key" }, mayFail: /401/ }, async ({ page }) => {
    await page.getByTestId("key-form").waitFor();
    await shot(page, `${look.name}-6-key`);
  });
}

onPage("a long prompt stays inside its print", { page: { viewport: { width: 390, height: 844 } }, server: { workers: 0 } }, async ({ page }) => {
  await generate(page, `${"x".repeat(300)} ${"red heart ".repeat(40)}`);
  await print(page, "queued").waitFor();
  await shot(page, "phone-long-prompt");
});

// What the page is compared with: always the same pictures, of which none is drawn by a model.

const SHAPES = [[300, 200], [200, 300], [320, 320], [400, 200], [256, 320], [640, 360]];
const wall = async (server) => {
  await server.call("POST", "collections", { name: "Landscapes" });
  for (let n = 0; n < 30; n += 1) {
    const [width, height] = SHAPES[n % SHAPES.length];
    const { id } = await server.upload(png({ width, height, shade: (n * 53) % 256 }), { title: `Plate ${n}`, tags: n % 2 ? ["silver"] : ["iron"], favorite: n % 7 === 0, rating: (n % 5) + 1 });
    if (n % 6 === 5) await server.call("DELETE", `images/${id}`);
  }
};
const settled = async (page) => {
  await page.waitForFunction(() => {
    const seen = [...document.querySelectorAll(".tile[data-image-id]")].filter((tile) => tile.getBoundingClientRect().top < innerHeight);
    return seen.length > 0 && seen.every((tile) => tile.classList.contains("loaded"));
  });
};
const MAIN_VIEWS = {
  library: async (page) => {
    await says(page.getByTestId("library-count"), /^25$/);
    await page.locator("#library-part").evaluate((part) => part.scrollIntoView());
    await settled(page);
  },
  selection: async (page) => {
    for (const n of [0, 2, 3]) await page.getByTestId("saved-image").nth(n).getByTestId("select").evaluate((button) => button.click());
    await page.getByTestId("selection").waitFor();
  },
  filters: async (page) => {
    await page.getByTestId("selection-clear").click();
    await page.getByTestId("filters").click();
    await page.getByTestId("filter-tag").fill("iron");
    await says(page.getByTestId("library-count"), /^15$/);
    await settled(page);
  },
  viewer: async (page) => {
    await page.getByTestId("saved-image").nth(1).getByRole("link").click();
    await loaded(page.getByTestId("viewer-picture"));
  },
  trash: async (page) => {
    await page.evaluate(() => {
      location.hash = "#trash";
    });
    await says(page.getByTestId("library-count"), /^5$/);
    await settled(page);
  },
};

for (const look of LOOKS) {
  onPage(`${look.name}: the main views look as they did`, { page: { ...look.page, deviceScaleFactor: 1 }, server: { model: "noop" }, before: wall }, async ({ page }) => {
    for (const [name, go] of Object.entries(MAIN_VIEWS)) {
      await go(page);
      await page.mouse.move(0, 0);
      await page.evaluate(() => document.activeElement?.blur());
      await page.waitForTimeout(150);
      await shot(page, `${look.name}-7-${name}`);
      await looksAsBefore(page, `${look.name}-${name}`);
    }
  });
}
