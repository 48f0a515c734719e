// How pictures fill lines. Pure geometry: it knows widths and heights, no elements and no records.

/** Up to so much more space, in pixels, stands between small pictures that are kept at a whole multiple of their size. */
const WIDEST_GAP = 40;
/** A line that is not filled is no taller than it should be; a filled one may be, by this much. */
const TALLEST = 1.7;

/**
 * Breaks a run of pictures into lines that are all filled: of all ways, the one whose heights differ least from `target`.
 * @param {number[]} ratios Width by height of each.
 * @param {{width: number, gap: number, target: number, isEnd: boolean}} room `isEnd`: the last line may stay short.
 * @returns {{from: number, to: number, height: number}[]}
 */
export function linesOf(ratios, { width, gap, target, isEnd }) {
  const best = [0];
  const begins = [0];
  for (let to = 1; to <= ratios.length; to += 1) {
    best[to] = Infinity;
    let sum = 0;
    for (let from = to - 1; from >= 0; from -= 1) {
      sum += ratios[from];
      const height = (width - gap * (to - from - 1)) / sum;
      if (height < target * 0.4 && to - from > 1) break;
      const cost = best[from] + costOf(height / target, isEnd && to === ratios.length);
      if (cost < best[to]) {
        best[to] = cost;
        begins[to] = from;
      }
    }
  }
  const lines = [];
  for (let to = ratios.length; to > 0; to = begins[to]) {
    const from = begins[to];
    const sum = ratios.slice(from, to).reduce((all, ratio) => all + ratio, 0);
    const filled = (width - gap * (to - from - 1)) / sum;
    const isShort = isEnd && to === ratios.length && filled > target * 1.25;
    lines.unshift({ from, to, height: isShort ? target : filled });
  }
  return lines;
}

function costOf(scale, mayBeShort) {
  if (scale > 1 && mayBeShort) return 0;
  const off = scale > 1 ? scale - 1 : 1 / scale - 1;
  return off * off * (scale > TALLEST ? 100 : 1) + 1e-4;
}

/**
 * Columns for pictures of one shape. Small ones keep whole pixels where that leaves no wide gaps.
 * @param {number} ratio @param {{width: number, gap: number, target: number}} room @param {number} [whole] The width that is a
 *   whole multiple of their own, for small pictures.
 */
export function columnsOf(ratio, { width, gap, target }, whole = 0) {
  if (whole > 0) {
    const count = Math.max(Math.floor((width + gap) / (whole + gap)), 1);
    const spread = count > 1 ? Math.floor((width - count * whole) / (count - 1)) : gap;
    if (spread <= WIDEST_GAP && count > 1) return { count, cell: whole, gap: spread, height: whole / ratio };
  }
  const count = Math.max(Math.round((width + gap) / (target * ratio + gap)), 1);
  const cell = (width - gap * (count - 1)) / count;
  return { count, cell, gap, height: cell / ratio };
}
