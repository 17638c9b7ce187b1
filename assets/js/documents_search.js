// Searching the documents: the box and what was found.

import { fill, h, icon, number, reveal } from "./dom.js";

export class Search {
  /** options: {search(query), onopen(passage, opener), onquery(query or null), onrebuild()}. */
  constructor(box, results, options) {
    this.options = options;
    this.active = false;
    this.asked = 0;
    this.input = h("input.cx-field", {
      type: "search",
      "aria-label": "Search the documents",
      placeholder: "Search the documents by meaning and by words",
      spellcheck: "false",
      oninput: () => this.input.value || this.close(),
    });
    this.button = h("button.cx-button", { type: "submit" }, "Search");
    box.append(
      h(
        "form.cx-docs-search",
        {
          role: "search",
          onsubmit: (event) => {
            event.preventDefault();
            this.run(this.input.value);
          },
        },
        icon("search"),
        this.input,
        this.button,
      ),
    );
    this.results = h("section.cx-results", { "aria-label": "Passages found", hidden: true });
    results.append(this.results);
  }

  async run(query) {
    this.input.value = query;
    if (!query.trim()) return this.close();
    const number = ++this.asked;
    this.#show(this.#head("Searching …", "Cancel"));
    this.options.onquery(query);
    const { value, error } = await this.options.search(query);
    if (number !== this.asked) return;
    const failed = error?.message ?? value.error;
    if (failed) this.#failed(failed, value?.rebuild);
    else this.#found(value);
  }

  close() {
    this.asked += 1;
    if (!this.active) return;
    this.active = false;
    this.results.hidden = true;
    this.input.value = "";
    this.options.onquery(null);
    this.input.focus();
  }

  #show(...nodes) {
    this.active = true;
    this.results.hidden = false;
    fill(this.results, nodes);
  }

  #failed(message, rebuild) {
    const again = h(
      "button.cx-button.small",
      {
        onclick: () => {
          this.close();
          this.options.onrebuild();
        },
      },
      "Index everything again",
    );
    this.#show(
      this.#head("Not searched", "Back to the documents"),
      h("div.cx-error.cx-job-line", { role: "alert" }, h("span.cx-grow", message), rebuild ? again : null),
    );
  }

  #head(words, back) {
    return h(
      "header.cx-job-line",
      h("span.cx-grow", { role: "status" }, words),
      h("button.cx-button.small", { onclick: () => this.close() }, back),
    );
  }

  #found({ passages }) {
    const words = passages.length
      ? `${passages.length} ${passages.length === 1 ? "passage" : "passages"}, best first`
      : "Nothing was found. Try other words, or add documents that speak of it.";
    this.#show(
      this.#head(words, "Back to the documents"),
      h(
        "ol",
        passages.map((passage) => this.#passage(passage)),
      ),
    );
  }

  #passage(passage) {
    const query = new URLSearchParams({ open: passage.document_id, start: passage.start, end: passage.end });
    const place = [passage.page ? `page ${passage.page}` : null, passage.heading].filter(Boolean);
    const link = h(
      "a",
      {
        href: `?${query}`,
        onclick: (event) => {
          if (event.ctrlKey || event.metaKey || event.shiftKey) return;
          event.preventDefault();
          event.stopPropagation();
          this.#open(passage, link);
        },
      },
      h("bdi", ...reveal(passage.document)),
    );
    return h(
      "li.cx-result",
      { onclick: () => getSelection().isCollapsed && this.#open(passage, link) },
      h(
        "div.cx-result-head",
        link,
        place.length ? h("span.cx-muted.cx-place", h("bdi", ...reveal(place.join(" · ")))) : null,
        h(
          "span.cx-scores",
          passage.scores.map(({ label, meaning, value }) =>
            h("span", { title: `${label}: ${meaning}; ${value}` }, `${label} `, h("b.cx-num", number(value))),
          ),
        ),
      ),
      h(
        "p.cx-result-text",
        passage.parts.map(([text, marked]) => (marked ? h("mark", ...reveal(text)) : reveal(text))),
      ),
    );
  }

  #open(passage, link) {
    for (const one of this.results.querySelectorAll("[aria-current]")) one.removeAttribute("aria-current");
    link.closest("li").setAttribute("aria-current", "true");
    this.options.onopen(passage, link);
  }
}
