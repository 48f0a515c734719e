// The settings of the form, made from what the chosen model says it allows, and the check of each.

import { h, setMessage } from "./dom.js";
import { icon } from "./icons.js";

/** The largest seed; the model's card doesn't tell, because it holds for all. */
export const SEED_MAX = 2 ** 32 - 1;

/**
 * One setting. `read` gives what to send (`undefined` for the default), or `{error}`.
 * @typedef {{name: string, element: HTMLElement, input: any, fallback: string, read: () => any, complain: (text?: string) => void}} Field
 */

/**
 * The fields of a model, showing what was changed from its defaults.
 * @param {any} card @param {Record<string, string>} changed @param {() => void} onInput
 * @returns {Field[]}
 */
export function fieldsOf(card, changed, onInput) {
  const fields = [
    whole(card, "width", "Width", "px"),
    whole(card, "height", "Height", "px"),
    whole(card, "steps", "Steps"),
    fraction(card, "guidance_scale", "Guidance"),
    seed(onInput),
    whole(card, "count", "Pictures"),
    choice("scheduler", "Scheduler", card.schedulers),
    choice("output_format", "Format", card.output_formats),
    card.negative_prompt && words("negative_prompt", "Negative prompt"),
  ].filter(Boolean);
  for (const field of fields) {
    field.input.value = changed[field.name] ?? field.fallback;
    field.input.addEventListener("input", () => {
      field.complain();
      onInput();
    });
    field.input.addEventListener("change", () => {
      if (field.input.value.trim() === "") field.input.value = field.fallback;
      field.complain(field.read()?.error);
      onInput();
    });
  }
  return fields;
}

function field(name, label, input, fallback, read, ...extra) {
  const id = `field-${name}`;
  const wrong = h("p", { class: "wrong", id: `${id}-error`, hidden: true });
  input.id = id;
  input.name = name;
  input.dataset.testid = name;
  input.setAttribute("aria-describedby", `${id}-error`);
  const element = h("div", { class: `field ${name}` }, h("label", { for: id }, label), h("div", { class: "entry" }, input, ...extra), wrong);
  const complain = (text) => complainAt(input, wrong, text);
  return { name, element, input, fallback, read: () => read(input.value.trim()), complain };
}

/** Names what is wrong with an input, or nothing any more. */
export function complainAt(input, wrong, text) {
  setMessage(wrong, text && text.charAt(0).toUpperCase() + text.slice(1));
  if (text) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}

function whole(card, name, label, unit) {
  const { min, max, step, default: usual } = card[name];
  // One allowed value is no choice; the line of the settings states it.
  if (min === max) return null;
  const input = h("input", { type: "number", inputmode: "numeric", min, max, step, autocomplete: "off" });
  const rule = `must be from ${min} to ${max}${step > 1 ? ` in steps of ${step}` : ""}`;
  return field(name, unit ? `${label}, ${unit}` : label, input, String(usual), (text) => {
    const value = Number(text);
    if (text === "" && !input.validity.badInput) return undefined;
    const allowed = Number.isInteger(value) && value >= min && value <= max && (value - min) % Math.max(step, 1) === 0;
    if (!allowed || input.validity.badInput) return { error: rule };
    return value === usual ? undefined : value;
  });
}

function fraction(card, name, label) {
  const { min, max, default: usual } = card[name];
  if (min === max) return null;
  const input = h("input", { type: "number", inputmode: "decimal", min, max, step: 0.5, autocomplete: "off" });
  return field(name, label, input, String(usual), (text) => {
    const value = Number(text);
    if (text === "" && !input.validity.badInput) return undefined;
    if (!(value >= min && value <= max) || input.validity.badInput) return { error: `must be from ${min} to ${max}` };
    return value === usual ? undefined : value;
  });
}

function seed(onInput) {
  const input = h("input", { type: "text", inputmode: "numeric", placeholder: "random", autocomplete: "off" });
  const roll = () => {
    input.value = String(crypto.getRandomValues(new Uint32Array(1))[0]);
    made.complain();
    onInput();
  };
  const dice = h("button", { type: "button", class: "icon framed", "aria-label": "Roll a seed", title: "Roll a seed", click: roll, "data-testid": "dice" }, icon("dice"));
  const made = field("seed", "Seed", input, "", (text) => {
    if (text === "") return undefined;
    const value = Number(text);
    return /^\d+$/.test(text) && value <= SEED_MAX ? value : { error: `must be a whole number from 0 to ${SEED_MAX}, or empty` };
  }, dice);
  return made;
}

function choice(name, label, options) {
  if (options.length < 2) return null;
  const input = h("select", {}, ...options.map((option) => h("option", { value: option }, option)));
  return field(name, label, input, options[0], (value) => (value === options[0] ? undefined : value));
}

function words(name, label) {
  const input = h("input", { type: "text", placeholder: "what to keep out", autocomplete: "off" });
  return field(name, label, input, "", (text) => text || undefined);
}

/** The settings in one line. @param {any} card @param {Field[]} fields */
export function lineOf(card, fields) {
  const shown = (name) => fields.find((one) => one.name === name)?.input.value.trim();
  const count = shown("count");
  const steps = shown("steps") ?? String(card.steps.default);
  return [
    `${shown("width") ?? card.width.default} × ${shown("height") ?? card.height.default}`,
    steps === "1" ? "1 step" : `${steps} steps`,
    `guidance ${shown("guidance_scale") ?? card.guidance_scale.default}`,
    shown("seed") && `seed ${shown("seed")}`,
    count && count !== "1" && `${count} pictures`,
  ].filter(Boolean).join(" · ");
}
