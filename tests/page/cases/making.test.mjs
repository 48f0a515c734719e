// Asking for a picture, and what becomes of it.

import assert from "node:assert/strict";
import { LONG, becomes, counts, generate, loaded, live, onPage, print, says } from "../browser.mjs";

onPage("a first visit explains itself", {}, async ({ page }) => {
  await live(page);
  await becomes(() => page.getByTestId("prompt").inputValue(), "red heart");
  await says(page.locator("#desk-empty"), /Press Generate/);
  assert.ok((await page.getByTestId("example").count()) > 0);
});

onPage("a visit asks for nothing that is not there", {}, async ({ page }) => {
  const missing = [];
  page.on("response", (answer) => answer.status() >= 400 && missing.push(`${answer.status()} ${answer.url()}`));
  await page.reload();
  await live(page);
  assert.deepEqual(missing, []);
});

onPage("an example is one press away from a picture", {}, async ({ page }) => {
  await page.getByTestId("example").first().click();
  await print(page, "succeeded").waitFor();
});

onPage("what the model knows is one press away and can be picked", {}, async ({ page }) => {
  await page.getByTestId("vocabulary-open").click();
  await page.locator("#vocabulary-find").fill("cat face");
  await page.getByTestId("concept").and(page.getByText("cat face", { exact: true })).click();
  await becomes(() => page.getByTestId("prompt").inputValue(), "cat face");
});

onPage("a picture develops step by step, is saved, and is there after a reload", {}, async ({ page }) => {
  await live(page);
  await page.getByTestId("settings").click();
  await page.getByTestId("steps").fill("50");
  await page.getByTestId("count").fill("2");
  await generate(page, "red heart");
  await says(page.getByTestId("state"), /Step \d+ of 100/);
  await page.getByTestId("progress").waitFor();
  await page.getByTestId("preview").first().waitFor();
  await print(page, "succeeded").waitFor();
  await loaded(page.getByTestId("result-picture").first());
  await page.getByTestId("job").getByTestId("save").first().click();
  await counts(page.getByTestId("saved-image"), 1);
  await page.reload();
  await counts(page.getByTestId("saved-image"), 1);
  await loaded(page.getByTestId("saved-image").locator("img"));
});

onPage("a result that was not saved is found again after a reload", {}, async ({ page }) => {
  await generate(page, "red heart");
  await print(page, "succeeded").waitFor();
  await page.reload();
  await print(page, "succeeded").waitFor();
  await loaded(page.getByTestId("result-picture"));
});

onPage("a job that runs goes on being shown after a reload", {}, async ({ page, server }) => {
  await server.call("POST", "generate", LONG);
  await page.reload();
  await says(page.getByTestId("state"), /Step \d+ of 400/);
});

onPage("a picture another client made shows up after a reload", {}, async ({ page, server }) => {
  await server.drawn({ prompt: "blue car" });
  await page.reload();
  await print(page, "succeeded").filter({ hasText: "blue car" }).waitFor();
});

onPage("several pictures come as one print and are saved at once", {}, async ({ page }) => {
  await page.getByTestId("settings").click();
  await page.getByTestId("steps").fill("1");
  await page.getByTestId("count").fill("3");
  await generate(page, "red heart");
  await page.getByTestId("save-all").click();
  await counts(page.getByTestId("saved-image"), 3);
});

onPage("a waiting job tells its place in line", { server: { workers: 0 } }, async ({ page }) => {
  await generate(page, "red heart");
  await says(page.getByTestId("state"), /Next in line/);
  await generate(page, "blue car");
  await says(page.getByTestId("state"), /Number 2 in line/);
});

onPage("a running job is canceled", {}, async ({ page, server }) => {
  await server.call("POST", "generate", LONG);
  await page.reload();
  await says(page.getByTestId("state"), /Step/);
  await page.getByTestId("cancel").click();
  await print(page, "canceled").waitFor();
  await page.getByTestId("retry").waitFor();
});

onPage("a setting that is not allowed is named in words, beside its field", {}, async ({ page, server }) => {
  await page.getByTestId("settings").click();
  await page.getByTestId("steps").fill("99");
  await page.getByTestId("generate").click();
  await says(page.locator("#field-steps-error"), /from 1 to 50/);
  assert.equal((await server.call("GET", "jobs")).items.length, 0);
});

onPage("a model of one size states it and offers no field to get it wrong", {}, async ({ page }) => {
  await page.getByTestId("settings").click();
  await says(page.locator("#settings-line"), /64 × 64/);
  assert.equal(await page.getByTestId("width").count(), 0);
});

onPage("what the server refuses is said in its words, beside the field", { mayFail: /422/ }, async ({ page }) => {
  await generate(page, "x".repeat(2_001));
  await says(page.locator("#prompt-error"), /at most 2000 are allowed/);
  await becomes(() => page.getByTestId("prompt").getAttribute("aria-invalid"), "true");
});

onPage("a word the model was never taught is warned of", {}, async ({ page }) => {
  await generate(page, "red zeppelin");
  await says(page.getByTestId("warning"), /zeppelin/);
  await print(page, "succeeded").waitFor();
});

onPage("a prompt with markup is shown as text", { server: { workers: 0 } }, async ({ page }) => {
  await generate(page, "<img src=x onerror=alert(1)>");
  await says(page.getByTestId("job"), /<img src=x onerror=alert\(1\)>/);
  assert.equal(await page.locator("img[src=x]").count(), 0);
});

onPage("a draft survives a reload", {}, async ({ page }) => {
  await page.getByTestId("prompt").fill("a green owl");
  await page.reload();
  await becomes(() => page.getByTestId("prompt").inputValue(), "a green owl");
});

onPage("a press while another request is on its way is sent after it, as the form was then", { server: { workers: 0 } }, async ({ page, server }) => {
  let asked = 0;
  await page.route("**/generate", async (route) => {
    asked += 1;
    if (asked === 1) await new Promise((done) => setTimeout(done, 600));
    await route.continue();
  });
  for (const prompt of ["red heart", "blue car"]) {
    await page.getByTestId("prompt").fill(prompt);
    await page.getByTestId("prompt").press("Control+Enter");
  }
  await page.getByTestId("prompt").fill("rocket");
  await counts(page.getByTestId("job"), 2);
  const prompts = (await server.call("GET", "jobs")).items.map(({ request }) => request.prompt);
  assert.deepEqual(prompts, ["blue car", "red heart"]);
});
