// One print on the desk: a job's pictures as they develop, what is told of them, and what can be done. It is built once and
// then changed in place: its size is known from the request, so nothing around it moves, and the focus stays.

import { h, setText } from "./dom.js";
import { icon } from "./icons.js";
import * as jobs from "./jobs.js";
import { show } from "./pictures.js";
import { sentence } from "./api.js";

const ADVICE = {
  rejected: "Change the prompt and generate again.",
  invalid: "Change the prompt or the settings and generate again.",
  throttled: "Retry it in a moment.",
  unavailable: "Retry it in a moment.",
  attempts_exhausted: "Retry it; if that fails too, see the server’s log.",
  denied: "Whoever runs the server must allow it.",
};

/**
 * @param {any} job
 * @param {{open: (id: string, index: number) => void, save: Function, discard: Function, download: Function, cancel: Function, retry: Function, away: Function, saveAll: Function, known: () => void}} acts
 */
export function makePrint(job, acts) {
  const { id, request } = job;
  const plates = Array.from({ length: request.count }, (_, index) => makePlate(job, index, acts));
  const over = h("div", { class: "over", hidden: true });
  const bar = h("progress", { class: "bar", max: 1, value: 0, "aria-label": `Progress of ${request.prompt}`, "data-testid": "progress", hidden: true });
  const state = h("p", { class: "state", "data-testid": "state" });
  const act = h("button", { type: "button", class: "plain" });
  const sheet = h("div", { class: `plates${request.count > 1 ? " several" : ""}` }, ...plates.map((plate) => plate.element), over, bar);
  const line = h("div", { class: "line" }, state);
  const captions = sheet.querySelectorAll("figcaption");
  const element = h(
    "article",
    { class: request.count > 4 ? "print many" : "print", "data-testid": "job", "data-job-id": id, "aria-label": request.prompt },
    sheet,
    h("h3", { class: "words", title: request.prompt }, request.prompt),
    line,
    warningsOf(job, acts),
  );
  // CSSOM, because the policy of the page allows no style attributes.
  element.style.setProperty("--ratio", String(request.width / request.height));
  let action = { label: "", run: () => {}, testid: "" };
  act.addEventListener("click", () => action.run());

  function update(one) {
    element.dataset.status = one.status;
    const shown = one.images.length > 0 ? one.images : plates.map((_, index) => ({ index }));
    plates.forEach((plate) => plate.update(one, shown.find(({ index }) => index === plate.index)));
    const live = one.status === "running";
    bar.hidden = !live;
    if (live) {
      bar.max = one.progress?.steps ?? request.steps * request.count;
      bar.value = one.progress?.step ?? 0;
    }
    setText(over, coverOf(one));
    over.hidden = over.textContent === "";
    over.classList.toggle("bad", one.status === "failed" || one.status === "expired");
    setText(state, stateOf(one));
    action = actionOf(one, acts);
    setText(act, action.label);
    act.hidden = action.label === "";
    act.dataset.testid = action.testid;
    act.setAttribute("aria-label", `${action.label}: ${request.prompt}`);
    // Of a canceled job there is nothing to see.
    sheet.hidden = one.status === "canceled";
    moveTo(sheet.hidden || captions.length > 1 ? line : captions[0], act);
  }

  return { element, update };
}

/** Puts a control at the end of a place; the focus goes with it. */
function moveTo(place, control) {
  if (control.parentNode === place) return;
  const focused = document.activeElement === control;
  place.append(control);
  if (focused) control.focus({ preventScroll: true });
}

function makePlate(job, index, acts) {
  const { id, request } = job;
  const image = h("img", { width: request.width, height: request.height, alt: "", decoding: "async", hidden: true });
  const open = h("button", { type: "button", class: "open", disabled: true, click: () => acts.open(id, index), "data-testid": "result" }, image);
  const gone = h("p", { class: "over", hidden: true }, "This result has expired. Generate it again.");
  const label = request.count > 1 ? `${request.prompt}, picture ${index + 1}` : request.prompt;
  const button = (name, text, testid, run) => h("button", { type: "button", class: "icon", title: text, "aria-label": `${text} ${label}`, click: run, "data-testid": testid }, icon(name));
  const save = h("button", { type: "button", class: "plain save", title: request.count > 1 ? "Save" : null, click: () => acts.save(id, index), "data-testid": "save", "aria-label": `Save ${label}` }, icon("save"), h("span", {}, "Save"));
  const saved = h("span", { class: "saved", "data-testid": "saved" }, icon("check"), h("span", {}, "Saved"));
  const tools = h("div", { class: "tools", hidden: true }, save, saved, button("download", "Download", "download", () => acts.download(id, index)), button("trash", "Discard", "discard", () => acts.discard(id, index)));
  const element = h("figure", { class: "plate" }, h("div", { class: "glass" }, open, gone), h("figcaption", {}, tools));
  let expired = false;
  image.addEventListener("lost", () => {
    expired = true;
    gone.hidden = false;
    image.hidden = true;
    save.disabled = true;
  });

  function update(one, result) {
    const url = result?.url ?? jobs.preview(id, index);
    const fate = jobs.fate(id, index);
    const hasPicture = Boolean(url) && (one.status === "running" || one.status === "succeeded");
    element.hidden = fate === "gone";
    image.hidden = !hasPicture || expired;
    if (hasPicture && result?.url) show(image, url, result, result.sha256, () => jobs.freshUrl(id, index));
    else if (hasPicture) show(image, url, request);
    image.alt = result?.url ? label : `${label}, on its way`;
    image.dataset.testid = result?.url ? "result-picture" : "preview";
    open.disabled = !result?.url;
    open.setAttribute("aria-label", `Open ${label}`);
    tools.hidden = !result?.url;
    save.hidden = fate === "saved";
    saved.hidden = fate !== "saved";
    tools.lastElementChild.hidden = fate === "saved";
  }

  return { element, update, index };
}

function warningsOf({ warnings }, acts) {
  if (!warnings?.length) return null;
  const words = warnings.filter((one) => one.code === "unknown_word" && one.word).map((one) => `“${one.word}”`);
  const others = warnings.filter((one) => one.code !== "unknown_word" || !one.word).map((one) => sentence(one.detail));
  const ignored = `Never taught, so ignored: ${words.join(", ")}.`;
  const see = h("button", { type: "button", class: "link", click: acts.known }, "See what it can draw");
  return h("p", { class: "warning", "data-testid": "warning" }, ...(words.length > 0 ? [h("span", { class: "ignored", title: ignored }, ignored), see, " "] : []), others.join(" "));
}

/** What stands over the plates where there is no picture. */
function coverOf(one) {
  switch (one.status) {
    case "queued":
      return one.error ? `${sentence(one.error.message)} It will be tried again.` : "";
    case "failed":
      return [sentence(one.error?.message ?? "it failed"), ADVICE[one.error?.code] ?? (one.error?.retryable ? "Retry it in a moment." : "")].join(" ").trim();
    case "expired":
      return "It waited past its deadline and was never begun. Retry it.";
    default:
      return "";
  }
}

function stateOf(one) {
  switch (one.status) {
    case "queued": {
      const place = one.queue_position;
      const line = place === undefined ? "Waiting" : place === 1 ? "Next in line" : `Number ${place} in line`;
      return one.eta_s ? `${line}, about ${Math.ceil(one.eta_s)} s` : line;
    }
    case "running":
      return one.progress ? `Step ${one.progress.step} of ${one.progress.steps}` : "Starting";
    case "succeeded": {
      const seconds = (Date.parse(one.finished_at) - Date.parse(one.started_at)) / 1000;
      const size = `${one.request.width} × ${one.request.height}`;
      return seconds > 0 ? `${size}, in ${duration(seconds)}` : size;
    }
    case "failed":
      return "Failed";
    case "expired":
      return "Never begun";
    case "canceled":
      return "Canceled";
    default:
      return one.status;
  }
}

/** @param {number} seconds */
function duration(seconds) {
  if (seconds < 10) return `${Math.max(seconds, 0.1).toFixed(1)} s`;
  return seconds < 100 ? `${Math.round(seconds)} s` : `${Math.round(seconds / 60)} min`;
}

function actionOf(one, acts) {
  const { id } = one;
  if (!jobs.hasEnded(one)) return { label: "Cancel", run: () => acts.cancel(id), testid: "cancel" };
  if (one.status === "failed" || one.status === "expired" || one.status === "canceled") return { label: "Retry", run: () => acts.retry(id), testid: "retry" };
  const open = one.images.filter(({ index }) => !jobs.fate(id, index));
  if (open.length === 0) return { label: "Put away", run: () => acts.away(id), testid: "put-away" };
  if (open.length > 1) return { label: `Save all ${open.length}`, run: () => acts.saveAll(id), testid: "save-all" };
  return { label: "", run: () => {}, testid: "" };
}
