// What the policy on the sliders is called, and the way back and forth between its steps.

import { html } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { button } from "../shared/parts.js";

/** @extends {Part<import("./page.js").Tune>} */
export class Steps extends Part {
  /** @param {import("./page.js").Tune} page */
  constructor(page) {
    super(page);
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  /** @param {string} name of the policy @param {import("./draft.js").Draft} draft @param {boolean} moved whether it differs from the active one */
  view(name, { past, future }, moved) {
    /** @type {(words: string, title: string, can: boolean, run: () => void) => unknown} */
    const one = (words, title, can, run) => button(words, () => this.#press(run), { title, disabled: !can });
    const undo = one("Undo", "Ctrl + Z", past.length > 0, () => this.page.step(true));
    const redo = one("Redo", "Ctrl + Shift + Z", future.length > 0, () => this.page.step(false));
    const reset = one("Reset", "Back to the active policy", moved, () => this.page.reset());
    return html`<header class="cx-row"><h2 class="cx-grow cx-clip">${name}</h2><div class="cx-row tight cx-steps-back">${undo}${redo}${reset}</div></header>`;
  }

  /** A button that can no longer be pressed hands the focus on; it would be lost with it. @param {() => void} run */
  #press(run) {
    const pressed = /** @type {HTMLButtonElement} */ (document.activeElement);
    run();
    if (pressed.disabled) this.page.focus(".cx-steps-back button:enabled");
  }

  #key(/** @type {KeyboardEvent} */ event) {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    // In a field of text the browser's own undo is wanted.
    if (/** @type {Element} */ (event.target).matches("input:not([type='range'], [type='radio'])")) return;
    const key = event.key.toLowerCase();
    const back = key === "z" && !event.shiftKey;
    if (!back && !(key === "y" || (key === "z" && event.shiftKey))) return;
    event.preventDefault();
    this.page.step(back);
  }
}
