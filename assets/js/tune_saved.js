// Keeping policies: under a name, as the active one, as a file, and out of a file.

import { fill, h } from "./dom.js";
import { single } from "./waits.js";

export class Saved {
  /** options: {onload(version), onsave(name), onactivate(name), onexport(name), onimport(text)};
   * each of the last four gives a sentence, or {error: {message}}. */
  constructor(element, options) {
    this.options = options;
    this.list = h("select.cx-field", {
      "aria-label": "Load a policy",
      onchange: () => {
        if (this.list.value) this.options.onload(this.list.value);
        this.list.value = "";
      },
    });
    this.name = h("input.cx-field", {
      "aria-label": "Name of the policy",
      placeholder: "name",
      maxlength: 80,
      autocomplete: "off",
      spellcheck: "false",
      onkeydown: (event) => event.key === "Enter" && this.#do(this.options.onsave),
    });
    this.said = h("p", { role: "status", hidden: true });
    this.file = h("input", {
      type: "file",
      accept: ".yaml,.yml",
      hidden: true,
      "aria-label": "A policy's file",
      onchange: async () => {
        const [file] = this.file.files;
        this.file.value = "";
        if (file) this.#say(await read(file).then(this.options.onimport, (error) => ({ error })));
      },
    });
    element.append(
      h(
        "section.cx-lab-card.cx-tuning-card",
        { "aria-label": "Keep" },
        h("h2", "Keep"),
        h(
          "div.cx-keep-line",
          this.name,
          h("button.cx-button.small", { onclick: () => this.#do(this.options.onsave) }, "Save"),
          h(
            "button.cx-button.small.primary",
            {
              title: "Save it, and let it decide from the next question on",
              onclick: () => this.#do(this.options.onactivate),
            },
            "Make active",
          ),
        ),
        h(
          "div.cx-keep-line",
          this.list,
          h("button.cx-button.small", { onclick: () => this.#do(this.options.onexport) }, "Export"),
          h("button.cx-button.small", { onclick: () => this.file.click() }, "Import"),
          this.file,
        ),
        this.said,
      ),
    );
  }

  /** policies: [{version, words}] that can be loaded. */
  choices(policies) {
    const key = JSON.stringify(policies);
    if (key === this.key) return;
    this.key = key;
    fill(
      this.list,
      h("option", { value: "" }, "Load a policy\u2026"),
      policies.map(({ version, words }) => h("option", { value: version }, words)),
    );
  }

  /** The name that the policy has, unless somebody is typing one. */
  call(name) {
    if (document.activeElement !== this.name) this.name.value = name;
  }

  #do = single(async (action) => this.#say(await action(this.name.value)));

  #say(result) {
    const wrong = Boolean(result.error);
    this.said.hidden = false;
    this.said.className = wrong ? "cx-error" : "cx-muted";
    this.said.textContent = wrong ? result.error.message : result;
  }
}

// As text only if it is: a file of another kind is said to be one, not shown in pieces.
async function read(file) {
  if (file.size > 1e6) throw new Error("A policy's file is small; this one has more than 1 MB.");
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
  } catch {
    throw new Error("The file is not text in UTF-8.");
  }
}

/** Give the browser a file to save. */
export function download(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "application/yaml" }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
