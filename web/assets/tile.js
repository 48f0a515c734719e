// One place of the grid: a picture, and what can be done with it there. It is made once and shows many pictures after each
// other, as the grid moves over the list.

import { byId, h, setText } from "./dom.js";
import { icon } from "./icons.js";
import { forget, isSmall, show } from "./pictures.js";
import { color, sketch } from "./placeholders.js";

export const nameOf = (image) => image.title ?? image.prompt ?? "Untitled picture";

/** @param {(id: string) => Promise<string>} freshUrl */
export function makeTile(freshUrl) {
  const picture = h("img", { alt: "", decoding: "async", draggable: "false" });
  const broken = h("span", { class: "broken", hidden: true }, "This picture can’t be shown.");
  const open = h("a", { class: "open", tabindex: "-1", "data-act": "open" }, picture, broken);
  const button = (act, name, className, extra = {}) => h("button", { type: "button", class: className, tabindex: "-1", "data-act": act, "data-testid": act, ...extra }, icon(name));
  const check = button("select", "check", "corner check", { "aria-label": "Select" });
  const star = button("favorite", "star", "corner star", { "aria-label": "Favourite" });
  const restore = button("restore", "reuse", "corner first", { "aria-label": "Restore", hidden: true });
  const erase = button("erase", "trash", "corner second", { "aria-label": "Erase", hidden: true });
  const name = h("span", { class: "name", "aria-hidden": "true" });
  const element = h("div", { class: "tile", role: "gridcell", "data-testid": "saved-image" }, open, name, check, star, restore, erase);
  let shown = null;
  let box = { left: -1, width: -1, index: -1 };
  let isTrashed = false;
  let isSelected = /** @type {boolean | null} */ (null);
  let isNamed = true;
  let settled = false;
  let sketched = false;

  picture.addEventListener("load", () => element.classList.add("loaded"));
  picture.addEventListener("lost", () => {
    broken.hidden = false;
  });

  /** Shows a picture of the list, or that it is not here yet. One that flies past is named once it rests. */
  function set({ image, index, left, width, selected, trashed, isFast }) {
    if (box.left !== left) element.style.left = `${left}px`;
    if (box.width !== width) element.style.width = `${width}px`;
    if (box.index !== index) element.dataset.index = String(index);
    box = { left, width, index };
    isTrashed = trashed;
    if (image !== shown) change(image, isFast);
    if (isSelected !== selected) select(selected);
  }

  function change(image, isFast) {
    const isSame = image && shown?.id === image.id;
    shown = image;
    if (!isSame) clear();
    if (open.hidden !== !image) open.hidden = !image;
    if (!image) {
      delete element.dataset.imageId;
      for (const one of [check, star, restore, erase]) one.hidden = true;
      return setText(name, "");
    }
    element.dataset.imageId = image.id;
    if (!isSame) element.style.backgroundColor = color(image);
    isNamed = !isFast || isSame;
    if (isNamed) describe(image, isTrashed);
  }

  function describe(image, trashed) {
    const label = nameOf(image);
    picture.width = image.width;
    picture.height = image.height;
    setText(name, label);
    picture.alt = label;
    open.href = `#picture=${image.id}`;
    open.setAttribute("aria-label", `Open ${label}${image.favorite ? ", favourite" : ""}`);
    check.setAttribute("aria-label", `Select ${label}`);
    check.hidden = false;
    star.hidden = trashed;
    star.setAttribute("aria-pressed", String(image.favorite));
    star.setAttribute("aria-label", `Favourite: ${label}`);
    restore.hidden = !trashed;
    restore.setAttribute("aria-label", `Restore ${label}`);
    restore.title = "Restore";
    erase.hidden = !trashed;
    erase.setAttribute("aria-label", `Erase ${label}`);
    erase.title = "Erase";
  }

  function clear() {
    if (settled) {
      forget(picture);
      element.classList.remove("loaded");
    }
    settled = false;
    broken.hidden = true;
    if (sketched) element.style.backgroundImage = "none";
    sketched = false;
  }

  function select(on) {
    isSelected = on;
    element.setAttribute("aria-selected", String(on));
    check.setAttribute("aria-pressed", String(on));
  }

  /** Once the grid stands still: its sketch, and its bytes. */
  function settle() {
    if (!shown || settled) return;
    settled = true;
    const { id } = shown;
    if (!isNamed) describe(shown, isTrashed);
    isNamed = true;
    // Small pictures have no use for a blur larger than they are.
    sketched = !isSmall(shown);
    if (sketched) element.style.backgroundImage = sketch(shown);
    show(picture, shown.thumbnail_url, shown, shown.sha256, () => freshUrl(id));
  }

  return { element, open, set, settle, isSettled: () => settled || !shown };
}

/** What the pointer carries while pictures are dragged. @param {number} count */
export function dragBadge(count) {
  const badge = byId("drag-badge");
  setText(badge, count === 1 ? "1 picture" : `${count} pictures`);
  return badge;
}
