// What is told of one picture beside it: what it was made with, where it came from, what its owner says of it.

import * as address from "./address.js";
import * as collections from "./collections.js";
import { titleOf } from "./composer.js";
import { byId, h } from "./dom.js";
import { icon } from "./icons.js";
import * as organise from "./organise.js";
import { isSmall, size } from "./pictures.js";

const FORMATS = { "image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WebP" };
const RELATIONS = { remix: "Remix of", variant: "Variant of" };
const STARS = [1, 2, 3, 4, 5];

let drawn = "";

/** @param {any} one @param {number} scale How large it is shown. */
export function drawFacts(one, scale) {
  const { request } = one;
  const enlarged = scale > 1 && isSmall(one) ? `, shown at ${Number(scale.toFixed(1))}×` : scale < 1 ? `, shown at ${Math.round(scale * 100)} %` : "";
  const facts = [
    ["Size", `${one.width} × ${one.height} pixels${enlarged}`],
    ["Prompt", one.title && one.prompt],
    ["Negative prompt", request?.negative_prompt],
    ["Model", request && titleOf(request.model)],
    ["Steps", request?.steps],
    ["Guidance", request?.guidance_scale],
    ["Scheduler", request?.scheduler],
    ["Seed", one.seed],
    [RELATIONS[one.parent?.relation] ?? "Made from", one.parent && (() => parentLink(one.parent))],
    ["File", `${FORMATS[one.content_type] ?? one.content_type}, ${size(one.bytes)}`],
    [one.saved_at ? "Saved" : "Made", one.made_at && new Date(one.made_at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" })],
    ["Rating", one.saved_at && !one.trashed_at && (() => stars(one))],
    ["Tags", one.tags?.map((tag) => `#${tag}`).join(" ")],
    ["Collections", one.collections?.map(collections.nameOf).join(", ")],
    ["Note", one.note],
  ].filter(([, value]) => value != null && value !== "" && value !== false);
  const state = JSON.stringify([one.key, one.rating, facts.map(([name, value]) => [name, typeof value === "function" ? "" : value])]);
  if (state === drawn) return;
  drawn = state;
  const held = document.activeElement?.closest("#viewer-facts [data-star]")?.dataset.star;
  byId("viewer-facts").replaceChildren(...facts.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, typeof value === "function" ? value() : String(value))]));
  if (held) byId("viewer-facts").querySelector(`[data-star="${held}"]`)?.focus();
}

const parentLink = ({ id }) => h("a", { href: address.link({ ...address.read(), picture: id }), "data-testid": "parent" }, "the picture it was made from");

function stars({ id, rating }) {
  const star = (n) => {
    const click = () => organise.edit([id], { rating: n === rating ? 0 : n });
    return h("button", { type: "button", class: n <= (rating ?? 0) ? "pip on" : "pip", "data-star": n, "aria-label": n === 1 ? "1 star" : `${n} stars`, "aria-pressed": String(n === rating), click, "data-testid": `rate-${n}` }, icon("star"));
  };
  return h("div", { class: "pips", role: "group", "aria-label": "Rating" }, ...STARS.map(star));
}
