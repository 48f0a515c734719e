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
