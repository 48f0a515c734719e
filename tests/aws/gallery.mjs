// The deployed gallery in headless Chromium, under the names that AWS gave it: the page from the CDN asks for a key, opens its
// WebSocket with a ticket, asks for a picture and shows it, without a word of complaint in the console.
//
//     node gallery.mjs GALLERY_URL EMULATOR_URL API_KEY CERTIFICATE KEY
//
// The browser finds every host of AWS at a door of ours, which calls the emulator by the names it listens to. CHROMIUM names
// another browser.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import https from "node:https";
import tls from "node:tls";
import { chromium } from "../page/node_modules/playwright-core/index.mjs";

const [gallery, emulator, apiKey, certificate, key] = process.argv.slice(2);
const { hostname, port } = new URL(emulator);
const behind = { host: hostname, port, rejectUnauthorized: false };
const AWS = [/^([a-z0-9]+\.cloudfront)\.net$/, /^([a-z0-9]+\.execute-api)\.[a-z0-9-]+\.amazonaws\.com$/];

/** The emulator's name of a host of AWS. */
function here(host) {
  const known = AWS.map((pattern) => host.match(pattern)).find(Boolean);
  assert(known, `the page asked for ${host}`);
  return `${known[1]}.${hostname}:${port}`;
}

const door = https.createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (request, response) => {
  const headers = { ...request.headers, host: here(request.headers.host) };
  const onward = https.request({ ...behind, method: request.method, path: request.url, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  onward.on("error", () => response.destroy());
  request.pipe(onward);
});
door.on("upgrade", (request, socket, head) => {
  const headers = Object.entries({ ...request.headers, host: here(request.headers.host) });
  const onward = tls.connect({ ...behind, port: Number(port) }, () => {
    onward.write(`GET ${request.url} HTTP/1.1\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`);
    onward.write(head);
    onward.pipe(socket).pipe(onward);
  });
  for (const end of [socket, onward]) end.on("error", () => {});
});
await new Promise((listening) => door.listen(0, "127.0.0.1", listening));

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    `--host-resolver-rules=MAP * 127.0.0.1:${door.address().port}`],
});
try {
  const page = await (await browser.newContext({ ignoreHTTPSErrors: true })).newPage();
  page.setDefaultTimeout(30_000);
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(`${message.text()} (${message.location().url})`));
  page.on("pageerror", (error) => complaints.push(String(error)));
  const heard = [];
  page.on("websocket", (socket) => {
    assert.match(socket.url(), /^wss:\/\/[a-z0-9]+\.execute-api\..*\?ticket=/);
    socket.on("framereceived", ({ payload }) => heard.push(JSON.parse(String(payload)).type));
  });

  await page.goto(gallery);
  await page.getByTestId("key").fill(apiKey);
  await page.getByTestId("key-submit").click();
  await page.locator("[data-testid=connection][data-state=live]").waitFor();
  await page.getByTestId("prompt").fill("a picture for the gallery");
  await page.getByTestId("generate").click();
  await page.locator("[data-testid=job][data-status=succeeded]").first().waitFor();
  const shown = page.getByTestId("result-picture").first();
  await shown.waitFor();
  assert(await shown.evaluate(async (image) => (await image.decode(), image.naturalWidth > 0)));
  assert(heard.includes("job.succeeded"), `the WebSocket said: ${heard}`);
  // The first question is asked without a key, and answered so.
  assert.deepEqual(complaints.filter((complaint) => !/status of 401/.test(complaint)), []);
  console.log(`the WebSocket said: ${heard}`);
} finally {
  await browser.close();
  door.closeAllConnections();
  door.close();
}
