// A confirmation before something is lost, in place.

import { escaped } from "./events.js";
import { html } from "./lit.js";
import { alarm, button } from "./parts.js";

/** @import {Question} from "./types" */

/** A question in its place; the focus stands on the safe side. */
export class Confirmation {
  /** @type {(Question & {working: boolean, failed: string | null}) | null} */
  now = null;

  /** @param {string} label @param {() => unknown} paint */
  constructor(label, paint) {
    this.label = label;
    this.paint = paint;
    this.id = `cx-confirmation-${label.toLowerCase().replace(/\W+/g, "-")}`;
  }

  /** @param {Question} question */
  open(question) {
    this.now = { ...question, working: false, failed: null };
    this.paint();
    const { element } = this;
    /** @type {HTMLElement | null | undefined} */ (element?.querySelector("[data-act=keep]"))?.focus();
    element?.scrollIntoView({ block: "nearest" });
  }

  /** Take the question away. */
  end = () => {
    const { now, element } = this;
    if (!now) return;
    const here = element?.contains(document.activeElement) || document.activeElement === document.body;
    this.now = null;
    this.paint();
    if (here) now.back();
  };

  view() {
    const leave = escaped(() => this.now?.working || this.end());
    return html`<div class="cx-confirm" id=${this.id} role="alertdialog" aria-label=${this.label} ?hidden=${!this.now}
      @keydown=${leave}>${this.now && this.#asked(this.now)}</div>`;
  }

  /** @param {NonNullable<typeof this.now>} now */
  #asked(now) {
    const { working: disabled, failed } = now;
    const words = disabled ? now.doing : failed ? "Try again" : now.yes;
    const yes = button(words, () => this.#confirm(now), { kind: "small danger", disabled });
    const keep = button("Keep", this.end, { act: "keep", disabled });
    return html`<div class="cx-row wrap"><p class="cx-grow">${now.question}</p>${yes}${keep}</div>${alarm(failed)}`;
  }

  get element() {
    return document.getElementById(this.id);
  }

  /** @param {NonNullable<typeof this.now>} question */
  async #confirm(question) {
    question.working = true;
    this.paint();
    const failed = await question.run();
    Object.assign(question, { failed, working: false });
    if (this.now !== question) return; // another question stands here by now
    if (failed) this.paint();
    else this.end();
  }
}
