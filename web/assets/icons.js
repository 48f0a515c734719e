// The icons, as strokes on a grid of 20.

const STROKES = {
  back: "M12.5 4.500 7 10l5.500 5.500",
  on: "M7.500 4.500 13 10l-5.500 5.500",
  close: "m5 5 10 10M15 5 5 15",
  check: "m4 10.500 4 4 8-9",
  save: "M5 3.500h10v13l-5-3.500-5 3.500z",
  download: "M10 3.500v9m-3.500-3.500L10 12.500 13.500 9M4 16.500h12",
  trash: "M4 6h12M8 6V4h4v2M6 6l.7 10.500h6.600L14 6",
  star: "m10 3.200 2.100 4.300 4.700.700-3.400 3.300.800 4.700-4.200-2.200-4.200 2.200.800-4.700L3.200 8.200l4.700-.700z",
  reuse: "M4 10a6 6 0 1 1 1.800 4.300M4 15.500v-3h3",
  dice: "M4 4h12v12H4zM7.500 7.500h.01M12.500 7.500h.01M7.500 12.500h.01M12.500 12.500h.01M10 10h.01",
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
