// Saved pictures: the trash and back, and using what one was made with again.

import assert from "node:assert/strict";
import { answered, becomes, counts, onPage, says } from "../browser.mjs";
import { png } from "../png.mjs";

const saved = (...inputs) => async (server) => {
  for (const input of inputs) await server.saved({ steps: 1, ...input });
};

onPage("a picture goes to the trash and comes back with undo", { before: saved({ prompt: "red heart" }) }, async ({ page }) => {
  await page.getByTestId("saved-image").getByRole("link", { name: "Open" }).click();
  await page.getByTestId("delete").click();
  await counts(page.getByTestId("saved-image"), 0);
  await page.getByTestId("toast-action").click();
  await counts(page.getByTestId("saved-image"), 1);
});

onPage("a picture is restored from the trash", { before: saved({ prompt: "red heart" }) }, async ({ page }) => {
  await page.getByTestId("saved-image").getByRole("link", { name: "Open" }).click();
  await page.getByTestId("delete").click();
  await page.getByTestId("view-trash").click();
  await page.getByTestId("restore").click();
  await counts(page.getByTestId("saved-image"), 0);
  await page.getByTestId("view-library").click();
  await counts(page.getByTestId("saved-image"), 1);
});

onPage("a picture is erased for good only after a second thought", { before: saved({ prompt: "red heart" }) }, async ({ page, server }) => {
  await page.getByTestId("saved-image").getByRole("link", { name: "Open" }).click();
  await page.getByTestId("delete").click();
  await page.getByTestId("view-trash").click();
  await page.getByTestId("erase").click();
  await page.getByTestId("confirm").getByText("Keep it").click();
  await counts(page.getByTestId("saved-image"), 1);
  await page.getByTestId("erase").click();
  await page.getByTestId("confirm-yes").click();
  await counts(page.getByTestId("saved-image"), 0);
  await becomes(async () => (await server.call("GET", "images?trashed=true")).items, []);
});

onPage("what a picture was made with is used again", { before: saved({ prompt: "blue car", steps: 7, guidance_scale: 4, seed: 1234 }) }, async ({ page }) => {
  await page.getByTestId("saved-image").getByRole("link", { name: "Open" }).click();
  await page.getByTestId("reuse").click();
  await becomes(() => page.getByTestId("prompt").inputValue(), "blue car");
  await becomes(() => page.getByTestId("steps").inputValue(), "7");
  await becomes(() => page.getByTestId("guidance_scale").inputValue(), "4");
  await becomes(() => page.getByTestId("seed").inputValue(), "1234");
});

onPage("a favourite stays one after a reload", { before: saved({ prompt: "red heart" }) }, async ({ page }) => {
  const star = page.getByTestId("saved-image").getByTestId("favorite");
  await answered(page, "/images/edit", () => star.click());
  await page.reload();
  await page.locator('[data-testid=favorite][aria-pressed=true]').waitFor();
});

onPage("the facts of a picture are told", { before: saved({ prompt: "red heart", seed: 77 }) }, async ({ page }) => {
  await page.getByTestId("saved-image").getByRole("link", { name: "Open" }).click();
  await says(page.locator("#viewer-facts"), /64 × 64 pixels/);
  await says(page.locator("#viewer-facts"), /77/);
});

onPage("a long library is shown page by page, each picture once", {
  server: { model: "noop" },
  before: async (server) => {
    for (let shade = 0; shade < 60; shade += 1) await server.upload(png({ shade }), { prompt: `picture ${shade}` });
  },
}, async ({ page }) => {
  await page.getByTestId("saved-image").first().waitFor();
  const seen = new Set();
  const look = async () => {
    const ids = await page.getByTestId("saved-image").evaluateAll((tiles) => tiles.map((tile) => tile.dataset.imageId).filter(Boolean));
    assert.equal(new Set(ids).size, ids.length);
    ids.forEach((id) => seen.add(id));
  };
  for (const end = Date.now() + 20_000; seen.size < 60 && Date.now() < end;) {
    await page.mouse.wheel(0, 400);
    await look();
  }
  assert.equal(seen.size, 60);
});

onPage("pictures are found as one types", { before: saved({ prompt: "red heart" }, { prompt: "blue car" }) }, async ({ page }) => {
  await counts(page.getByTestId("saved-image"), 2);
  await page.getByTestId("find").fill("blu");
  await counts(page.getByTestId("saved-image"), 1);
  await says(page.getByTestId("saved-image"), /blue car/);
  await page.getByTestId("find").fill("nowhere");
  await says(page.locator("#library-note"), /Nothing found/);
  await page.getByTestId("find").fill("");
  await counts(page.getByTestId("saved-image"), 2);
});

onPage("favourites alone are shown when asked", { before: saved({ prompt: "red heart" }, { prompt: "blue car" }) }, async ({ page }) => {
  await answered(page, "/images/edit", () => page.getByTestId("saved-image").first().getByTestId("favorite").click());
  await page.getByTestId("favorites").click();
  await counts(page.getByTestId("saved-image"), 1);
  await page.getByTestId("favorites").click();
  await counts(page.getByTestId("saved-image"), 2);
});

onPage("a picture that is saved while the oldest stand first does not stand before them", { before: saved({ prompt: "red heart" }) }, async ({ page, server }) => {
  await page.goto(`${server.url}#sort=oldest`);
  await page.reload();
  await counts(page.getByTestId("saved-image"), 1);
  await page.getByTestId("prompt").fill("blue car");
  await page.getByTestId("generate").click();
  await Promise.all([page.waitForResponse("**/save"), page.getByTestId("job").getByTestId("save").click()]);
  await page.waitForTimeout(200);
  await says(page.getByTestId("saved-image").first(), /red heart/);
});
