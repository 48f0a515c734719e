// The icons, as strokes on a grid of 20.

const STROKES = {
  back: "M12.5 4.5 7 10l5.5 5.5",
  on: "M7.5 4.5 13 10l-5.5 5.5",
  close: "m5 5 10 10M15 5 5 15",
  check: "m4 10.5 4 4 8-9",
  save: "M5 3.5h10v13l-5-3.5-5 3.5z",
  download: "M10 3.5v9m-3.5-3.5L10 12.5 13.5 9M4 16.5h12",
  trash: "M4 6h12M8 6V4h4v2M6 6l.7 10.5h6.6L14 6",
  star: "m10 3.2 2.1 4.3 4.7.7-3.4 3.3.8 4.7-4.2-2.2-4.2 2.2.8-4.7L3.2 8.2l4.7-.7z",
  reuse: "M4 10a6 6 0 1 1 1.8 4.3M4 15.5v-3h3",
  plus: "M10 4.5v11M4.5 10h11",
  minus: "M4.5 10h11",
  whole: "M4 7.5V4h3.5M16 7.5V4h-3.5M4 12.5V16h3.5M16 12.5V16h-3.5",
  more: "M5 10h.01M10 10h.01M15 10h.01",
  folder: "M3 5.5h5l1.5 2H17v8H3z",
  tag: "M4 4h6l6.5 6.5-6 6L4 10zM7.2 7.2h.01",
  share: "M10 12.5V3.5M6.5 6.5 10 3l3.5 3.5M4.5 10v6.5h11V10",
  compare: "M10 3v14M3.5 5.5h4v9h-4zM12.5 5.5h4v9h-4z",
  variant: "M4 4h8v8H4zM8 15v1h8V8h-1",
  remix: "m4 16 .8-3.4L13.2 4.2l2.6 2.6-8.4 8.4zM11.5 6l2.6 2.6",
  note: "M5 3.5h10v13H5zM7.5 7h5M7.5 10h5M7.5 13h3",
  alike: "M7.5 12.5a4.5 4.5 0 1 1 5-5M12.5 7.5a4.5 4.5 0 1 1-5 5",
  dice: "M4 4h12v12H4zM7.5 7.5h.01M12.5 7.5h.01M7.5 12.5h.01M12.5 12.5h.01M10 10h.01",
};

/** @param {keyof STROKES} name */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("aria-hidden", "true");
  svg.setAttribute("class", "drawn");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", STROKES[name]);
  svg.append(path);
  return svg;
}
