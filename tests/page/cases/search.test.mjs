// Finding: words, filters, chips, and the address that holds them.

import assert from "node:assert/strict";
import { becomes, counts, onPage, says } from "../browser.mjs";
import { setTimeout as sleep } from "node:timers/promises";
import { png } from "../png.mjs";

const shelf = async (server) => {
  const make = (shade, size, fields) => server.upload(png({ ...size, shade }), fields);
  const { id } = await make(10, { width: 64, height: 64 }, { prompt: "red heart", tags: ["love"], rating: 5 });
  await make(20, { width: 64, height: 64 }, { prompt: "red car", tags: ["road"], favorite: true });
  await make(30, { width: 96, height: 64 }, { prompt: "blue car", tags: ["road", "sea"], rating: 2, parent: { id, relation: "remix" } });
};
const filled = { server: { model: "noop" }, before: shelf };
const tiles = (page) => page.getByTestId("saved-image");
/** Waits until the address holds this. */
const standsAt = (page, hash) => page.waitForURL((url) => decodeURIComponent(url.hash) === hash);

onPage("filters narrow the list, stand as chips, and are taken away one by one", filled, async ({ page }) => {
  await counts(tiles(page), 3);
  await page.getByTestId("filters").click();
  await page.getByTestId("filter-tag").fill("road");
  await counts(tiles(page), 2);
  await page.getByTestId("filter-rating").selectOption("2");
  await counts(tiles(page), 1);
  await counts(page.getByTestId("chip"), 2);
  await page.getByTestId("chip").first().click();
  await counts(tiles(page), 2);
  await page.getByTestId("chip").click();
  await counts(tiles(page), 3);
});

for (const [name, act, count] of [
  ["the width", (page) => page.getByTestId("filter-width").fill("96"), 1],
  ["where it came from", (page) => page.getByTestId("filter-parent").selectOption("true"), 1],
  ["a day long ago", (page) => page.getByTestId("filter-to").fill("2020-01-01"), 0],
  ["two tags", (page) => page.getByTestId("filter-tag").fill("road, sea"), 1],
]) {
  onPage(`pictures are found by ${name}`, filled, async ({ page }) => {
    await counts(tiles(page), 3);
    await page.getByTestId("filters").click();
    await act(page);
    await counts(tiles(page), count);
  });
}

onPage("the address holds the search: it can be shared, and back leaves it", filled, async ({ page, server }) => {
  await counts(tiles(page), 3);
  await page.getByTestId("find").pressSequentially("car");
  await counts(tiles(page), 2);
  await standsAt(page, "#q=car");
  await page.getByTestId("favorites").click();
  await counts(tiles(page), 1);
  await standsAt(page, "#q=car&favorite=true");
  await page.goBack();
  await counts(tiles(page), 2);
  await page.goBack();
  await counts(tiles(page), 3);
  await becomes(() => page.getByTestId("find").inputValue(), "");
  await page.goForward();
  await counts(tiles(page), 2);
  await page.goto("about:blank");
  await page.goto(`${server.url}#q=car&favorite=true`);
  await counts(tiles(page), 1);
  await becomes(() => page.getByTestId("find").inputValue(), "car");
});

onPage("a link to a collection opens it, by name", { ...filled, before: async (server) => {
  await shelf(server);
  const { items } = await server.call("GET", "images");
  const { id } = await server.call("POST", "collections", { name: "Journeys" });
  await server.call("POST", "images/edit", { ids: [items[0].id], add_to: [id] });
} }, async ({ page, server }) => {
  const [{ id }] = (await server.call("GET", "collections")).items;
  await page.goto(`${server.url}#collection=${id}`);
  await page.reload();
  await counts(tiles(page), 1);
  await says(page.locator("#library-title"), /Journeys/);
  await says(page.getByTestId("chip"), /Journeys/);
});

onPage("a link to a picture opens it, in its list; back closes it", filled, async ({ page, server }) => {
  const { items } = await server.call("GET", "images");
  await page.goto(`${server.url}#picture=${items[1].id}`);
  await page.reload();
  await says(page.locator("#viewer-title"), /red car/);
  await page.keyboard.press("ArrowRight");
  await says(page.locator("#viewer-title"), /red heart/);
  await standsAt(page, `#picture=${items[2].id}`);
  await page.keyboard.press("Escape");
  await page.getByTestId("viewer").waitFor({ state: "hidden" });
  await standsAt(page, "");
  await tiles(page).first().getByRole("link").click();
  await says(page.locator("#viewer-title"), /blue car/);
  await page.goBack();
  await page.getByTestId("viewer").waitFor({ state: "hidden" });
});

onPage("a link to a picture that is gone says so", { ...filled, mayFail: /404/ }, async ({ page, server }) => {
  const { items } = await server.call("GET", "images");
  await server.call("DELETE", `images/${items[0].id}?permanent=true`).catch(() => {});
  await page.goto("about:blank");
  await page.goto(`${server.url}#picture=${items[0].id}`);
  await page.getByTestId("toast").waitFor();
  await standsAt(page, "");
});

onPage("nothing found offers the way out", filled, async ({ page }) => {
  await page.getByTestId("find").fill("zeppelin");
  await says(page.getByTestId("library-note"), /Nothing found/);
  await page.locator("#library-clear").click();
  await counts(tiles(page), 3);
});

/** Waits until what was saved is found: it is looked at, and its prompt read, a moment later. */
async function until(isFound) {
  while (!(await isFound().catch(() => false))) await sleep(100);
}

const known = { ...filled, before: async (server) => {
  await shelf(server);
  await until(async () => (await server.call("GET", "images/by-meaning?q=car")).items.length === 2);
} };
const looked = { before: async (server) => {
  for (const prompt of ["red heart", "red car", "blue car"]) {
    const { id } = await server.saved({ prompt, steps: 2 });
    await until(() => server.call("GET", `images/${id}/similar`));
  }
} };

onPage("what words do not find is found by what they mean", known, async ({ page }) => {
  await page.getByTestId("find").fill("vehicle");
  await page.getByTestId("by-meaning").click();
  await counts(tiles(page), 2);
  await standsAt(page, "#q=vehicle&sort=meaning");
  // It goes on as one types, says what it does not know, and is left with the words.
  await page.getByTestId("find").fill("vehicle qwrtzp");
  await says(page.getByTestId("library-note"), /Not known as words: qwrtzp/);
  await counts(tiles(page), 2);
  await page.getByTestId("find").fill("");
  await counts(tiles(page), 3);
  await standsAt(page, "");
});

onPage("a meaning is an order of its own, and ends where a filter is set", known, async ({ page, server }) => {
  await page.goto(`${server.url}#q=automobile&sort=meaning`);
  await page.reload();
  await counts(tiles(page), 2);
  await becomes(() => page.getByTestId("sort").inputValue(), "meaning");
  await page.getByTestId("favorites").click();
  await counts(tiles(page), 0);
  await standsAt(page, "#q=automobile&favorite=true");
});

onPage("pictures that look like one are a list of their own, with a link and a way back", looked, async ({ page }) => {
  await tiles(page).first().getByRole("link").click();
  await says(page.locator("#viewer-title"), /blue car/);
  await page.keyboard.press("s");
  await page.getByTestId("viewer").waitFor({ state: "hidden" });
  await says(page.locator("#library-title"), /Similar pictures/);
  await counts(tiles(page), 2);
  await page.waitForURL(/#similar=/);
  await page.reload();
  await counts(tiles(page), 2);
  await page.getByTestId("chip").click();
  await counts(tiles(page), 3);
  await page.goBack();
  await counts(tiles(page), 2);
});

onPage("a server without such searches is not asked for them", { ...filled, before: async (server) => {
  await shelf(server);
} }, async ({ page }) => {
  await page.route(/\/config\.json/, (route) => route.fulfill({ json: {} }));
  await page.reload();
  await page.getByTestId("find").fill("zeppelin");
  await says(page.getByTestId("library-note"), /Nothing found/);
  assert.equal(await page.getByTestId("by-meaning").isVisible(), false);
  await page.locator("#library-clear").click();
  await tiles(page).first().getByRole("link").click();
  await page.getByTestId("viewer").getByTestId("favorite").waitFor();
  assert.equal(await page.getByTestId("similar").count(), 0);
});

onPage("a model that the address names stays looked for when another filter is set", filled, async ({ page, server }) => {
  await page.goto(`${server.url}#model=gone`);
  await page.reload();
  await counts(page.getByTestId("chip"), 1);
  await page.getByTestId("filters").click();
  assert.equal(await page.getByTestId("filter-model").inputValue(), "gone");
  await page.getByTestId("filter-rating").selectOption("2");
  await standsAt(page, "#rating=2&model=gone");
});

onPage("back empties the field that the focus is in", filled, async ({ page }) => {
  await counts(tiles(page), 3);
  await page.getByTestId("find").pressSequentially("car");
  await counts(tiles(page), 2);
  await page.goBack();
  await counts(tiles(page), 3);
  assert.equal(await page.evaluate(() => document.activeElement.id), "find");
  assert.equal(await page.getByTestId("find").inputValue(), "");
});

onPage("a link's search is in its field before the server has answered", filled, async ({ page, server }) => {
  await page.route("**/collections", () => {});
  await page.goto(`${server.url}#q=car&sort=oldest`);
  await page.reload();
  await counts(tiles(page), 2);
  assert.equal(await page.getByTestId("find").inputValue(), "car");
  assert.equal(await page.getByTestId("sort").inputValue(), "oldest");
});

onPage("a filter that is none is named, and the others go on", filled, async ({ page }) => {
  await page.getByTestId("filters").click();
  await page.getByTestId("filter-width").fill("64px");
  await page.getByTestId("filter-tag").fill("road");
  await counts(tiles(page), 2);
  await says(page.getByTestId("filters-error"), /whole number/);
  assert.equal(await page.getByTestId("filter-width").getAttribute("aria-invalid"), "true");
  await page.getByTestId("filter-width").fill("64");
  await counts(tiles(page), 1);
  await page.getByTestId("filters-error").waitFor({ state: "hidden" });
});
