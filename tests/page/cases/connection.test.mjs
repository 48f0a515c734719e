// A server that goes and comes back, and one that asks for a key.

import assert from "node:assert/strict";
import { LONG, becomes, counts, generate, live, onPage, print, says } from "../browser.mjs";

const AWAY = /ERR_CONNECTION|ERR_INTERNET_DISCONNECTED|WebSocket connection|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE|ERR_NETWORK/;

onPage("a page whose server died says so, comes back by itself and catches up", { mayFail: AWAY }, async ({ page, server }) => {
  await live(page);
  await server.call("POST", "generate", { ...LONG, count: 2 });
  await page.reload();
  await says(page.getByTestId("state"), /Step/);
  await server.kill();
  await page.locator('[data-testid=connection]:not([data-state=live])').waitFor();
  await server.restart();
  await live(page);
  await print(page, "succeeded").waitFor();
});

onPage("what was saved before the server died is there after it came back", { mayFail: AWAY }, async ({ page, server }) => {
  await generate(page, "red heart");
  await page.getByTestId("job").getByTestId("save").click();
  await counts(page.getByTestId("saved-image"), 1);
  await server.kill();
  await server.restart();
  await page.reload();
  await counts(page.getByTestId("saved-image"), 1);
});

onPage("a picture that another client saved meanwhile is shown once the page is live again", { mayFail: AWAY }, async ({ page, server }) => {
  await live(page);
  await page.context().setOffline(true);
  await server.kill();
  await page.locator('[data-testid=connection]:not([data-state=live])').waitFor();
  await server.restart();
  await server.saved({ prompt: "blue car", steps: 1 });
  await page.context().setOffline(false);
  await live(page);
  await counts(page.getByTestId("saved-image"), 1);
});

onPage("a key is asked for, a wrong one is refused in words, the right one opens", { server: { key: "tt_the-key" }, mayFail: /401/ }, async ({ page, server }) => {
  await page.getByTestId("key").fill("tt_a-guess");
  await page.getByTestId("key-submit").click();
  await says(page.locator("#key-error"), /doesn’t know that key/);
  await page.getByTestId("key").fill("tt_the-key");
  await page.getByTestId("key-submit").click();
  await live(page);
  await generate(page, "red heart");
  await print(page, "succeeded").waitFor();
  await becomes(async () => (await server.call("GET", "jobs")).items.length, 1);
});

onPage("a key is kept for the tab and can be forgotten", { server: { key: "tt_the-key" }, mayFail: /401/ }, async ({ page }) => {
  await page.getByTestId("key").fill("tt_the-key");
  await page.getByTestId("key-submit").click();
  await live(page);
  await page.reload();
  await live(page);
  await page.locator("#forget-key").click();
  await page.getByTestId("key-form").waitFor();
  await becomes(() => page.evaluate(() => JSON.stringify({ ...localStorage, ...sessionStorage }).includes("tt_the-key")), false);
});

onPage("a WebSocket with an address of its own is opened with a ticket, again after it was cut", { server: { key: "tt_the-key" }, mayFail: new RegExp(`401|${AWAY.source}`) }, async ({ page, server }) => {
  const sockets = [];
  page.on("websocket", (socket) => sockets.push(socket.url()));
  const config = { websocket: `ws://${server.address}/ws` };
  await page.route("**/config.json", (route) => route.fulfill({ json: config }));
  await page.reload();
  await page.getByTestId("key").fill("tt_the-key");
  await page.getByTestId("key-submit").click();
  await live(page);
  await generate(page, "red heart");
  await print(page, "succeeded").waitFor();
  await server.kill();
  await page.locator('[data-testid=connection]:not([data-state=live])').waitFor();
  await server.restart();
  await live(page);
  const tickets = sockets.map((url) => new URL(url).searchParams.get("ticket") ?? "");
  assert.ok(tickets.length >= 2 && tickets.every((ticket) => ticket.startsWith("ticket_")), sockets.join());
  assert.equal(new Set(tickets).size, tickets.length);
});
