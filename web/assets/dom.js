// Making elements. Text goes in as text nodes only, so no data can become markup.

/** The element with this id. @param {string} id */
export const byId = (id) => /** @type {any} */ (document.getElementById(id));

/**
 * An element. A property that is a function listens to the event of its name; `false` and `null` leave an attribute out.
 * @param {string} tag
 * @param {Record<string, unknown>} [properties]
 * @param {...(Node | string | null | undefined | false)} children
 */
export function h(tag, properties = {}, ...children) {
  const element = /** @type {any} */ (document.createElement(tag));
  for (const [name, value] of Object.entries(properties)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child != null && child !== false));
  return element;
}

const nameOf = (control) => control.getAttribute("aria-label") ?? control.textContent;

/**
 * Puts other children into a place. The focus stays on the control of the same name; where that is gone, it goes to the one that
 * stands there now, else to `otherwise`.
 */
export function refill(place, otherwise, ...children) {
  const controls = () => [...place.querySelectorAll("a, button")];
  const before = controls();
  const at = before.indexOf(document.activeElement);
  place.replaceChildren(...children);
  if (at < 0) return;
  const now = controls();
  (now.find((one) => nameOf(one) === nameOf(before[at])) ?? now[Math.min(at, now.length - 1)] ?? otherwise).focus();
}

/** Sets text only where it differs, so that live regions and selections stay quiet. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Shows or hides a paragraph that holds a message. */
export function setMessage(element, text) {
  setText(element, text ?? "");
  element.hidden = !text;
}

/** Closes a dialog by its close buttons, and by a press outside it: one that only ends there has marked text. */
export function closable(dialog) {
  // The dialog is the target of a press on its own margin, too.
  const isOutside = ({ target, clientX, clientY }) => {
    const { left, right, top, bottom } = dialog.getBoundingClientRect();
    return target === dialog && (clientX < left || clientX > right || clientY < top || clientY > bottom);
  };
  let beganOutside = false;
  dialog.addEventListener("pointerdown", (event) => {
    beganOutside = isOutside(event);
  });
  dialog.addEventListener("click", (event) => {
    if ((beganOutside && isOutside(event)) || event.target.closest("[data-close]")) dialog.close();
  });
}

/** Where what is said can be seen and heard: an open dialog hides everything outside it. @returns {HTMLElement} */
export const front = () => [...document.querySelectorAll("dialog[open]")].pop() ?? document.body;

/** Says something to those who listen instead of look. */
export function announce(text) {
  const place = byId("announce");
  if (place.parentNode !== front()) front().append(place);
  place.textContent = text;
}
