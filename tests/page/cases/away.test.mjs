// What the page says when something can't be had.

import { counts, loaded, live, onPage, says } from "../browser.mjs";

const AWAY = /ERR_CONNECTION|WebSocket connection|ERR_EMPTY_RESPONSE|ERR_INCOMPLETE|ERR_NETWORK|ERR_FAILED|50\d|404/;
const two = async (server) => {
  await server.saved({ prompt: "red heart", steps: 1 });
  await server.saved({ prompt: "blue car", steps: 1 });
};

/** Presses the banner's button, unless the page was quicker and found the server by itself. */
const tryNow = (page) => page.getByTestId("banner-retry").click({ timeout: 1000 }).catch(() => {});

onPage("a server that is gone is told of across the page, and a press tries again", { before: two, mayFail: AWAY }, async ({ page, server }) => {
  await live(page);
  await server.kill();
  await page.getByTestId("banner").waitFor();
  await counts(page.getByTestId("saved-image"), 2);
  await server.restart();
  await tryNow(page);
  await live(page);
  await page.getByTestId("banner").waitFor({ state: "hidden" });
});

onPage("a visit while the server is away comes to life with it", { before: two, mayFail: AWAY }, async ({ page, server }) => {
  // The page itself comes from a cache, as a CDN's would.
  await page.route((url) => /^\/(images|jobs|models|collections)/.test(url.pathname), (route) => route.abort());
  await page.reload();
  await page.getByTestId("banner").waitFor();
  await page.unrouteAll();
  await tryNow(page);
  await counts(page.getByTestId("saved-image"), 2);
  await page.getByTestId("banner").waitFor({ state: "hidden" });
});

onPage("a picture whose bytes are gone says so, in its place and large", { before: two, mayFail: AWAY }, async ({ page }) => {
  await page.route("**/images/*/content*", (route) => route.fulfill({ status: 404 }));
  await page.reload();
  await says(page.getByTestId("saved-image").first(), /can’t be shown/);
  await page.getByTestId("saved-image").first().getByRole("link").click();
  await says(page.locator("#viewer-broken"), /can’t be shown/);
});

onPage("a link that has run out is renewed", { before: two, mayFail: AWAY }, async ({ page }) => {
  let refused = 0;
  await page.route("**/images/*/content*", (route) => ((refused += 1) <= 2 ? route.fulfill({ status: 404 }) : route.continue()));
  await page.reload();
  await counts(page.getByTestId("saved-image"), 2);
  await loaded(page.getByTestId("saved-image").first().locator("img"));
});

onPage("a list that fails offers another try", { before: two, mayFail: AWAY }, async ({ page }) => {
  await counts(page.getByTestId("saved-image"), 2);
  await page.route(/\/images\?/, (route) => route.fulfill({ status: 500, json: { title: "An error" } }));
  await page.getByTestId("find").fill("red");
  await page.getByTestId("library-failed").waitFor();
  await page.unrouteAll();
  await page.getByTestId("library-failed").getByRole("button").click();
  await counts(page.getByTestId("saved-image"), 1);
});

onPage("a change that the server refuses is taken back and told", { before: two, mayFail: AWAY }, async ({ page }) => {
  await page.route("**/images/edit", (route) => route.fulfill({ status: 500, json: { title: "An error" } }));
  await page.getByTestId("saved-image").first().getByTestId("favorite").click();
  await page.getByTestId("toast").waitFor();
  await page.locator("[data-testid=saved-image] [data-testid=favorite][aria-pressed=false]").nth(1).waitFor();
});

onPage("a server without a timeline is shown page by page", { before: two, mayFail: AWAY }, async ({ page }) => {
  await page.route("**/images/timeline*", (route) => route.fulfill({ status: 404 }));
  await page.reload();
  await counts(page.getByTestId("saved-image"), 2);
});

onPage("a page of which one part could not be had is live once it can", { before: two, mayFail: AWAY }, async ({ page }) => {
  await page.route(/\/jobs\?/, (route) => route.fulfill({ status: 500, json: { title: "An error" } }));
  await page.reload();
  await page.getByTestId("banner").waitFor();
  await page.unrouteAll();
  await live(page);
  await page.getByTestId("banner").waitFor({ state: "hidden" });
});
