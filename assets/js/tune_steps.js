// What the policy on the sliders is called, and the way back and forth between its steps.

import { h } from "./dom.js";

export class Steps {
  /** options: {onstep(back), onreset()}. */
  constructor({ onstep, onreset }) {
    const button = (label, title, onclick) => h("button.cx-button.small", { onclick, title, disabled: true }, label);
    this.title = h("h2.cx-tuning-name");
    this.undo = button("Undo", "Ctrl + Z", () => onstep(true));
    this.redo = button("Redo", "Ctrl + Shift + Z", () => onstep(false));
    this.reset = button("Reset", "Back to the active policy", onreset);
    this.node = h("header.cx-tuning-head", this.title, h("div.cx-tuning-steps", this.undo, this.redo, this.reset));
    document.addEventListener("keydown", (event) => keys(event, onstep));
  }

  /** name: of the policy; moved: whether it differs from the active one. */
  show(name, { past, future }, moved) {
    this.title.textContent = name;
    const focused = document.activeElement;
    this.undo.disabled = !past.length;
    this.redo.disabled = !future.length;
    this.reset.disabled = !moved;
    // A button that can no longer be pressed hands the focus on; it would be lost with it.
    if ([this.undo, this.redo, this.reset].includes(focused) && focused.disabled)
      (this.undo.disabled ? this.redo : this.undo).focus();
  }
}

function keys(event, onstep) {
  if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
  // In a field of text the browser's own undo is wanted.
  if (event.target.matches("input:not([type='range'], [type='radio'])")) return;
  const key = event.key.toLowerCase();
  const back = key === "z" && !event.shiftKey;
  if (!back && !(key === "y" || (key === "z" && event.shiftKey))) return;
  event.preventDefault();
  onstep(back);
}
