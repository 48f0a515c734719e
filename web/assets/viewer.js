// One picture, large, with what it was made with. It shows any list that can name its pictures and what can be done with one.

import { byId, closable, h, setText } from "./dom.js";
import { icon } from "./icons.js";
import { isSmall, scaleFor, show, size } from "./pictures.js";
import { titleOf } from "./composer.js";

/**
 * @typedef {{icon: any, label: string, testid: string, run: () => void, main?: boolean, pressed?: boolean, disabled?: boolean, leave?: boolean}} Act
 * @typedef {{items: () => any[], freshUrl: (picture: any) => Promise<string>, more: () => Promise<unknown>, actions: (picture: any) => (Act | false)[]}} Source
 */

const dialog = byId("viewer");
const stage = byId("viewer-stage");
const picture = byId("viewer-picture");
const previous = byId("viewer-previous");
const next = byId("viewer-next");
const actions = byId("viewer-actions");

/** @type {Source | null} */
let source = null;
let key = "";
let place = 0;
let due = 0;
/** What the buttons say now: they are made anew only where that differs, so that no press is lost. */
let offered = "";

export function start() {
  closable(dialog);
  dialog.querySelector("[data-close]").append(icon("close"));
  previous.append(icon("back"));
  next.append(icon("on"));
  previous.addEventListener("click", () => turn(-1));
  next.addEventListener("click", () => turn(1));
  dialog.addEventListener("keydown", (event) => {
    if (event.target.matches("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
    const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    turn(by);
  });
  dialog.addEventListener("close", () => {
    source = null;
    offered = "";
  });
  new ResizeObserver(fit).observe(stage);
}

/** @param {Source} from @param {string} which The key of the picture to begin with. */
export function open(from, which) {
  source = from;
  key = which;
  place = Math.max(from.items().findIndex((one) => one.key === which), 0);
  if (!dialog.open) dialog.showModal();
  byId("viewer-title").focus({ preventScroll: true });
  draw();
}

async function turn(by) {
  if (!source) return;
  if (by > 0 && place + 1 >= source.items().length) await source.more().catch(() => {});
  const items = source?.items() ?? [];
  const to = items[place + by];
  if (!to) return;
  key = to.key;
  draw();
}

/** Brings what is shown up to date with its list, at the next frame. */
export function refresh() {
  if (source) due ||= requestAnimationFrame(draw);
}

/** Shows the picture; where it has left its list, its neighbour. */
function draw() {
  cancelAnimationFrame(due);
  due = 0;
  if (!source) return;
  const items = source.items();
  const at = items.findIndex((one) => one.key === key);
  place = at >= 0 ? at : Math.min(place, items.length - 1);
  const one = items[place];
  if (!one) return dialog.close();
  key = one.key;
  const from = source;
  show(picture, one.url, one, one.sha256, () => from.freshUrl(one));
  picture.alt = one.title ?? one.prompt ?? "Untitled picture";
  picture.dataset.width = one.width;
  picture.dataset.height = one.height;
  const scale = fit();
  setText(byId("viewer-title"), one.title ?? one.prompt ?? "Untitled picture");
  drawActions(source.actions(one).filter(Boolean));
  drawFacts(one, scale);
  previous.disabled = place === 0;
  next.disabled = place + 1 >= items.length;
  if (next.disabled) {
    // There may be more behind the last one.
    const shown = key;
    source.more().then(() => {
      if (source && shown === key) next.disabled = place + 1 >= source.items().length;
    }, () => {});
  }
}

/** Sizes the picture to its stage. @returns {number} the scale */
function fit() {
  const truth = { width: Number(picture.dataset.width), height: Number(picture.dataset.height) };
  if (!truth.width || !stage.clientWidth) return 1;
  // The padding keeps room for the buttons.
  const { paddingLeft, paddingRight, paddingTop, paddingBottom } = getComputedStyle(stage);
  const scale = scaleFor(truth, stage.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight), stage.clientHeight - parseFloat(paddingTop) - parseFloat(paddingBottom));
  picture.style.width = `${truth.width * scale}px`;
  picture.style.height = `${truth.height * scale}px`;
  return scale;
}

function drawActions(list) {
  const wanted = JSON.stringify([key, list]);
  if (wanted === offered) return;
  offered = wanted;
  const focused = document.activeElement?.closest("#viewer-actions button")?.dataset.testid;
  actions.replaceChildren(...list.map((act) => {
    const click = () => {
      if (act.leave) dialog.close();
      act.run();
    };
    const pressed = act.pressed === undefined ? null : String(act.pressed);
    return h("button", { type: "button", class: act.main ? "plain main" : "plain", click, disabled: act.disabled, "aria-pressed": pressed, "data-testid": act.testid }, icon(act.icon), act.label);
  }));
  if (focused) (actions.querySelector(`[data-testid="${focused}"]`) ?? byId("viewer-title")).focus();
}

const FORMATS = { "image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WebP" };

function drawFacts(one, scale) {
  const { request } = one;
  const enlarged = scale > 1 && isSmall(one) ? `, shown at ${scale}×` : scale < 1 ? `, shown at ${Math.round(scale * 100)} %` : "";
  const facts = [
    ["Size", `${one.width} × ${one.height} pixels${enlarged}`],
    ["Prompt", one.title && one.prompt],
    ["Negative prompt", request?.negative_prompt],
    ["Model", request && titleOf(request.model)],
    ["Steps", request?.steps],
    ["Guidance", request?.guidance_scale],
    ["Scheduler", request?.scheduler],
    ["Seed", one.seed],
    ["File", `${FORMATS[one.content_type] ?? one.content_type}, ${size(one.bytes)}`],
    [one.saved_at ? "Saved" : "Made", one.made_at && new Date(one.made_at).toLocaleString([], { dateStyle: "medium", timeStyle: "short" })],
    ["Tags", one.tags?.join(", ")],
    ["Note", one.note],
  ];
  const rows = facts.filter(([, value]) => value != null && value !== "");
  byId("viewer-facts").replaceChildren(...rows.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, String(value))]));
}
