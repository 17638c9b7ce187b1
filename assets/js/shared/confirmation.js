// A confirmation before something is lost, in place.

import { html } from "./lit.js";
import { alarm, button } from "./parts.js";

/**
 * question: what is asked. yes, doing: words of the button, before and while it works. run() -> message or null.
 * back(): moves the keyboard to where it came from, unless it has gone elsewhere.
 * @typedef {{question: unknown, yes: string, doing: string, run: () => Promise<string | null>, back: () => unknown}} Question
 */

/** A question in its place; the focus stands on the safe side. */
export class Confirmation {
  /** @param {string} label @param {() => unknown} paint */
  constructor(label, paint) {
    this.label = label;
    this.paint = paint;
    /** @type {(Question & {working: boolean, failed: string | null}) | null} */
    this.now = null;
    this.id = `cx-confirmation-${label.toLowerCase().replace(/\W+/g, "-")}`;
  }

  /** @param {Question} question */
  open(question) {
    this.now = { ...question, working: false, failed: null };
    this.paint();
    const element = this.element;
    /** @type {HTMLElement | null | undefined} */ (element?.querySelector(".cx-keep"))?.focus();
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
    const { now } = this;
    return html`<div class="cx-confirm" id=${this.id} role="alertdialog" aria-label=${this.label} ?hidden=${!now}
      @keydown=${this.#key}>${
        now &&
        html`<div class="cx-job-line"><p class="cx-grow">${now.question}</p>${button(
          now.working ? now.doing : now.failed ? "Try again" : now.yes,
          () => this.#confirm(now),
          { kind: "small danger", disabled: now.working },
        )}${button("Keep", this.end, { kind: "small cx-keep", disabled: now.working })}</div>${alarm(now.failed)}`
      }</div>`;
  }

  get element() {
    return document.getElementById(this.id);
  }

  /** @param {Question & {working: boolean, failed: string | null}} question */
  async #confirm(question) {
    question.working = true;
    this.paint();
    const failed = await question.run();
    Object.assign(question, { failed, working: false });
    if (this.now !== question) return; // another question stands here by now
    if (failed) this.paint();
    else this.end();
  }

  #key = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === "Escape" && !this.now?.working) this.end();
  };
}
