// A picture file that says how it was made: ours, and those of other programs.

import assert from "node:assert/strict";
import { becomes, counts, onPage, says } from "../browser.mjs";
import { png, text } from "../png.mjs";

const THEIRS = "a cat, 猫 by the sea\nNegative prompt: dogs\nrain\nSteps: 9, Sampler: Euler a, CFG scale: 6.5, Seed: 77, Size: 512x384, Model: other";
const give = (page, buffer, name = "picture.png") => page.getByTestId("recall-file").setInputFiles({ name, mimeType: "image/png", buffer });
const facts = (page) => page.getByTestId("recall-facts").locator("dd").allTextContents();

onPage("our own picture tells how it was made, and its parameters are used", { before: (server) => server.saved({ prompt: "blue car", steps: 7, seed: 1234 }) }, async ({ page, server }) => {
  const [{ url }] = (await server.call("GET", "images")).items;
  await give(page, Buffer.from(await (await fetch(server.url + url.slice(1))).arrayBuffer()));
  await says(page.getByTestId("recall-facts"), /blue car/);
  await page.getByTestId("recall-use").click();
  await becomes(() => page.getByTestId("prompt").inputValue(), "blue car");
  await becomes(() => page.getByTestId("steps").inputValue(), "7");
  await becomes(() => page.getByTestId("seed").inputValue(), "1234");
});

for (const [name, chunk] of [["an international text", text.international("parameters", THEIRS)], ["a packed international text", text.internationalPacked("parameters", THEIRS)]]) {
  onPage(`another program's picture tells how it was made in ${name}`, {}, async ({ page }) => {
    await give(page, png({ texts: [chunk] }));
    await says(page.getByTestId("recall-facts"), /a cat, 猫 by the sea/);
    assert.deepEqual((await facts(page)).slice(1), ["dogs\nrain", "other", "512", "384", "9", "6.5", "Euler a", "77"]);
  });
}

for (const [name, make] of [["plain", text.plain], ["packed", text.packed]]) {
  onPage(`a ${name} text is read too`, {}, async ({ page }) => {
    await give(page, png({ texts: [make("parameters", "caf\u00e9\nSteps: 5, Seed: 3")] }));
    await says(page.getByTestId("recall-facts"), /café/);
  });
}

onPage("a dropped picture is read, and saved to the library", { server: { model: "noop" } }, async ({ page, server }) => {
  await says(page.getByTestId("library-note"), /Nothing saved/);
  const bytes = [...png({ shade: 90, texts: [text.international("parameters", THEIRS)] })];
  await page.evaluate((bytes) => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([new Uint8Array(bytes)], "dropped.png", { type: "image/png" }));
    for (const type of ["dragenter", "dragover", "drop"]) document.body.dispatchEvent(new DragEvent(type, { dataTransfer, bubbles: true, cancelable: true }));
  }, bytes);
  await says(page.locator("#recall-title"), /dropped.png/);
  await page.getByTestId("recall-save").click();
  await counts(page.getByTestId("saved-image"), 1);
  const [image] = (await server.call("GET", "images")).items;
  assert.match(image.prompt, /^a cat/);
  assert.equal(image.seed, 77);
  assert.equal(image.note, "Negative prompt: dogs\nrain\nModel: other\nWidth: 512\nHeight: 384\nSteps: 9\nGuidance: 6.5\nScheduler: Euler a");
});

onPage("a picture that is there already keeps its own note when it is saved again", { server: { model: "noop" } }, async ({ page, server }) => {
  const picture = png({ shade: 91, texts: [text.international("parameters", "a cat\nSteps: 5")] });
  const { id } = await server.upload(picture, { note: "mine" });
  await give(page, picture);
  await page.getByTestId("recall-save").click();
  await becomes(async () => (await server.call("GET", `images/${id}`)).note, "mine\n\nSteps: 5");
});

onPage("a file that says nothing, and one that is damaged, are told apart from none", {}, async ({ page }) => {
  await give(page, png());
  await says(page.locator("#recall-none"), /does not say/);
  await page.keyboard.press("Escape");
  const bomb = text.internationalPacked("parameters", "x".repeat(8 * 1024 * 1024));
  await give(page, png({ texts: [bomb, text.plain("parameters", "after all\nSteps: 1")] }));
  await says(page.getByTestId("recall-facts"), /after all/);
});

onPage("of two files that are given at once the last one is told of", {}, async ({ page }) => {
  const packed = png({ texts: [text.internationalPacked("parameters", `first ${"x".repeat(1_000_000)}\nSteps: 1`)] });
  const plain = png({ texts: [text.plain("parameters", "second\nSteps: 2")] });
  await page.evaluate((files) => {
    for (const [name, bytes] of files) {
      const clipboardData = new DataTransfer();
      clipboardData.items.add(new File([new Uint8Array(bytes)], name, { type: "image/png" }));
      document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
    }
  }, [["first.png", [...packed]], ["second.png", [...plain]]]);
  await says(page.locator("#recall-title"), /second.png/);
  await page.waitForTimeout(300);
  await says(page.locator("#recall-title"), /second.png/);
  await says(page.getByTestId("recall-facts"), /second/);
});
