// Two pictures over each other, with a slider between them.

import { getImage } from "./api.js";
import { byId, closable, setText } from "./dom.js";
import { icon } from "./icons.js";
import { show } from "./pictures.js";
import { nameOf } from "./tile.js";

const dialog = byId("compare");
const slider = byId("compare-slider");
const stage = byId("compare-stage");

export function start() {
  closable(dialog);
  dialog.querySelector("[data-close]").append(icon("close"));
  slider.addEventListener("input", slide);
  let held = false;
  const follow = ({ clientX }) => {
    const { left, width } = stage.getBoundingClientRect();
    slider.value = String(Math.round(Math.min(Math.max((clientX - left) / width, 0), 1) * 100));
    slide();
  };
  stage.addEventListener("pointerdown", (event) => {
    held = true;
    stage.setPointerCapture(event.pointerId);
    follow(event);
  });
  stage.addEventListener("pointermove", (event) => held && follow(event));
  for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, () => {
    held = false;
  });
}

function slide() {
  stage.style.setProperty("--cut", `${slider.value}%`);
  slider.setAttribute("aria-valuetext", `${slider.value} percent of the first picture`);
}

/** Shows two saved pictures, the first on the left. */
export function open(first, second) {
  [[first, "left"], [second, "right"]].forEach(([image, side]) => {
    const picture = byId(`compare-${side}`);
    picture.alt = nameOf(image);
    show(picture, image.url, image, image.sha256, async () => (await getImage(image.id)).url);
    setText(byId(`compare-${side}-name`), nameOf(image));
  });
  stage.style.setProperty("--ratio", String(first.width / first.height));
  slider.value = "50";
  slide();
  dialog.showModal();
  slider.focus();
}
