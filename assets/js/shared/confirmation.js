// A question in place: a confirmation before something is lost, or another name for it.

import { escaped, textOf } from "./events.js";
import { html } from "./lit.js";
import { alarm, button } from "./parts.js";

const MAX_NAME = 80; // characters

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
    /** @type {HTMLElement | null | undefined} */ (element?.querySelector("input, [data-act=keep]"))?.focus();
    element?.querySelector("input")?.select();
    element?.scrollIntoView({ block: "nearest" });
  }

  /** Ask for another name. @param {{name: string, run: (name: string) => Promise<string | null>, back: () => unknown}} options */
  rename({ name, ...rest }) {
    const input = { label: "New name", value: name };
    this.type({ label: `Rename ${name}`, input, yes: "Rename", doing: "Renaming …", ...rest });
  }

  /**
   * Ask for a text or a number.
   * @param {{label: string, input: {label: string, value: string, type?: string}, yes: string, doing: string,
   *   run: (typed: string) => Promise<string | null>, back: () => unknown}} options
   */
  type({ input: { label, value, type = "text" }, run, ...rest }) {
    let typed = value;
    const change = (/** @type {Event} */ event) => {
      typed = textOf(event);
    };
    const enter = (/** @type {KeyboardEvent} */ event) => {
      if (event.key === "Enter" && this.now && !this.now.working) this.#confirm(this.now);
    };
    this.open({
      question: html`<input class="cx-input" type=${type} aria-label=${label} value=${value} min="1" maxlength=${MAX_NAME} autocomplete="off" spellcheck="false" @input=${change} @keydown=${enter}>`,
      kind: "primary",
      run: () => run(typed),
      ...rest,
    });
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
    return html`<div class="cx-confirm ${this.now?.label ? "naming" : ""}" id=${this.id} role="alertdialog" aria-label=${this.now?.label ?? this.label} ?hidden=${!this.now}
      @keydown=${leave}>${this.now && this.#asked(this.now)}</div>`;
  }

  /** @param {NonNullable<typeof this.now>} now */
  #asked(now) {
    const { working: disabled, failed, kind = "danger", label } = now;
    const words = disabled ? now.doing : failed ? "Try again" : now.yes;
    const yes = button(words, () => this.#confirm(now), { kind: `small ${kind}`, disabled });
    const keep = button(label ? "Cancel" : "Keep", this.end, { act: "keep", disabled });
    return html`<div class="cx-row wrap"><div class="cx-grow">${now.question}</div>${yes}${keep}</div>${alarm(failed)}`;
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
