// The months of the list beside it, to jump to by a press, by dragging or by keys.

import { byId, h, setText } from "./dom.js";
import * as grid from "./grid.js";
import * as list from "./list.js";

/** Below so many pictures there is nothing to jump to. */
const FEWEST = 100;
/** Room that a year's mark needs, in pixels. */
const MARK = 28;

const track = byId("scrubber");
const thumb = byId("scrubber-thumb");
const label = byId("scrubber-label");
const marks = byId("scrubber-marks");
/** Where each month begins in the list. @type {{month: string, start: number}[]} */
let months = [];
let drawn = "";
let told = "";
let height = 0;
let held = false;
let due = 0;
let aim = 0;

const words = new Intl.DateTimeFormat("en", { month: "long", year: "numeric", timeZone: "UTC" });
const nameOf = (month) => words.format(new Date(`${month}-01T00:00:00Z`));

export function start() {
  track.addEventListener("pointerdown", (event) => {
    held = true;
    track.setPointerCapture(event.pointerId);
    track.classList.add("held");
    drag(event);
  });
  track.addEventListener("pointermove", (event) => held && drag(event));
  for (const end of ["pointerup", "pointercancel"]) track.addEventListener(end, () => {
    held = false;
    track.classList.remove("held");
  });
  track.addEventListener("keydown", press);
  new ResizeObserver(([entry]) => {
    height = entry.contentRect.height;
    drawMarks();
    follow();
  }).observe(track);
}

/** After the list changed. */
export function draw() {
  const now = `${list.months().length} ${list.total()} ${list.months()[0]?.month}`;
  if (now === drawn) return;
  drawn = now;
  let start = 0;
  months = list.months().map(({ month, count }) => {
    const place = { month, start };
    start += count;
    return place;
  });
  track.hidden = months.length < 2 || list.total() < FEWEST;
  drawMarks();
  follow();
}

const isFirstOfYear = ({ month }, n) => n === 0 || months[n - 1].month.slice(0, 4) !== month.slice(0, 4);

function drawMarks() {
  if (track.hidden || height === 0) return;
  const total = Math.max(list.total(), 1);
  let free = -MARK;
  marks.replaceChildren(...months.flatMap((place, n) => {
    const at = (place.start / total) * height;
    const isYear = isFirstOfYear(place, n) && at - free >= MARK;
    if (isYear) free = at;
    const mark = h("span", { class: isYear ? "year" : "month" }, isYear ? place.month.slice(0, 4) : "");
    mark.style.top = `${at}px`;
    return [mark];
  }));
  track.setAttribute("aria-valuemax", String(total - 1));
}

function monthAt(index) {
  let found = 0;
  for (let n = 1; n < months.length && months[n].start <= index; n += 1) found = n;
  return found;
}

/** Shows where in the list the window is. */
export function follow() {
  if (track.hidden || months.length === 0) return;
  const index = held ? aim : grid.edgeInView().last;
  thumb.style.transform = `translateY(${Math.round((index / Math.max(list.total() - 1, 1)) * height)}px)`;
  track.setAttribute("aria-valuenow", String(index));
  const { month } = months[monthAt(index)];
  if (month === told) return;
  told = month;
  setText(label, nameOf(month));
  track.setAttribute("aria-valuetext", nameOf(month));
}

function drag(event) {
  const { top } = track.getBoundingClientRect();
  const share = Math.min(Math.max((event.clientY - top) / height, 0), 1);
  aim = Math.round(share * (list.total() - 1));
  due ||= requestAnimationFrame(() => {
    due = 0;
    grid.jump(aim);
    follow();
  });
}

function press(event) {
  const { first, last } = grid.edgeInView();
  const here = monthAt(last);
  const year = (by) => {
    for (let n = here + by; n > 0 && n < months.length; n += by) if (isFirstOfYear(months[n], n)) return n;
    return by > 0 ? months.length - 1 : 0;
  };
  const back = first > months[here].start ? here : here - 1;
  const to = { ArrowDown: here + 1, ArrowRight: here + 1, ArrowUp: back, ArrowLeft: back, PageDown: year(1), PageUp: year(-1), Home: 0, End: months.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  grid.jump(months[Math.min(Math.max(to, 0), months.length - 1)].start);
}
