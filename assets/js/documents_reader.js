// Reading a document: beside the list where there is room, over it where there is not.

import { fill, h, icon, reveal } from "./dom.js";
import { unmoved } from "./waits.js";

const ROOM = matchMedia("(min-width: 1000px)");
const MORE = 24000; // characters brought by one "Show more"

export class Reader {
  /** options: {read(wanted), onchange(open or null)}. */
  constructor(dialog, options) {
    Object.assign(this, { dialog, options, wanted: null, opener: null });
    this.title = h("h2");
    this.where = h("p.cx-muted");
    this.body = h("div.cx-reader-body", { tabindex: "0", role: "region", "aria-label": "Text" });
    dialog.append(
      h(
        "header",
        h("div.cx-grow", this.title, this.where),
        h(
          "button.cx-icon-button",
          { title: "Close", "aria-label": "Close the document", onclick: () => this.close() },
          icon("close"),
        ),
      ),
      this.body,
    );
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      this.close();
    });
    dialog.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
    ROOM.addEventListener("change", () => {
      if (!this.wanted) return;
      dialog.close();
      this.#place();
    });
  }

  /** wanted: {id, start, end}; opener gets the focus back; name is shown until the text is here. */
  async open(wanted, { opener = null, name = "" } = {}) {
    Object.assign(this, { wanted, opener });
    this.options.onchange(wanted);
    fill(this.title, h("bdi", ...reveal(name || "Opening …")));
    this.where.textContent = "";
    fill(this.body, h("p.cx-muted", "Opening …"));
    this.#place();
    const here = unmoved();
    const { value, error } = await this.options.read(wanted);
    if (this.wanted !== wanted) return;
    if (error) return void fill(this.body, h("p.cx-error", { role: "alert" }, error.message));
    this.#show(value);
    if (here()) this.body.focus({ preventScroll: true });
  }

  close() {
    this.wanted = null;
    this.dialog.close();
    this.options.onchange(null);
    this.opener?.focus();
  }

  #place() {
    if (this.dialog.open) return;
    if (ROOM.matches) this.dialog.show();
    else this.dialog.showModal();
  }

  #show(found) {
    const { document: file } = found;
    fill(this.title, h("bdi", ...reveal(file.name)));
    this.title.title = file.path;
    this.dialog.setAttribute("aria-label", `Text of ${file.name}`);
    this.text = h("div.cx-doctext", pieces(found));
    this.range = { first: found.first, last: found.last, length: found.length };
    this.earlier = h("button.cx-button.small", { onclick: () => this.#more(-1) }, "Show earlier text");
    this.later = h("button.cx-button.small", { onclick: () => this.#more(1) }, "Show later text");
    fill(this.body, this.earlier, this.text, this.later);
    this.#edges();
    const mark = this.text.querySelector("mark");
    const page = found.pieces.find(({ marked }) => marked)?.page;
    this.where.textContent = [
      page ? `page ${page} of ${found.pages}` : found.pages ? `${found.pages} pages` : null,
      `${found.length.toLocaleString("en")} ${found.length === 1 ? "character" : "characters"}`,
      file.reason,
    ]
      .filter(Boolean)
      .join(" · ");
    if (mark) this.body.scrollTop += mark.getBoundingClientRect().top - this.body.getBoundingClientRect().top - 96;
    else this.body.scrollTop = 0;
  }

  async #more(way) {
    const { wanted, range } = this;
    const first = way < 0 ? Math.max(0, range.first - MORE) : range.last;
    const last = way < 0 ? range.first : Math.min(range.length, range.last + MORE);
    const button = way < 0 ? this.earlier : this.later;
    const here = unmoved();
    button.disabled = true;
    const { value, error } = await this.options.read({ ...wanted, first, last });
    button.disabled = false;
    if (this.wanted !== wanted) return;
    if (error) return void button.before(h("p.cx-error", { role: "alert" }, error.message));
    const height = this.body.scrollHeight;
    if (way < 0) {
      this.text.prepend(...pieces(value));
      this.body.scrollTop += this.body.scrollHeight - height;
      range.first = value.first;
    } else {
      this.text.append(...pieces(value));
      range.last = value.last;
    }
    this.#edges();
    if (button.hidden && here()) this.body.focus({ preventScroll: true });
  }

  #edges() {
    this.earlier.hidden = this.range.first === 0;
    this.later.hidden = this.range.last === this.range.length;
  }
}

function pieces(found) {
  return found.pieces.flatMap(({ page, begins, text, marked }) => [
    ...(begins ? [h("div.cx-pageline", `Page ${page}`)] : []),
    marked ? h("mark", ...reveal(text)) : h("span", ...reveal(text)),
  ]);
}
