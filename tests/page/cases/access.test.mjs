// Every main view for everyone: axe-core has nothing to say, by day and by night, wide and on a phone.

import { generate, live, onPage, says } from "../browser.mjs";
import { isAccessible } from "../axe.mjs";
import { png } from "../png.mjs";

const PHONE = { viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true };
const WIDE = { viewport: { width: 1440, height: 900 } };

const filled = async (server) => {
  const { id } = await server.call("POST", "collections", { name: "Best" });
  for (const prompt of ["red heart", "blue car", "rocket"]) {
    const { id: parent } = await server.saved({ prompt, steps: 2, seed: 3 });
    await server.call("PATCH", `images/${parent}`, { tags: ["icons"], collections: [id], rating: 3 });
  }
  for (const shade of [20, 220]) await server.upload(png({ width: 300, height: 200, shade }), { title: `shade ${shade}`, favorite: true });
  const gone = await server.upload(png({ shade: 3 }), { title: "gone" });
  await server.call("DELETE", `images/${gone.id}`);
};

const close = async (page, testid) => {
  await page.keyboard.press("Escape");
  await page.getByTestId(testid).waitFor({ state: "hidden" });
};
/** Each leads to a view and gives its name. */
const VIEWS = {
  "the whole page": async (page) => says(page.getByTestId("library-count"), /5/),
  "the filters, with chips": async (page) => {
    await page.getByTestId("filters").click();
    await page.getByTestId("filter-tag").fill("icons");
    await page.getByTestId("chip").waitFor();
    await says(page.getByTestId("library-count"), /3/);
  },
  "a selection": async (page) => {
    await page.getByTestId("saved-image").first().getByTestId("select").evaluate((button) => button.click());
    await page.getByTestId("saved-image").nth(1).getByTestId("select").evaluate((button) => button.click());
    await page.getByTestId("selection").waitFor();
  },
  "the tags of a selection": async (page) => {
    await page.getByTestId("bulk-tags").click();
    await page.getByTestId("choice").first().waitFor();
  },
  "two pictures compared": async (page) => {
    await close(page, "pick");
    await page.getByTestId("bulk-compare").click();
    await page.getByTestId("compare-slider").waitFor();
  },
  "one picture": async (page) => {
    await close(page, "compare-view");
    await page.getByTestId("selection-clear").click();
    await page.getByTestId("saved-image").first().getByRole("link").click();
    await page.getByTestId("viewer").waitFor();
  },
  "the keys": async (page) => {
    await close(page, "viewer");
    await page.evaluate(() => scrollTo(0, 0));
    await page.getByTestId("keys-open").click();
  },
  "a new collection": async (page) => {
    await close(page, "keys");
    await page.locator("#collection-new").evaluate((button) => button.click());
  },
  "a file that is looked at": async (page) => {
    await close(page, "collection-form");
    await page.getByTestId("recall-file").setInputFiles({ name: "a.png", mimeType: "image/png", buffer: png({ width: 40, height: 40, shade: 99 }) });
    await page.getByTestId("recall").waitFor();
  },
  "nothing found": async (page) => {
    await close(page, "recall");
    await page.getByTestId("find").fill("zeppelin");
    await page.getByTestId("library-note").waitFor();
  },
  "the trash": async (page) => {
    await page.evaluate(() => {
      location.hash = "#trash";
    });
    await says(page.getByTestId("library-count"), /1/);
  },
};

for (const colorScheme of ["light", "dark"]) for (const [width, size] of [["wide", WIDE], ["phone", PHONE]]) {
  onPage(`${colorScheme}, ${width}: axe finds nothing on a first visit, nor while a picture is drawn`, { page: { ...size, colorScheme } }, async ({ page }) => {
    await live(page);
    await page.getByTestId("example").first().waitFor();
    await isAccessible(page, "a first visit");
    await generate(page, "red zeppelin");
    await page.locator("[data-testid=job][data-status=succeeded]").waitFor();
    await isAccessible(page, "a print");
    await page.getByTestId("vocabulary-open").click();
    await isAccessible(page, "what the model knows");
  });

  onPage(`${colorScheme}, ${width}: axe finds nothing in the library`, { page: { ...size, colorScheme }, before: filled }, async ({ page }) => {
    for (const [name, go] of Object.entries(VIEWS)) {
      await go(page);
      await isAccessible(page, name);
    }
  });
}

onPage("what happens is said to those who listen", { before: filled }, async ({ page }) => {
  await page.getByTestId("saved-image").first().getByTestId("select").click();
  await says(page.locator("#announce"), /1 picture is selected/);
  await page.keyboard.press("Escape");
  await says(page.locator("#announce"), /Nothing is selected/);
});

onPage("what happens is said inside a dialog that hides the page", {}, async ({ page }) => {
  await generate(page, "red heart");
  await page.getByTestId("result").click();
  await page.getByTestId("viewer").getByTestId("save").click();
  await says(page.locator("#viewer #announce"), /Saved/);
});
