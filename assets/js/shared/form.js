// The one form: fields under their names, what was wrong beside them, and one submission at a time.

import { submitted, textOf } from "./events.js";
import { html, live, nothing } from "./lit.js";
import { alarm, hint } from "./parts.js";

/** A control under its name. @param {unknown} label @param {unknown} control */
export function field(label, control) {
  return html`<label class="cx-field"><span>${label}</span>${control}</label>`;
}

/**
 * A list to choose from. value: what is chosen, at each painting; without it the choice is the browser's to keep.
 * @typedef {[value: string, words: string]} Option
 * @param {(Option | {label: string, options: Option[]})[]} options
 * @param {{name?: string, id?: string, label?: string, note?: string, value?: string | null, change?: (value: string) => unknown}} given
 */
export function choice(options, { name, id, label, note, value, change } = {}) {
  const one = (/** @type {Option} */ [key, words]) =>
    value === undefined
      ? html`<option value=${key}>${words}</option>`
      : html`<option value=${key} .selected=${live(key === value)}>${words}</option>`;
  const list = options.map((option) =>
    "label" in option
      ? html`<optgroup label=${option.label}>${option.options.map(one)}</optgroup>`
      : one(option),
  );
  return html`<select class="cx-input" name=${name ?? nothing} id=${id ?? nothing} aria-label=${label ?? nothing}
    aria-describedby=${note ?? nothing} @change=${(/** @type {Event} */ event) => change?.(textOf(event))}>${list}</select>`;
}

/**
 * A field for a number; what is typed is the browser's to keep.
 * @param {string} name
 * @param {{value?: unknown, min?: number, max?: number | "", step?: number | "any", required?: boolean, placeholder?: string,
 *   change?: (event: Event) => unknown}} options
 */
export function numeric(name, { value, min, max, step = "any", required = true, placeholder, change } = {}) {
  return html`<input class="cx-input" type="number" name=${name} value=${value ?? nothing} min=${min ?? nothing} max=${max ?? nothing}
    step=${step} ?required=${required} placeholder=${placeholder ?? nothing} @change=${change ?? nothing}>`;
}

/** A field for a text. @param {string} name @param {{placeholder?: string, maxlength?: number}} options */
export function textual(name, { placeholder, maxlength = 100 } = {}) {
  return html`<input class="cx-input" type="text" name=${name} maxlength=${maxlength} placeholder=${placeholder ?? nothing} spellcheck="false">`;
}

/** What stands in a form by the names of its fields: numbers as numbers, null where one is empty. @param {HTMLFormElement} form */
export function valuesOf(form) {
  /** @type {Record<string, any>} */
  const values = {};
  for (const control of /** @type {Iterable<any>} */ (form.elements)) {
    const { name, type, value, checked } = control;
    if (!name || (type === "radio" && !checked)) continue;
    if (type === "checkbox") values[name] = checked;
    else values[name] = type === "number" ? (value === "" ? null : Number(value)) : value;
  }
  return values;
}

/** A form that is sent: one submission at a time, and what came of it beside its fields. */
export class Form {
  busy = false;
  /** @type {string | null} */
  error = null;

  /**
   * @param {() => unknown} paint @param {(values: Record<string, any>, form: HTMLFormElement) => Promise<string | null>} run
   * @param {() => unknown} [changed] called when a field has another value
   */
  constructor(paint, run, changed) {
    this.paint = paint;
    this.run = run;
    this.changed = changed;
  }

  /** @param {string | null} message */
  fail(message) {
    this.error = message;
    this.paint();
  }

  /** @param {HTMLFormElement} form */
  async #submit(form) {
    if (this.busy) return;
    Object.assign(this, { busy: true, error: null });
    this.paint();
    const error = await this.run(valuesOf(form), form);
    Object.assign(this, { busy: false, error });
    this.paint();
  }

  /** The form as a card. @param {string} title @param {unknown} fields @param {{words: string, disabled: boolean, note: unknown}} button */
  card(title, fields, { words, disabled, note }) {
    return html`<form class="cx-card cx-body" @input=${this.changed ?? nothing} @submit=${submitted((form) => this.#submit(form))}><h2>${title}</h2>${fields}${alarm(this.error)}
      <button type="submit" class="cx-button primary" ?disabled=${disabled || this.busy}>${words}</button>${hint(note)}</form>`;
  }
}
