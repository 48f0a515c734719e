// Looking closer at a picture in its stage: by wheel, pinch, double press, keys and buttons. It moves no element but that one.

/** The closest look: so many times as large as it fits. */
const CLOSEST = 16;
const STEP = 1.4;
/** How far a finger goes to turn to another picture, in pixels. */
const SWIPE = 56;
/** How far a key moves it, in pixels. */
const NUDGE = 80;

/**
 * @param {HTMLElement} stage @param {HTMLElement} picture
 * @param {{swipe: (by: -1 | 1) => void, changed: (scale: number) => void, whole: () => number}} listeners `whole` gives the scale at
 *   which a pixel of the picture is one of the screen.
 */
export function makeZoom(stage, picture, { swipe, changed, whole }) {
  let scale = 1;
  let x = 0;
  let y = 0;
  /** @type {Map<number, {x: number, y: number}>} */
  const fingers = new Map();
  let swiped = 0;

  function apply() {
    const room = (side, length) => Math.max((length * scale - side) / 2, 0);
    const [wide, high] = [room(stage.clientWidth, picture.offsetWidth), room(stage.clientHeight, picture.offsetHeight)];
    x = Math.min(Math.max(x, -wide), wide);
    y = Math.min(Math.max(y, -high), high);
    picture.style.transform = scale === 1 ? "" : `translate(${x}px, ${y}px) scale(${scale})`;
    stage.classList.toggle("close", scale > 1);
    changed(scale);
  }

  /** Scales by a factor, and keeps what is at a point of the window where it is. */
  function by(factor, at = null) {
    const next = Math.min(Math.max(scale * factor, 1), CLOSEST);
    const box = stage.getBoundingClientRect();
    const [px, py] = at ? [at.x - box.left - box.width / 2, at.y - box.top - box.height / 2] : [0, 0];
    x = px - ((px - x) * next) / scale;
    y = py - ((py - y) * next) / scale;
    scale = next;
    apply();
  }

  function reset() {
    scale = 1;
    x = 0;
    y = 0;
    apply();
  }

  function move(dx, dy) {
    x += dx;
    y += dy;
    apply();
  }

  stage.addEventListener("wheel", (event) => {
    event.preventDefault();
    by(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.002)), { x: event.clientX, y: event.clientY });
  }, { passive: false });
  stage.addEventListener("dblclick", (event) => {
    if (event.target.closest("button")) return;
    if (scale > 1) reset();
    else by(Math.max(whole(), 2), { x: event.clientX, y: event.clientY });
  });

  const middle = () => {
    const [a, b] = [...fingers.values()];
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, apart: Math.hypot(a.x - b.x, a.y - b.y) };
  };
  stage.addEventListener("pointerdown", (event) => {
    if (event.target.closest("button") || event.button !== 0) return;
    stage.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    swiped = 0;
  });
  stage.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    if (fingers.size === 2) {
      const was = middle();
      fingers.set(event.pointerId, now);
      const is = middle();
      by(is.apart / Math.max(was.apart, 1), is);
      move(is.x - was.x, is.y - was.y);
      return;
    }
    fingers.set(event.pointerId, now);
    if (scale > 1) move(now.x - before.x, now.y - before.y);
    else if (event.pointerType === "touch") swiped += now.x - before.x;
  });
  for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, (event) => {
    if (!fingers.delete(event.pointerId) || fingers.size > 0) return;
    if (Math.abs(swiped) >= SWIPE) swipe(swiped > 0 ? -1 : 1);
    swiped = 0;
  });

  /** @returns {boolean} whether the key was one of its own */
  function press(key) {
    if (key === "+" || key === "=") by(STEP);
    else if (key === "-") by(1 / STEP);
    else if (key === "0") reset();
    else if (scale > 1 && key.startsWith("Arrow")) move(NUDGE * ({ ArrowLeft: 1, ArrowRight: -1 }[key] ?? 0), NUDGE * ({ ArrowUp: 1, ArrowDown: -1 }[key] ?? 0));
    else return false;
    return true;
  }

  return { reset, press, larger: () => by(STEP), smaller: () => by(1 / STEP), scale: () => scale };
}
