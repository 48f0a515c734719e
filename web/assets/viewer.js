// One picture, large, with what it was made with. It shows any list that can name its pictures and what can be done with one.

import { getImage } from "./api.js";
import * as compare from "./compare.js";
import { byId, closable, h, setText } from "./dom.js";
import { drawFacts } from "./facts.js";
import { icon } from "./icons.js";
import { singleKeys } from "./keys.js";
import { scaleFor, show } from "./pictures.js";
import { complain } from "./toasts.js";
import { makeZoom } from "./zoom.js";

/**
 * @typedef {{icon: any, label: string, testid: string, run: () => void, title?: string, main?: boolean, pressed?: boolean, disabled?: boolean, leave?: boolean}} Act
 * @typedef {{count: () => number, indexOf: (key: string) => number, at: (index: number) => any, find: (key: string) => any, read: (index: number) => Promise<unknown>,
 *   freshUrl: (picture: any) => Promise<string>, actions: (picture: any) => (Act | false)[], isSaved?: boolean, turned?: (key: string) => void, closed?: () => void}} Source
 */

const dialog = byId("viewer");
const stage = byId("viewer-stage");
const picture = byId("viewer-picture");
const previous = byId("viewer-previous");
const next = byId("viewer-next");
const actions = byId("viewer-actions");

/** @type {Source | null} */
let source = null;
let shownKey = "";
/** Where it stands in its list; -1 for one that is not in it. */
let place = -1;
/** Where turns lead whose pictures are still read; the next turn goes on from there. @type {number | null} */
let ahead = null;
let due = 0;
/** Whether the address knows already that it closes. */
let isLeaving = false;
/** What the buttons say now: they are made anew only where that differs, so that no press is lost. */
let offered = "";
let zoom = /** @type {ReturnType<typeof makeZoom> | null} */ (null);

export function start() {
  closable(dialog);
  dialog.querySelector("[data-close]").append(icon("close"));
  for (const [button, name, run] of [[previous, "back", () => turn(-1)], [next, "on", () => turn(1)], [byId("viewer-larger"), "plus", () => zoom.larger()], [byId("viewer-smaller"), "minus", () => zoom.smaller()], [byId("viewer-whole"), "whole", () => zoom.reset()]]) {
    button.append(icon(name));
    button.addEventListener("click", run);
  }
  zoom = makeZoom(stage, picture, { swipe: turn, changed: told, whole: () => 1 / baseScale() });
  dialog.addEventListener("keydown", press);
  dialog.addEventListener("close", closed);
  picture.addEventListener("lost", () => {
    byId("viewer-broken").hidden = false;
  });
  new ResizeObserver(() => source && (fit(), zoom.reset())).observe(stage);
}

/** The key of the saved picture that is shown; empty if none is. */
export const key = () => (source?.isSaved ? shownKey : "");

function press(event) {
  if (event.target.matches("input, textarea, select") || event.ctrlKey || event.metaKey || event.altKey) return;
  const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (zoom.press(event.key)) event.preventDefault();
  else if (by) {
    event.preventDefault();
    turn(by);
  } else if (source?.isSaved && /^[fntcs]$|^Delete$/.test(event.key)) {
    if (event.key !== "Delete" && !singleKeys()) return;
    const testid = { f: "favorite", n: "title", t: "tags", c: "collections", s: "similar", Delete: "delete" }[event.key];
    actions.querySelector(`[data-testid="${testid}"]`)?.click();
  }
}

function closed() {
  const left = source;
  source = null;
  offered = "";
  if (!isLeaving) left?.closed?.();
  isLeaving = false;
}

/** @param {Source} from @param {string} which The key of the picture to begin with. */
export function open(from, which) {
  source = from;
  shownKey = which;
  place = from.indexOf(which);
  ahead = null;
  if (!dialog.open) dialog.showModal();
  byId("viewer-title").focus({ preventScroll: true });
  draw();
}

/** Closes it where it shows a saved picture: the address does not name one any more. */
export function closeSaved() {
  if (!source?.isSaved) return;
  isLeaving = true;
  dialog.close();
}

async function turn(by) {
  const from = source;
  const to = (ahead ?? place) + by;
  if (!from || to < 0 || to >= from.count()) return;
  ahead = to;
  if (!from.at(to)) await from.read(to).catch(complain);
  // Turned further meanwhile, or closed.
  if (source !== from || ahead !== to) return;
  ahead = null;
  const one = from.at(to);
  if (!one) return;
  shownKey = one.key;
  place = to;
  draw();
  from.turned?.(one.key);
}

/** Brings what is shown up to date with its list, at the next frame. */
export function refresh() {
  if (source) due ||= requestAnimationFrame(draw);
}

/** Shows the picture; where it has left its list, its neighbour; where there is none, nothing any more. */
function draw() {
  cancelAnimationFrame(due);
  due = 0;
  if (!source) return;
  const one = current();
  if (!one) return dialog.close();
  const from = source;
  if (picture.dataset.shown !== one.sha256) {
    byId("viewer-broken").hidden = true;
    zoom.reset();
  }
  show(picture, one.url, one, one.sha256, () => from.freshUrl(one));
  picture.alt = one.title ?? one.prompt ?? "Untitled picture";
  picture.dataset.width = one.width;
  picture.dataset.height = one.height;
  fit();
  setText(byId("viewer-title"), one.title ?? one.prompt ?? "Untitled picture");
  drawActions(actsOf(one));
  told();
  previous.disabled = !isListed() || place === 0;
  next.disabled = !isListed() || place + 1 >= source.count();
}

const isListed = () => source.indexOf(shownKey) >= 0;

function current() {
  const at = source.indexOf(shownKey);
  if (at >= 0) place = at;
  const one = at >= 0 ? source.at(at) : (source.find(shownKey) ?? source.at(Math.min(place, source.count() - 1)));
  if (one && one.key !== shownKey) {
    shownKey = one.key;
    source.turned?.(one.key);
  }
  return one;
}

/** With the picture it was made from, else with the next one. */
function comparison(one) {
  if (!source.isSaved || one.trashed_at) return false;
  const other = source.at(place + 1) ?? source.at(place - 1);
  if (!one.parent && (!other || !isListed())) return false;
  const run = async () => compare.open(one.parent ? await getImage(one.parent.id) : other, one);
  return { icon: "compare", label: "Compare", testid: "compare", title: one.parent ? "With the picture it was made from" : "With its neighbour", run: () => run().catch(complain) };
}

const truth = () => ({ width: Number(picture.dataset.width), height: Number(picture.dataset.height) });

function baseScale() {
  const size = truth();
  if (!size.width || !stage.clientWidth) return 1;
  // The padding keeps room for the buttons.
  const { paddingLeft, paddingRight, paddingTop, paddingBottom } = getComputedStyle(stage);
  return scaleFor(size, stage.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight), stage.clientHeight - parseFloat(paddingTop) - parseFloat(paddingBottom));
}

/** Sizes the picture to its stage. */
function fit() {
  const size = truth();
  const scale = baseScale();
  picture.style.width = `${size.width * scale}px`;
  picture.style.height = `${size.height * scale}px`;
}

/** Says how large it is shown. */
function told() {
  const one = source && current();
  if (!one) return;
  const scale = zoom.scale();
  byId("viewer-smaller").disabled = scale <= 1;
  byId("viewer-whole").disabled = scale <= 1;
  drawFacts(one, baseScale() * scale);
}

/** What can be done with a picture, as it is now. @returns {Act[]} */
const actsOf = (one) => [...source.actions(one), comparison(one)].filter(Boolean);

/** The buttons outlive the versions of the picture: what they do is asked for when they are pressed. */
function act(testid) {
  const one = source?.find(shownKey);
  const wanted = one && actsOf(one).find((other) => other.testid === testid);
  if (!wanted || wanted.disabled) return;
  if (wanted.leave) dialog.close();
  wanted.run();
}

function drawActions(list) {
  const wanted = JSON.stringify([shownKey, list]);
  if (wanted === offered) return;
  offered = wanted;
  const focused = document.activeElement?.closest("#viewer-actions button")?.dataset.testid;
  actions.replaceChildren(...list.map(({ icon: name, label, testid, title, main, pressed, disabled }) =>
    h("button", { type: "button", class: main ? "plain main" : "plain", click: () => act(testid), disabled, title, "aria-pressed": pressed === undefined ? null : String(pressed), "data-testid": testid }, icon(name), label)));
  if (focused) (actions.querySelector(`[data-testid="${focused}"]:not(:disabled)`) ?? byId("viewer-title")).focus();
}
