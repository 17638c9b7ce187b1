// Links to an answer for somebody else: made, copied once, listed and revoked.

import { place } from "../shared/address.js";
import { escaped } from "../shared/events.js";
import { Form, field, textual } from "../shared/form.js";
import { html, nothing } from "../shared/lit.js";
import { having, Part } from "../shared/page.js";
import { alarm, button, copied, hint, muted, when, written } from "../shared/parts.js";

/** @import {Trace} from "../shared/types" */
/** @typedef {{id: string, label: string, created: string, path?: string}} Link */

const ABOUT =
  "Whoever has the link can read this answer, its evidence and its decision, as far as they are saved.";

/** @extends {Part<import("./page.js").Ask>} */
export class Sharing extends Part {
  /** @type {Trace | null} Which is shared. */
  trace = null;
  /** @type {Link[]} */
  links = [];
  note = "";
  /** @type {string | null} The link that was just copied. */
  copied = null;
  /** @type {string | null} */
  failed = null;
  form = new Form(this.page.paint, async ({ label }, form) => {
    const { trace } = this;
    const { value, error } = await this.page.call("share", { trace: trace?.id, label });
    if (value && this.trace === trace) {
      form.reset();
      this.set({ links: [value, ...this.links] });
      await this.#copy(value);
    }
    return error?.message ?? null;
  });

  /** @param {Trace} trace */
  async open(trace) {
    if (this.trace === trace) return this.end();
    this.form.error = null;
    this.set({ trace, links: [], failed: null, copied: null });
    this.page.focus(".cx-sharing input");
    const { value, error } = await this.page.call("shares", { trace: trace.id });
    if (this.trace !== trace) return;
    // A link may have been made meanwhile, and its address is known here alone.
    const made = this.links.map(({ id }) => id);
    const earlier = (value?.links ?? []).filter((/** @type {Link} */ { id }) => !made.includes(id));
    this.set({ ...value, links: [...this.links, ...earlier], failed: error?.message ?? null });
  }

  end() {
    const { trace } = this;
    this.set({ trace: null });
    this.page.focus(having("data-act", `share ${trace?.id}`));
  }

  /** @param {Link} link */
  async #copy({ id, path = "" }) {
    await copied(place(path));
    this.set({ copied: id });
  }

  /** @param {Link} link */
  async #revoke({ id }) {
    const { error } = await this.page.call("unshare", { id });
    const links = error ? this.links : this.links.filter((link) => link.id !== id);
    this.set({ links, failed: error?.message ?? null });
    this.page.focus(".cx-sharing input");
  }

  /** @param {Trace} trace */
  view(trace) {
    if (trace !== this.trace) return nothing;
    const note = html`${ABOUT} ${this.note} ${button("Close", () => this.end())}`;
    const fields = html`${field("What it is for (optional)", textual("label", { maxlength: 200 }))}`;
    return html`<div class="cx-sharing" @keydown=${escaped(() => this.end())}>${this.form.card("Share this answer", fields, { words: "Make a link", disabled: false, note })}
      <ul class="cx-list" aria-label="Links" ?hidden=${!this.links.length}>${this.links.map((link) => this.#link(link))}</ul>${alarm(this.failed)}</div>`;
  }

  /** @param {Link} link */
  #link(link) {
    const { label, created, path } = link;
    const name = label || "Link";
    const revoke = button("Revoke", () => this.#revoke(link), {
      label: `Revoke ${name}`,
      kind: "small danger",
    });
    const address =
      path &&
      html`<a class="cx-link cx-grow cx-small" href=${place(path)} target="_blank" rel="noopener">${place(path)}</a>${button("Copy", () => this.#copy(link), { label: `Copy ${name}` })}`;
    const done = this.copied === link.id ? muted("copied") : "";
    return html`<li class="cx-column tight"><div class="cx-row wrap"><span class="cx-strong">${written(name)}</span>${muted(["made ", when(created)], "cx-small")}<span class="cx-grow" role="status">${done}</span>${revoke}</div>
      ${path ? html`<div class="cx-row wrap">${address}</div>${hint("Its address is shown this once: only a fingerprint of it is saved.")}` : nothing}</li>`;
  }
}
