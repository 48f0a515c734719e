// Headless Chromium, and a page in it that remembers what went wrong.

import { after, test } from "node:test";
import assert from "node:assert/strict";
import { launchChromium } from "./chromium.mjs";
import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { Server } from "./server.mjs";

let browser;
/** The browser of this file's tests, another one where it has crashed. */
async function launch() {
  if (!browser?.isConnected()) browser = await launchChromium();
  return browser;
}
after(() => browser?.close());

/** Asked for on every visit; that it is there has a test of its own, so that one cause fails one test. */
const CONFIG = /\/config\.json/;

/** How long something is waited for, in milliseconds. */
const PATIENCE_MS = 20_000;

/** A drawing that takes long enough to be met on its way. */
export const LONG = { prompt: "red heart", steps: 50, count: 8 };

/**
 * One test with a server and a page of its own, which must end without an error in the console.
 * @param {string} name
 * @param {{server?: object, page?: object, path?: string, before?: (server: Server) => Promise<unknown>, mayFail?: RegExp}} options
 *   `before` prepares the server for the visit; `mayFail` is what the console may say.
 * @param {(tools: {page: import("playwright-core").Page, server: Server}) => Promise<void>} run
 */
export function onPage(name, options, run) {
  test(name, { timeout: 90_000 }, async () => {
    const server = await Server.start(options.server);
    let context;
    try {
      context = await (await launch()).newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce", ...options.page });
      const page = await context.newPage();
      page.setDefaultTimeout(PATIENCE_MS);
      if (process.env.TINTYPE_SLOW) await slowDown(page);
      const errors = [];
      page.on("console", (message) => message.type() === "error" && errors.push(`${message.text()} (${message.location().url})`));
      page.on("pageerror", (error) => errors.push(String(error)));
      await options.before?.(server);
      await page.goto(server.url + (options.path ?? ""));
      await run({ page, server });
      assert.deepEqual(errors.filter((error) => ![CONFIG, options.mayFail].some((known) => known?.test(error))), []);
    } finally {
      await context?.close();
      await server.stop();
    }
  });
}

/** A slow processor and a server that is far away. */
async function slowDown(page) {
  const devtools = await page.context().newCDPSession(page);
  await devtools.send("Emulation.setCPUThrottlingRate", { rate: 4 });
  await devtools.send("Network.enable");
  await devtools.send("Network.emulateNetworkConditions", { offline: false, latency: 150, downloadThroughput: -1, uploadThroughput: -1 });
}

/** Waits until a locator's text matches. */
export async function says(locator, pattern) {
  await locator.filter({ hasText: pattern }).first().waitFor();
}

/** Waits until there are so many. */
export async function counts(locator, count) {
  if (count === 0) return locator.first().waitFor({ state: "detached" });
  await locator.nth(count).waitFor({ state: "detached" });
  await locator.nth(count - 1).waitFor();
  assert.equal(await locator.count(), count);
}

/** Waits until the page hears of events. */
export const live = (page) => page.locator('[data-testid=connection][data-state=live]').waitFor();
/** The print of a job in this state. */
export const print = (page, status) => page.locator(`[data-testid=job][data-status=${status}]`);
/** Types a prompt and asks for it. */
export async function generate(page, prompt) {
  await page.getByTestId("prompt").fill(prompt);
  await page.getByTestId("generate").click();
}
/** Waits until a picture has been loaded, and has pixels. */
export const loaded = (locator) => becomes(() => locator.evaluate((image) => image.complete && image.naturalWidth > 0), true);

/** Waits until what is read equals this, matches it, or fulfils it. */
export async function becomes(read, expected) {
  for (const end = Date.now() + PATIENCE_MS; ; await sleep(20)) {
    const value = await read();
    if (typeof expected === "function" ? expected(value) : expected instanceof RegExp ? expected.test(value) : isDeepStrictEqual(value, expected)) return;
    if (Date.now() > end) assert.deepEqual(value, expected);
  }
}

/** Does something, and waits until the server has answered what it asks of this path. */
export async function answered(page, path, act) {
  await Promise.all([page.waitForResponse((answer) => new URL(answer.url()).pathname === path), act()]);
}
