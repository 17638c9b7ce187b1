// Keeping policies: under a name, as the active one, as a file, and out of a file.

import { html, nothing } from "../shared/lit.js";
import { button } from "../shared/parts.js";
import { single } from "../shared/server.js";

/** @typedef {string | {error: {message: string}}} Said  What came of it, in a sentence. */
/** @typedef {(text: string) => Promise<Said>} Act */

export class Saved {
  /** @type {Said | null} */
  said = null;

  /** @param {import("../shared/page.js").Page} page @param {{load: (version: string) => void, save: Act, activate: Act, send: Act, take: Act}} options */
  constructor(page, options) {
    this.page = page;
    this.options = options;
  }

  #do = single(async (/** @type {Act} */ act) => {
    // What stands in such a field is not what would be kept.
    const invalid = this.page.find("input[aria-invalid=true]");
    if (invalid) {
      invalid.focus();
      this.#say({ error: { message: "Correct the marked field first." } });
      return;
    }
    const name = /** @type {HTMLInputElement} */ (this.page.find(".cx-keep-line input"));
    this.#say(await act(name.value));
  });

  #say(/** @type {Said} */ said) {
    this.said = said;
    this.page.paint();
  }

  /** @param {[string, string][]} policies that can be loaded @param {string} name that the policy has */
  view(policies, name) {
    const { save, activate, send, load } = this.options;
    const chosen = (/** @type {Event} */ event) => {
      const list = /** @type {HTMLSelectElement} */ (event.target);
      if (list.value) load(list.value);
      list.value = "";
    };
    const file = async (/** @type {Event} */ event) => {
      const input = /** @type {HTMLInputElement} */ (event.target);
      const [one] = input.files ?? [];
      input.value = "";
      if (one) this.#say(await read(one).then(this.options.take, (error) => ({ error })));
    };
    const pick = (/** @type {MouseEvent} */ event) =>
      /** @type {HTMLElement} */ (
        /** @type {HTMLElement} */ (event.currentTarget).nextElementSibling
      ).click();
    const title = "Save it, and let it decide from the next question on";
    const wrong = typeof this.said === "object" && this.said;
    return html`<section class="cx-lab-card cx-tuning-card" aria-label="Keep"><h2>Keep</h2>
      <div class="cx-keep-line"><input class="cx-field" aria-label="Name of the policy" placeholder="name" maxlength="80" autocomplete="off" spellcheck="false"
        .value=${name} @keydown=${(/** @type {KeyboardEvent} */ event) => event.key === "Enter" && this.#do(save)}>${button(
          "Save",
          () => this.#do(save),
        )}${button("Make active", () => this.#do(activate), { kind: "small primary", title })}</div>
      <div class="cx-keep-line"><select class="cx-field" aria-label="Load a policy" @change=${chosen}><option value="">Load a policy…</option>${policies.map(
        ([version, words]) => html`<option value=${version}>${words}</option>`,
      )}</select>${button("Export", () => this.#do(send))}${button("Import", pick)}<input type="file" accept=".yaml,.yml" hidden
        aria-label="A policy's file" @change=${file}></div>
      ${this.said ? html`<p class=${wrong ? "cx-error" : "cx-muted"} role="status">${wrong ? wrong.error.message : this.said}</p>` : nothing}</section>`;
  }
}

/** As text only if it is: a file of another kind is said to be one, not shown in pieces. @param {File} file */
async function read(file) {
  if (file.size > 1e6) throw new Error("A policy's file is small; this one has more than 1 MB.");
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
  } catch {
    throw new Error("The file is not text in UTF-8.");
  }
}
