// The saved policies: each is loaded onto the sliders, renamed or deleted.

import { Confirmation } from "../shared/confirmation.js";
import { html, nothing, repeat } from "../shared/lit.js";
import { having, Part } from "../shared/page.js";
import { badge, iconButton, when, written } from "../shared/parts.js";

/** @import {Saved, State} from "./types" */

const LOAD = "Put its thresholds on the sliders";

/** @extends {Part<import("./page.js").Tune>} */
export class Policies extends Part {
  confirmation = new Confirmation("Delete a policy", this.page.paint);

  /** @param {State} state */
  view({ policies, active }) {
    const line = (/** @type {Saved} */ one) => html`<li class="cx-row">
      <button type="button" class="cx-item cx-grow" title=${LOAD} @click=${() => this.page.load(one.version)}><span class="cx-row wrap tight">${written(one.label)}${
        one.version === active.version ? badge("answer", "answer", "active") : nothing
      }</span><span class="cx-sub">${one.created ? [one.version, " · ", when(one.created)] : "of the settings"}</span></button>${
        one.created ? this.#acts(one, one.version === active.version) : nothing
      }</li>`;
    return html`<section class="cx-card cx-body" aria-label="Policies"><h2>Policies</h2>${this.confirmation.view()}
      <ul class="cx-list cx-policies">${repeat(policies, ({ version }) => version, line)}</ul></section>`;
  }

  /** @param {Saved} policy @param {boolean} active */
  #acts({ version, label }, active) {
    const back = (/** @type {string} */ act) => () =>
      this.page.focus(having("data-act", `${act} ${version}`), ".cx-policies .cx-item");
    const rename = () =>
      this.confirmation.rename({
        name: label,
        run: (name) => this.#change("rename", { version, name }),
        back: back("rename"),
      });
    const remove = () =>
      this.confirmation.open({
        question: html`Delete <strong>${label}</strong>? This cannot be undone.`,
        yes: "Delete",
        doing: "Deleting …",
        run: () => this.#change("delete", { version }),
        back: back("delete"),
      });
    const title = active ? "It is active: activate another policy first" : "Delete";
    const options = { title, disabled: active, act: `delete ${version}` };
    return html`${iconButton("edit", `Rename ${label}`, rename, { title: "Rename", act: `rename ${version}` })}${iconButton("close", `Delete ${label}`, remove, options)}`;
  }

  /** @param {string} name @param {object} wanted */
  async #change(name, wanted) {
    const { error } = await this.page.call(name, wanted);
    if (!error) await this.page.poller.look();
    return error?.message ?? null;
  }
}
