// What the policy on the sliders is called, and the way back and forth between its steps.

import { html } from "../shared/lit.js";
import { button } from "../shared/parts.js";

export class Steps {
  /** @param {import("../shared/page.js").Page} page @param {{step: (back: boolean) => void, reset: () => void}} options */
  constructor(page, options) {
    this.page = page;
    this.options = options;
    document.addEventListener("keydown", (event) => keys(event, options.step));
  }

  /** @param {string} name of the policy @param {import("./draft.js").Draft} draft @param {boolean} moved whether it differs from the active one */
  view(name, { past, future }, moved) {
    const one = (
      /** @type {string} */ words,
      /** @type {string} */ title,
      /** @type {boolean} */ can,
      /** @type {() => void} */ run,
    ) => button(words, () => this.#press(run), { title, disabled: !can });
    const { step, reset } = this.options;
    return html`<header class="cx-tuning-head"><h2 class="cx-tuning-name">${name}</h2><div class="cx-tuning-steps">${one(
      "Undo",
      "Ctrl + Z",
      past.length > 0,
      () => step(true),
    )}${one("Redo", "Ctrl + Shift + Z", future.length > 0, () => step(false))}${one("Reset", "Back to the active policy", moved, reset)}</div></header>`;
  }

  /** A button that can no longer be pressed hands the focus on; it would be lost with it. @param {() => void} run */
  #press(run) {
    const pressed = /** @type {HTMLButtonElement} */ (document.activeElement);
    run();
    if (pressed.disabled) this.page.focus(".cx-tuning-steps button:enabled");
  }
}

/** @param {KeyboardEvent} event @param {(back: boolean) => void} step */
function keys(event, step) {
  if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
  // In a field of text the browser's own undo is wanted.
  if (/** @type {HTMLElement} */ (event.target).matches("input:not([type='range'], [type='radio'])")) return;
  const key = event.key.toLowerCase();
  const back = key === "z" && !event.shiftKey;
  if (!back && !(key === "y" || (key === "z" && event.shiftKey))) return;
  event.preventDefault();
  step(back);
}
