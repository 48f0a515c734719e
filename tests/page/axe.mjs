// What axe-core has to say against a page: https://github.com/dequelabs/axe-core (MPL-2.0), used here only.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const source = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Fails with what is wrong, and where. @param {import("playwright-core").Page} page @param {string} view */
export async function isAccessible(page, view) {
  await page.evaluate(source);
  const violations = await page.evaluate(async () => {
    const { violations } = await globalThis.axe.run(document, { resultTypes: ["violations"] });
    return violations.flatMap(({ id, help, nodes }) => nodes.map(({ target, any, all, none }) => `${id}: ${help}: ${target.join(" ")}: ${[...any, ...all, ...none].map(({ message }) => message)[0]}`));
  });
  assert.deepEqual(violations, [], view);
}
