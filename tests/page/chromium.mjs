// Headless Chromium, as every test and measurement starts it.

import { chromium } from "playwright-core";

const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** How often it is started where it falls over at its start, which it has done. */
const TRIES = 3;

/** @param {string[]} [more] Further flags. */
export async function launchChromium(more = []) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: [...FLAGS, ...more] });
    } catch (error) {
      if (tries === TRIES) throw error;
    }
  }
}
