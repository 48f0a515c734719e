// Everything without a mouse.

import assert from "node:assert/strict";
import { becomes, counts, onPage, print, says } from "../browser.mjs";

const two = async (server) => {
  await server.saved({ prompt: "red heart", steps: 1 });
  await server.saved({ prompt: "blue car", steps: 1 });
};

onPage("Ctrl+Enter generates", {}, async ({ page }) => {
  await page.getByTestId("prompt").fill("red heart");
  await page.getByTestId("prompt").press("Control+Enter");
  await print(page, "succeeded").waitFor();
});

onPage("single keys lead to the search and to the prompt, unless they are switched off", {}, async ({ page }) => {
  await page.locator("#desk-empty .lead").waitFor();
  const focused = () => page.evaluate(() => document.activeElement.id);
  await page.keyboard.press("/");
  await becomes(focused, "find");
  await page.getByTestId("keys-open").focus();
  await page.keyboard.press("p");
  await becomes(focused, "prompt");
  await page.getByTestId("keys-open").click();
  await page.getByTestId("keys-single").uncheck();
  await page.keyboard.press("Escape");
  await page.keyboard.press("/");
  await becomes(focused, "keys-open");
});

onPage("a question mark shows all keys", {}, async ({ page }) => {
  await page.locator("#desk-empty .lead").waitFor();
  await page.keyboard.press("?");
  await says(page.getByTestId("keys"), /Favourite/);
  await page.keyboard.press("Escape");
  await page.getByTestId("keys").waitFor({ state: "hidden" });
});

onPage("arrows turn the pictures and Escape closes them", { before: two }, async ({ page }) => {
  await counts(page.getByTestId("saved-image"), 2);
  await page.getByTestId("saved-image").first().getByRole("link", { name: "Open" }).press("Enter");
  await says(page.locator("#viewer-title"), /blue car/);
  await page.keyboard.press("ArrowRight");
  await says(page.locator("#viewer-title"), /red heart/);
  await page.keyboard.press("ArrowLeft");
  await says(page.locator("#viewer-title"), /blue car/);
  await page.keyboard.press("Escape");
  await page.getByTestId("viewer").waitFor({ state: "hidden" });
});

onPage("the focus comes back to the picture that was open", { before: two }, async ({ page }) => {
  await counts(page.getByTestId("saved-image"), 2);
  await page.getByTestId("saved-image").first().getByRole("link", { name: "Open" }).press("Enter");
  await page.keyboard.press("Escape");
  await becomes(() => page.evaluate(() => document.activeElement.getAttribute("aria-label")), /Open blue car/);
});

onPage("every control that can be reached has a name", { before: two }, async ({ page }) => {
  await counts(page.getByTestId("saved-image"), 2);
  const nameless = await page.locator("button:visible, a:visible, input:visible, textarea:visible, select:visible").evaluateAll((controls) =>
    controls.filter((one) => !(one.getAttribute("aria-label") || one.textContent.trim() || one.labels?.length)).map((one) => one.outerHTML));
  assert.deepEqual(nameless, []);
});

const focused = (page) => page.evaluate(() => document.activeElement.getAttribute("aria-label") ?? document.activeElement.textContent);

onPage("the focus stays where a control goes: a chip, the bar, the last picture", { before: two }, async ({ page, server }) => {
  await page.goto(`${server.url}#favorite=false&rating=1`);
  await page.reload();
  await counts(page.getByTestId("chip"), 2);
  await page.getByTestId("chip").first().press("Enter");
  await counts(page.getByTestId("chip"), 1);
  assert.match(await focused(page), /1 stars or more/);
  await page.getByTestId("chip").press("Enter");
  await counts(page.getByTestId("saved-image"), 2);
  assert.equal(await page.evaluate(() => document.activeElement.id), "find");

  await page.getByTestId("saved-image").nth(1).getByRole("link").press("Space");
  await page.getByTestId("selection-clear").press("Enter");
  assert.match(await focused(page), /Open red heart/);
  await page.keyboard.press("Delete");
  await counts(page.getByTestId("saved-image"), 1);
  assert.match(await focused(page), /Open blue car/);
  await page.keyboard.press("Delete");
  await counts(page.getByTestId("saved-image"), 0);
  assert.equal(await page.evaluate(() => document.activeElement.id), "find");
});

onPage("the focus stays on the desk when a result is saved and when it is discarded", {}, async ({ page }) => {
  for (const [testid, follows] of [["save", /Download red heart/], ["discard", /New/]]) {
    await page.getByTestId("prompt").fill("red heart");
    await page.getByTestId("prompt").press("Control+Enter");
    await page.getByTestId(testid).waitFor();
    await page.getByTestId(testid).press("Enter");
    await page.getByTestId(testid).waitFor({ state: "hidden" });
    assert.match(await focused(page), follows);
    if (testid === "save") await page.getByTestId("put-away").press("Enter");
  }
});
