// The one form: fields under their names, what was wrong beside them, and one submission at a time.

import { html, live, nothing } from "./lit.js";
import { alarm } from "./parts.js";

/** A control under its name, with a note below it. @param {unknown} label @param {unknown} control @param {unknown} note */
export function field(label, control, note = null) {
  return html`<label class="cx-lab-field"><span>${label}</span>${control}${note && html`<span class="cx-hint">${note}</span>`}</label>`;
}

/**
 * A list to choose from. options: [value, words], or {label, options} for a group of them.
 * @typedef {[string, string]} Option
 * @param {(Option | {label: string, options: Option[]})[]} options
 * @param {{name?: string, id?: string, label?: string, note?: string, value?: string | null, change?: (value: string) => unknown}} given
 *   value: what is chosen, at each painting; without it the choice is the browser's to keep
 */
export function choice(options, { name, id, label, note, value, change } = {}) {
  const one = (/** @type {Option} */ [key, words]) =>
    value === undefined
      ? html`<option value=${key}>${words}</option>`
      : html`<option value=${key} .selected=${live(key === value)}>${words}</option>`;
  return html`<select class="cx-field" name=${name ?? nothing} id=${id ?? nothing} aria-label=${label ?? nothing}
    aria-describedby=${note ?? nothing}
    @change=${(/** @type {Event} */ event) => change?.(/** @type {HTMLSelectElement} */ (event.target).value)}>${options.map(
      (option) =>
        Array.isArray(option)
          ? one(option)
          : html`<optgroup label=${option.label}>${option.options.map(one)}</optgroup>`,
    )}</select>`;
}

/**
 * A field for a number, or for a text; what is typed is the browser's to keep.
 * @param {string} name
 * @param {{value?: unknown, min?: number, max?: number | "", step?: number | "any", required?: boolean, placeholder?: string,
 *   change?: (event: Event) => unknown}} options
 */
export function numeric(name, { value, min, max, step = "any", required = true, placeholder, change } = {}) {
  return html`<input class="cx-field" type="number" name=${name} value=${value ?? nothing} min=${min ?? nothing} max=${max ?? nothing}
    step=${step} ?required=${required} placeholder=${placeholder ?? nothing} @change=${change ?? nothing}>`;
}

/** @param {string} name @param {{placeholder?: string, maxlength?: number}} options */
export function textual(name, { placeholder, maxlength = 100 } = {}) {
  return html`<input class="cx-field" type="text" name=${name} maxlength=${maxlength} placeholder=${placeholder ?? nothing} spellcheck="false">`;
}

/**
 * What stands in a form, by the names of its fields: numbers as numbers, null where one is empty.
 * @param {HTMLFormElement} form
 * @returns {Record<string, any>}
 */
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
  /** @param {() => unknown} paint @param {(values: Record<string, any>, form: HTMLFormElement) => Promise<string | null>} run */
  constructor(paint, run) {
    this.paint = paint;
    this.run = run;
    this.busy = false;
    /** @type {string | null} */
    this.error = null;
  }

  /** @param {string | null} message */
  fail(message) {
    this.error = message;
    this.paint();
  }

  submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    if (this.busy) return;
    Object.assign(this, { busy: true, error: null });
    this.paint();
    const form = /** @type {HTMLFormElement} */ (event.target);
    const error = await this.run(valuesOf(form), form);
    Object.assign(this, { busy: false, error });
    this.paint();
  };

  /** The form as a card. @param {string} title @param {unknown} fields @param {{words: string, disabled: boolean, note: unknown}} button */
  card(title, fields, { words, disabled, note }) {
    return html`<form class="cx-lab-card cx-lab-form" @submit=${this.submit}><h2>${title}</h2>${fields}${alarm(this.error)}
      <button type="submit" class="cx-button primary" ?disabled=${disabled || this.busy}>${words}</button>
      <p class="cx-hint">${note}</p></form>`;
  }
}
