// One picture large: closer, compared, given away, and made into others.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { becomes, counts, onPage, says } from "../browser.mjs";

const two = async (server) => {
  await server.saved({ prompt: "red heart", steps: 1, seed: 7 });
  await server.saved({ prompt: "blue car", steps: 2, seed: 8 });
};
const filled = { before: two };
const open = async (page, n = 0) => {
  await page.getByTestId("saved-image").nth(n).getByRole("link").click();
  await page.getByTestId("viewer").waitFor();
};
const scale = (page) => page.getByTestId("viewer-picture").evaluate((picture) => new DOMMatrix(getComputedStyle(picture).transform).a);

onPage("a picture is looked at closer by keys, wheel and double press, and is whole again", filled, async ({ page }) => {
  await open(page);
  await page.keyboard.press("+");
  await becomes(() => scale(page), (now) => now > 1.3);
  await page.keyboard.press("0");
  await becomes(() => scale(page), 1);
  const stage = page.locator("#viewer-stage");
  await stage.hover();
  await page.mouse.wheel(0, -400);
  await page.waitForFunction(() => document.querySelector("#viewer-stage.close"));
  await becomes(() => scale(page), (now) => now > 1.5);
  await stage.dblclick({ position: { x: 300, y: 300 } });
  await becomes(() => scale(page), 1);
  await page.getByTestId("zoom-in").click();
  await becomes(() => scale(page), (now) => now > 1);
  await page.getByTestId("zoom-reset").click();
  await becomes(() => scale(page), 1);
});

onPage("a closer picture is moved by dragging and by arrows, and does not turn", filled, async ({ page }) => {
  await open(page);
  for (let n = 0; n < 6; n += 1) await page.keyboard.press("+");
  const place = () => page.getByTestId("viewer-picture").evaluate((picture) => new DOMMatrix(getComputedStyle(picture).transform).e);
  const before = await place();
  await page.mouse.move(400, 400);
  await page.mouse.down();
  await page.mouse.move(500, 400, { steps: 4 });
  await page.mouse.up();
  await becomes(place, (now) => Math.abs(now - before - 100) < 2);
  await page.keyboard.press("ArrowLeft");
  await becomes(place, (now) => now > before + 150);
  await says(page.locator("#viewer-title"), /blue car/);
});

onPage("a finger turns the pictures and two look closer", { ...filled, page: { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true } }, async ({ page }) => {
  await page.getByTestId("saved-image").first().scrollIntoViewIfNeeded();
  await page.getByTestId("saved-image").first().getByRole("link").tap();
  await says(page.locator("#viewer-title"), /blue car/);
  const touch = (type, ...points) => page.locator("#viewer-stage").evaluate((stage, [type, points]) => {
    for (const [id, x, y] of points) stage.dispatchEvent(new PointerEvent(type, { pointerId: id, pointerType: "touch", clientX: x, clientY: y, button: 0, bubbles: true }));
  }, [type, points]);
  // A pointer made by a script can't be captured.
  await page.evaluate(() => {
    Element.prototype.setPointerCapture = () => {};
  });
  await touch("pointerdown", [1, 300, 200]);
  await touch("pointermove", [1, 200, 204], [1, 120, 206]);
  await touch("pointerup", [1, 120, 206]);
  await says(page.locator("#viewer-title"), /red heart/);
  await touch("pointerdown", [1, 180, 200], [2, 210, 200]);
  await touch("pointermove", [1, 100, 200], [2, 290, 200]);
  await touch("pointerup", [1, 100, 200], [2, 290, 200]);
  await becomes(() => scale(page), (now) => now > 3);
});

onPage("what a picture was made with stands beside it, and fills the form only when asked", filled, async ({ page }) => {
  await page.getByTestId("prompt").fill("my own words");
  await open(page);
  await says(page.locator("#viewer-facts"), /Steps\s*2/);
  await page.keyboard.press("ArrowRight");
  await becomes(() => page.getByTestId("prompt").inputValue(), "my own words");
  await page.getByTestId("reuse").click();
  await becomes(() => page.getByTestId("prompt").inputValue(), "red heart");
});

onPage("a variant is drawn at once from another seed and knows its parent", filled, async ({ page, server }) => {
  await open(page, 1);
  const [, parent] = (await server.call("GET", "images")).items;
  await page.getByTestId("variant").click();
  await says(page.getByTestId("toast"), /variant/);
  await page.keyboard.press("Escape");
  const job = page.locator("[data-testid=job][data-status=succeeded]");
  await job.getByTestId("save").click();
  await counts(page.getByTestId("saved-image"), 3);
  const [made] = (await server.call("GET", "images")).items;
  assert.deepEqual(made.parent, { id: parent.id, relation: "variant" });
  assert.notEqual(made.seed, parent.seed);
  await open(page);
  await says(page.locator("#viewer-facts"), /Variant of/);
  await page.locator("#viewer-facts").getByTestId("parent").click();
  await says(page.locator("#viewer-facts"), /Seed\s*7/);
});

onPage("a remix begins with the form, and can be taken back", filled, async ({ page, server }) => {
  await open(page, 1);
  const [, parent] = (await server.call("GET", "images")).items;
  await page.getByTestId("remix").click();
  await says(page.getByTestId("parent-note"), /Remix of red heart/);
  await page.getByTestId("prompt").fill("blue heart");
  await page.getByTestId("generate").click();
  await page.getByTestId("parent-note").waitFor({ state: "hidden" });
  const [job] = (await server.call("GET", "jobs")).items;
  assert.deepEqual(job.request.parent, { id: parent.id, relation: "remix" });
});

onPage("two pictures are compared with a slider that keys move", filled, async ({ page }) => {
  await open(page);
  await page.getByTestId("compare").click();
  const slider = page.getByTestId("compare-slider");
  await slider.waitFor();
  await slider.press("ArrowRight");
  await becomes(() => slider.inputValue(), "51");
  await becomes(() => slider.getAttribute("aria-valuetext"), /51 percent/);
  await becomes(() => page.locator("#compare-stage").evaluate((stage) => getComputedStyle(stage).getPropertyValue("--cut")), "51%");
});

onPage("two that are selected are compared", filled, async ({ page }) => {
  await page.getByTestId("saved-image").nth(0).getByTestId("select").click();
  await page.getByTestId("saved-image").nth(1).getByTestId("select").click();
  await page.getByTestId("bulk-compare").click();
  await says(page.locator("#compare-left-name"), /blue car/);
  await says(page.locator("#compare-right-name"), /red heart/);
});

onPage("a shared picture says nothing of how it was made", filled, async ({ page }) => {
  await open(page);
  const file = async (testid) => {
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByTestId(testid).click()]);
    return readFile(await download.path(), "latin1");
  };
  assert.match(await file("download"), /blue car/);
  const shared = await file("share");
  assert.match(shared, /^.PNG/);
  assert.doesNotMatch(shared, /blue car|parameters|trainedAlgorithmicMedia/);
});

onPage("a picture is rated beside it", filled, async ({ page, server }) => {
  await open(page);
  await page.getByTestId("rate-4").click();
  await page.locator("[data-testid=rate-4][aria-pressed=true]").waitFor();
  await becomes(async () => (await server.call("GET", "images?rating=4")).items.length, 1);
});

onPage("title and note are written, found by their words, and not over what another window wrote", { ...filled, mayFail: /412/ }, async ({ page, server }) => {
  await open(page);
  await page.keyboard.press("n");
  await page.getByTestId("caption-text").fill("The old car");
  await page.getByTestId("caption-note").fill("seen by the sea");
  await page.getByTestId("caption-keep").click();
  await says(page.locator("#viewer-title"), /The old car/);
  await says(page.locator("#viewer-facts"), /seen by the sea/);
  const [{ id }] = (await server.call("GET", "images?q=sea")).items;

  await page.getByTestId("title").click();
  await server.call("PATCH", `images/${id}`, { title: "Meanwhile" });
  await page.getByTestId("caption-text").fill("Mine");
  await page.getByTestId("caption-keep").click();
  await says(page.locator("#caption-error"), /changed meanwhile: its title is “Meanwhile”/);
  await becomes(() => page.getByTestId("caption-text").inputValue(), "Mine");
  await page.getByTestId("caption-keep").click();
  await says(page.locator("#viewer-title"), /Mine/);
  await becomes(async () => (await server.call("GET", `images/${id}`)).title, "Mine");
});

onPage("an edit beside the picture goes on from the one before it", filled, async ({ page, server }) => {
  await open(page);
  await page.keyboard.press("n");
  await page.getByTestId("caption-text").fill("The old car");
  await page.getByTestId("caption-note").fill("seen by the sea");
  await page.getByTestId("caption-keep").click();
  await says(page.locator("#viewer-title"), /The old car/);
  await page.keyboard.press("n");
  assert.equal(await page.getByTestId("caption-note").inputValue(), "seen by the sea");
  await page.getByTestId("caption-text").fill("The older car");
  await page.getByTestId("caption-keep").click();
  await says(page.locator("#viewer-title"), /The older car/);
  const [image] = (await server.call("GET", "images?q=older")).items;
  assert.equal(image.note, "seen by the sea");
});

/** A picture that the address names, and that is not in the list it asks for. */
async function openLone(page, server) {
  const [{ id }] = (await server.call("GET", "images")).items;
  await page.goto(`${server.url}#q=heart&picture=${id}`);
  await page.reload();
  await says(page.locator("#viewer-title"), /blue car/);
  return id;
}

onPage("a picture that only the address names is edited as those of the list", filled, async ({ page, server }) => {
  const id = await openLone(page, server);
  for (const title of ["The old car", "The older car"]) {
    await page.keyboard.press("n");
    await page.getByTestId("caption-text").fill(title);
    await page.getByTestId("caption-keep").click();
    await says(page.locator("#viewer-title"), title);
  }
  const [edited] = await Promise.all([page.waitForResponse("**/images/edit"), page.keyboard.press("f")]);
  assert.equal(edited.status(), 200);
  await page.locator("#viewer [data-testid=favorite][aria-pressed=true]").waitFor();
  const { title, favorite } = await server.call("GET", `images/${id}`);
  assert.deepEqual({ title, favorite }, { title: "The older car", favorite: true });
});

onPage("a picture that only the address names leaves the viewer when it goes to the trash", filled, async ({ page, server }) => {
  await openLone(page, server);
  await page.keyboard.press("Delete");
  await page.getByTestId("viewer").waitFor({ state: "hidden" });
  await counts(page.getByTestId("saved-image"), 1);
  assert.equal(new URL(page.url()).hash, "#q=heart");
});

onPage("a title that is kept right after a star was not changed meanwhile", filled, async ({ page, server }) => {
  await open(page);
  await page.route("**/images/edit", async (route) => {
    await new Promise((done) => setTimeout(done, 500));
    await route.continue();
  });
  await page.keyboard.press("f");
  await page.keyboard.press("n");
  await page.getByTestId("caption-text").fill("The old car");
  await page.getByTestId("caption-keep").click();
  await says(page.locator("#viewer-title"), /The old car/);
  assert.equal((await server.call("GET", "images?favorite=true")).items[0].title, "The old car");
});

onPage("a parent that is chosen while another request is on its way stays chosen", filled, async ({ page }) => {
  await page.route("**/generate", async (route) => {
    await new Promise((done) => setTimeout(done, 800));
    await route.continue();
  });
  const sent = page.waitForResponse("**/generate");
  await page.getByTestId("prompt").fill("rocket");
  await page.getByTestId("generate").click();
  await open(page, 1);
  await page.getByTestId("remix").click();
  await sent;
  await page.getByTestId("job").waitFor();
  await says(page.getByTestId("parent-note"), /Remix of red heart/);
});
