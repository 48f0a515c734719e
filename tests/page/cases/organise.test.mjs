// Putting the library in order: many pictures at once, collections, tags, the trash.

import assert from "node:assert/strict";
import { becomes, counts, onPage, says } from "../browser.mjs";
import { png } from "../png.mjs";

const NAMES = ["one", "two", "three", "four", "five", "six"];
/** Six pictures, of which “six” stands first. */
const six = async (server) => {
  for (const [shade, title] of NAMES.entries()) await server.upload(png({ width: 64, height: 64, shade: 40 * shade }), { title });
};
const filled = { server: { model: "noop" }, before: six };
const tile = (page, n) => page.getByTestId("saved-image").nth(n);
const check = (page, n) => tile(page, n).getByTestId("select");
const link = (page, n) => tile(page, n).getByRole("link");
const titles = async (server, query) => (await server.call("GET", `images${query}`)).items.map((image) => image.title);
const focused = (page) => page.evaluate(() => document.activeElement.dataset.testid);
const selected = (page, count) => says(page.getByTestId("selection-count"), new RegExp(`^${count} selected`));

onPage("pictures are selected one by one, as a range, and all", filled, async ({ page }) => {
  await counts(page.getByTestId("saved-image"), 6);
  await check(page, 0).click();
  await selected(page, 1);
  await check(page, 3).click({ modifiers: ["Shift"] });
  await selected(page, 4);
  await link(page, 1).click();
  await selected(page, 3);
  await link(page, 1).press("Control+a");
  await selected(page, 6);
  await page.keyboard.press("Escape");
  await page.getByTestId("selection").waitFor({ state: "hidden" });
});

onPage("keys select: space, and shift with an arrow", filled, async ({ page }) => {
  await link(page, 0).focus();
  await page.keyboard.press("Space");
  await selected(page, 1);
  await page.keyboard.press("Shift+ArrowRight");
  await page.keyboard.press("Shift+ArrowRight");
  await selected(page, 3);
  await becomes(() => page.locator('[role=gridcell][aria-selected=true]').count(), 3);
});

onPage("what is selected becomes favourites, is rated and tagged at once", filled, async ({ page, server }) => {
  await check(page, 0).click();
  await check(page, 1).click();
  await page.getByTestId("bulk-favorite").click();
  await counts(page.locator("[data-testid=favorite][aria-pressed=true]"), 2);
  await page.getByTestId("bulk-rating").selectOption("4");
  await says(page.getByTestId("toast"), /rated 4 of 5/);
  await page.getByTestId("bulk-tags").click();
  await page.getByTestId("pick-find").fill("Winter");
  await page.getByTestId("pick-find").press("Enter");
  await page.locator('[data-testid=choice][aria-pressed=true]').waitFor();
  await becomes(() => titles(server, "?favorite=true"), ["six", "five"]);
  await becomes(() => titles(server, "?rating=4"), ["six", "five"]);
  await becomes(() => titles(server, "?tag=winter"), ["six", "five"]);
  await page.getByTestId("choice").click();
  await page.locator('[data-testid=choice][aria-pressed=false]').waitFor();
  await becomes(() => titles(server, "?tag=winter"), []);
});

onPage("one key rates, likes and trashes the picture that has the focus", filled, async ({ page, server }) => {
  await link(page, 2).focus();
  await page.keyboard.press("f");
  await tile(page, 2).locator("[data-testid=favorite][aria-pressed=true]").waitFor();
  await page.keyboard.press("3");
  await says(page.getByTestId("toast"), /rated 3/);
  await becomes(() => titles(server, "?rating=3&favorite=true"), ["four"]);
  await page.keyboard.press("Delete");
  await counts(page.getByTestId("saved-image"), 5);
  await becomes(() => titles(server, "?trashed=true"), ["four"]);
});

onPage("many go to the trash and come back to their places with undo", filled, async ({ page }) => {
  const order = () => page.getByTestId("saved-image").evaluateAll((tiles) => tiles.map((one) => one.querySelector(".name").textContent));
  const before = await (await counts(page.getByTestId("saved-image"), 6), order());
  await check(page, 1).click();
  await check(page, 4).click();
  await page.getByTestId("bulk-trash").click();
  await counts(page.getByTestId("saved-image"), 4);
  await page.getByTestId("toast-action").click();
  await counts(page.getByTestId("saved-image"), 6);
  await becomes(order, before);
});

onPage("the trash is emptied or restored by selection", filled, async ({ page, server }) => {
  const { items } = await server.call("GET", "images");
  await server.call("POST", "images/edit", { ids: items.slice(0, 4).map(({ id }) => id), trashed: true });
  await page.getByTestId("view-trash").click();
  await counts(page.getByTestId("saved-image"), 4);
  await check(page, 0).click();
  await check(page, 1).click();
  await page.getByTestId("bulk-restore").click();
  await counts(page.getByTestId("saved-image"), 2);
  await check(page, 0).click();
  await page.getByTestId("select-all").click();
  await page.getByTestId("bulk-erase").click();
  await page.getByTestId("confirm-yes").click();
  await counts(page.getByTestId("saved-image"), 0);
  await says(page.getByTestId("library-note"), /trash is empty/);
  await becomes(async () => (await server.call("GET", "images")).items.length, 4);
});

onPage("a collection is made, filled by dragging, renamed and deleted", filled, async ({ page, server }) => {
  await page.getByTestId("collection-new").click();
  await page.getByTestId("collection-name").fill("Best");
  await page.getByTestId("collection-yes").click();
  const target = page.getByTestId("collection-link");
  await target.waitFor();
  await check(page, 0).click();
  await check(page, 2).click();
  await tile(page, 0).dragTo(target);
  await says(page.getByTestId("toast"), /2 pictures added to “Best”/);
  await page.getByTestId("selection-clear").click();
  await target.click();
  await counts(page.getByTestId("saved-image"), 2);
  await page.getByTestId("collection-edit").click();
  await page.getByTestId("collection-name").fill("Finest");
  await page.getByTestId("collection-yes").click();
  await says(target, /Finest/);
  await becomes(() => focused(page), "collection-edit");
  await page.getByTestId("collection-edit").click();
  await page.getByTestId("collection-delete").click();
  await becomes(() => focused(page), "collection-new");
  await counts(page.getByTestId("saved-image"), 6);
  await becomes(async () => (await server.call("GET", "collections")).items, []);
});

onPage("a second collection of the same name is refused in words", { ...filled, mayFail: /422/ }, async ({ page, server }) => {
  await server.call("POST", "collections", { name: "Best" });
  await page.reload();
  await page.getByTestId("collection-new").click();
  await page.getByTestId("collection-name").fill("best");
  await page.getByTestId("collection-yes").click();
  await says(page.locator("#collection-error"), /of that name already/);
});

onPage("keys put a picture into a collection, as dragging does", filled, async ({ page, server }) => {
  await link(page, 0).focus();
  await page.keyboard.press("c");
  await page.keyboard.type("Mine");
  await page.keyboard.press("Enter");
  await page.locator('[data-testid=choice][aria-pressed=true]').waitFor();
  const [{ id }] = (await server.call("GET", "collections")).items;
  await becomes(() => titles(server, `?collection=${id}`), ["six"]);
});

onPage("pictures dropped on a tag get it, and on the trash go there", filled, async ({ page, server }) => {
  const { items } = await server.call("GET", "images");
  await server.call("PATCH", `images/${items[5].id}`, { tags: ["sea"] });
  await page.reload();
  await tile(page, 0).dragTo(page.getByTestId("tag-link"));
  await says(page.getByTestId("toast"), /tagged #sea/);
  await becomes(() => titles(server, "?tag=sea"), ["six", "one"]);
  await tile(page, 1).dragTo(page.getByTestId("view-trash"));
  await counts(page.getByTestId("saved-image"), 5);
  await becomes(() => titles(server, "?trashed=true"), ["five"]);
});

/** Holds back what is asked of an address until it is let go. */
async function hold(page, url) {
  let letGo;
  const held = new Promise((done) => {
    letGo = done;
  });
  await page.route(url, async (route) => {
    await held;
    await route.continue().catch(() => {});
  });
  return letGo;
}

onPage("what the server refuses is not shown as picked", { ...filled, mayFail: /500/ }, async ({ page, server }) => {
  const { items } = await server.call("GET", "images");
  await server.call("PATCH", `images/${items[5].id}`, { tags: ["sea"] });
  await page.reload();
  await link(page, 0).focus();
  await page.keyboard.press("t");
  await page.route("**/images/edit", (route) => route.fulfill({ status: 500, json: { title: "An error" } }));
  await page.getByTestId("choice").click();
  await page.getByTestId("toast").waitFor();
  assert.equal(await page.getByTestId("choice").getAttribute("aria-pressed"), "false");
});

onPage("of two changes in a row the last one asked for is the last one made", filled, async ({ page, server }) => {
  let asked = 0;
  await page.route("**/images/edit", async (route) => {
    asked += 1;
    if (asked === 1) await new Promise((done) => setTimeout(done, 500));
    await route.continue();
  });
  await link(page, 0).focus();
  await page.keyboard.press("3");
  await page.keyboard.press("5");
  await says(page.getByTestId("toast"), /rated 5/);
  await says(page.getByTestId("toast"), /rated 3/);
  assert.deepEqual(await titles(server, "?rating=5"), ["six"]);
});

onPage("a change that fails takes back only itself", { ...filled, mayFail: /500/ }, async ({ page }) => {
  await link(page, 0).focus();
  let asked = 0;
  await page.route("**/images/edit", (route) => ((asked += 1) === 2 ? route.fulfill({ status: 500, json: { title: "An error" } }) : route.continue()));
  await page.keyboard.press("f");
  await page.keyboard.press("f");
  await says(page.getByTestId("toast"), /An error/);
  await tile(page, 0).locator("[data-testid=favorite][aria-pressed=true]").waitFor();
});

onPage("a list that is asked for after a change knows of it", filled, async ({ page }) => {
  const letGo = await hold(page, "**/images/edit");
  await tile(page, 0).getByTestId("favorite").click();
  await page.getByTestId("favorites").click();
  await page.waitForTimeout(300);
  letGo();
  await counts(page.getByTestId("saved-image"), 1);
});

onPage("a picture that goes to the trash does not leave the trash", filled, async ({ page }) => {
  const letGo = await hold(page, "**/images/edit");
  await link(page, 0).focus();
  await page.keyboard.press("Delete");
  await page.getByTestId("view-trash").click();
  letGo();
  await counts(page.getByTestId("saved-image"), 1);
});

const MANY = 150;
onPage("of many that go to the trash those that went are gone, with a way back", { server: { model: "noop", images: MANY }, mayFail: /404|500/ }, async ({ page }) => {
  await page.getByTestId("saved-image").first().getByRole("link").focus();
  await page.keyboard.press("Control+a");
  await selected(page, MANY);
  let asked = 0;
  await page.route("**/images/edit", (route) => ((asked += 1) === 2 ? route.fulfill({ status: 500, json: { title: "An error" } }) : route.continue()));
  await page.getByTestId("bulk-trash").click();
  await selected(page, 50);
  await says(page.getByTestId("library-count"), /^50$/);
  await page.getByTestId("toast-action").click();
  await says(page.getByTestId("library-count"), /^150$/);
});

const pressed = (page, name, on) => page.getByTestId("choice").filter({ hasText: name }).and(page.locator(`[aria-pressed=${on}]`));

onPage("what is typed while a tag is on its way is kept, and each tag is given once", filled, async ({ page, server }) => {
  await link(page, 0).focus();
  await page.keyboard.press("t");
  const letGo = await hold(page, "**/images/edit");
  for (const tag of ["winter", "snow"]) {
    await page.keyboard.type(tag);
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
  }
  await page.keyboard.type("ice");
  letGo();
  await page.waitForFunction(async () => (await (await fetch("/images?tag=snow")).json()).items.length === 1);
  assert.equal(await page.getByTestId("pick-find").inputValue(), "ice");
  await page.getByTestId("pick-find").fill("");
  await pressed(page, "winter", true).waitFor();
  await pressed(page, "snow", true).waitFor();
  assert.deepEqual((await server.call("GET", "images")).items[0].tags.sort(), ["snow", "winter"]);
});

onPage("a collection that is still being made is made once, and is no tag of what is picked next", filled, async ({ page, server }) => {
  await link(page, 0).focus();
  await page.keyboard.press("c");
  const letGo = await hold(page, "**/collections");
  for (let n = 0; n < 2; n += 1) {
    await page.keyboard.type("Mine");
    await page.keyboard.press("Enter");
  }
  await page.keyboard.press("Escape");
  await page.keyboard.press("t");
  letGo();
  await page.getByTestId("collection-link").waitFor();
  await page.keyboard.press("Escape");
  await page.keyboard.press("c");
  await pressed(page, "Mine", true).waitFor();
  const { items } = await server.call("GET", "collections");
  assert.equal(items.length, 1);
  assert.deepEqual(await titles(server, `?collection=${items[0].id}`), ["six"]);
  assert.deepEqual((await server.call("GET", "images")).items[0].tags, []);
});

onPage("a press outside a form closes it, and text that is marked to outside does not", filled, async ({ page }) => {
  await page.getByTestId("collection-new").click();
  await page.getByTestId("collection-name").fill("Best");
  const box = await page.getByTestId("collection-name").boundingBox();
  await page.mouse.move(box.x + 20, box.y + box.height / 2);
  await page.mouse.down();
  await page.mouse.move(5, 5, { steps: 3 });
  await page.mouse.up();
  assert.equal(await page.getByTestId("collection-name").inputValue(), "Best");
  assert.equal(await page.getByTestId("collection-form").isVisible(), true);
  await page.mouse.click(5, 5);
  await page.getByTestId("collection-form").waitFor({ state: "hidden" });
});

onPage("a form that is open stays open when the one before it is answered", filled, async ({ page }) => {
  await page.getByTestId("collection-new").click();
  const letGo = await hold(page, "**/collections");
  await page.getByTestId("collection-name").fill("Best");
  await page.getByTestId("collection-yes").click();
  await page.keyboard.press("Escape");
  await page.getByTestId("collection-new").click();
  await page.getByTestId("collection-name").fill("Finest");
  letGo();
  await page.getByTestId("collection-link").waitFor();
  assert.equal(await page.getByTestId("collection-form").isVisible(), true);
  assert.equal(await page.getByTestId("collection-name").inputValue(), "Finest");
});
