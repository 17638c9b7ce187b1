// Saving policies: under a name, as the active one, as a file, and out of a file.

import { fieldOf, pickFile, textOf } from "../shared/events.js";
import { html, live, nothing } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { button } from "../shared/parts.js";
import { single } from "../shared/server.js";

/** @typedef {string | {error: {message: string}}} Said  What came of it, in a sentence. */
/** @typedef {(text: string) => Promise<Said>} Act */

/** @extends {Part<import("./page.js").Tune>} */
export class Saved extends Part {
  /** @type {Said | null} */
  said = null;
  /** @type {string | null} The name that was typed; it stays whatever is moved, until a policy is loaded. */
  typed = null;

  #do = single(async (/** @type {Act} */ act) => {
    // What stands in such a field is not what would be kept.
    const invalid = this.page.find("input[aria-invalid=true]");
    invalid?.focus();
    if (invalid) return this.set({ said: { error: { message: "Correct the marked field first." } } });
    const name = /** @type {HTMLInputElement} */ (this.page.find(".cx-save input"));
    this.set({ said: await act(name.value) });
  });

  /** @param {string} name that the policy has */
  view(name) {
    const { page } = this;
    const save = () => this.#do(page.save);
    const type = (/** @type {Event} */ event) => {
      this.typed = textOf(event);
      page.keep();
    };
    const file = async (/** @type {Event} */ event) => {
      const input = fieldOf(event);
      const [one] = input.files ?? [];
      input.value = "";
      if (one) this.set({ said: await read(one).then(page.import, (error) => ({ error })) });
    };
    const title = "Save it, and use it from the next question on";
    const activate = button("Make active", () => this.#do(page.activate), { kind: "small primary", title });
    const { said } = this;
    const wrong = typeof said === "object" && said;
    return html`<section class="cx-card cx-body" aria-label="Save"><h2>Save</h2>
      <div class="cx-row cx-save"><input class="cx-input cx-grow" aria-label="Name of the policy" placeholder="name" maxlength="80" autocomplete="off" spellcheck="false"
        .value=${live(this.typed ?? name)} @input=${type} @keydown=${(/** @type {KeyboardEvent} */ event) => event.key === "Enter" && save()}>${button("Save", save)}${activate}</div>
      <div class="cx-row">${button("Export", () => this.#do(page.export))}${button("Import", pickFile)}<input type="file" accept=".yaml,.yml" hidden aria-label="Policy file" @change=${file}></div>
      ${said ? html`<p class=${wrong ? "cx-error" : "cx-muted"} role="status">${wrong ? wrong.error.message : said}</p>` : nothing}</section>`;
  }
}

/** As text only if it is: a file of another kind is refused, not shown in pieces. @param {File} file */
async function read(file) {
  if (file.size > 1e6) throw new Error("This is not a policy: the file is larger than 1 MB.");
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
  } catch {
    throw new Error("This is not a policy: the file is not UTF-8 text.");
  }
}
