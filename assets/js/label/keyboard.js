// The keys of the Label page, shown and changed.

import { html, nothing } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { alarm, button, hint, unseen } from "../shared/parts.js";
import { column, table } from "../shared/table.js";
import { ACTIONS, changed, firstKeys, keepKeys, named } from "./keys.js";

/** @extends {Part<import("./page.js").Labels>} */
export class Keyboard extends Part {
  open = false;
  /** @type {string | null} The action that waits for its key. */
  waiting = null;
  failed = "";

  toggle() {
    this.set({ open: !this.open, waiting: null, failed: "" });
    if (this.open) this.page.focus(".cx-keys h3");
    else this.page.focus(".cx-judged h3");
  }

  /** A key that was pressed while an action waits for one; whether it was for it. @param {KeyboardEvent} event */
  took(event) {
    const { waiting } = this;
    if (!this.open || (!waiting && event.key !== "Escape")) return false;
    if (["Shift", "Control", "Alt", "Meta", "Tab"].includes(event.key)) return false;
    event.preventDefault();
    if (!waiting) this.toggle();
    else if (event.key === "Escape") this.set({ waiting: null, failed: "" });
    else {
      const next = changed(this.page.keys, waiting, event.key);
      if ("why" in next) this.set({ failed: next.why });
      else this.#keep(next.keys);
    }
    return true;
  }

  /** @param {import("./keys.js").Keys} keys */
  #keep(keys) {
    keepKeys(keys);
    this.page.set({ keys });
    this.set({ waiting: null, failed: "" });
  }

  view() {
    if (!this.open) return nothing;
    const { keys } = this.page;
    const change = (/** @type {string} */ action) =>
      this.waiting === action
        ? html`<span role="status">Press a key …</span>`
        : button("Change", () => this.set({ waiting: action, failed: "" }), {
            label: `Change the key of ${ACTIONS[action][0]}`,
          });
    const columns = [
      column("words", "What it does", (/** @type {string} */ action) => ACTIONS[action][0], { head: true }),
      column("key", "Key", (/** @type {string} */ action) => html`<kbd>${named(keys[action])}</kbd>`),
      column("act", unseen("Change"), change),
    ];
    const rows = Object.keys(ACTIONS);
    return html`<section class="cx-card cx-body cx-keys" aria-label="Keys"><h3 tabindex="-1">Keys</h3>${table({ kind: "cx-key-list", columns, rows, key: (action) => action })}
      ${hint("In the answer, arrows move, Space marks a token, and Shift with an arrow marks on. Escape leaves a field, then the queue.")}${alarm(this.failed)}
      <div class="cx-row">${button("Close", () => this.toggle())}${button("Reset", () => this.#keep(firstKeys()))}</div></section>`;
  }
}
