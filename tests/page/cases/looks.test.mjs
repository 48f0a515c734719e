// How the page looks, light and dark, wide and on a phone: nothing runs over the edge. With TINTYPE_SHOTS the pictures
// are kept for people.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { counts, generate, isLoaded, live, onPage, print, says } from "../browser.mjs";

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
    await server.call("POST", "generate", { prompt: "red zeppelin", steps: 50, count: 4 });
    await page.reload();
    await counts(page.getByTestId("saved-image"), 5);
    await says(page.getByTestId("state"), /Step/);
    await page.getByTestId("preview").first().waitFor();
    await shot(page, `${look.name}-2-work`);
    await page.getByTestId("cancel").click();
    await print(page, "canceled").waitFor();
    await page.getByTestId("settings").click();
    await page.getByTestId("steps").fill("99");
    await page.getByTestId("generate").click();
    await shot(page, `${look.name}-3-wrong`);
    await page.getByTestId("saved-image").last().scrollIntoViewIfNeeded();
    await shot(page, `${look.name}-4-library`);
    await page.getByTestId("saved-image").first().getByRole("button", { name: "Open" }).click();
    assert.ok(await isLoaded(page.getByTestId("viewer-picture")));
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
