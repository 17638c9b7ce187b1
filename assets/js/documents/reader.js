// Reading a document: beside the list where there is room, over it where there is not.

import { keep } from "../shared/address.js";
import { escaped, unmoved } from "../shared/events.js";
import { html, nothing } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { alarm, button, iconButton, reveal, written } from "../shared/parts.js";
import { counted } from "../shared/words.js";

/** @import {Piece, Stretch, Wanted} from "./types" */

const ROOM = matchMedia("(min-width: 1000px)");
const MORE = 24_000; // characters brought by one "Show more"

/** @extends {Part<import("./page.js").DocumentsPage>} */
export class Reader extends Part {
  /** @type {Wanted | null} */
  wanted = null;
  /** @type {HTMLElement | null} */
  opener = null;
  /** @type {Stretch | null} */
  text = null;
  /** @type {string | null} Why there is no text, or not more of it. */
  failed = null;
  name = "";
  loading = false;

  /** @param {import("./page.js").DocumentsPage} page */
  constructor(page) {
    super(page);
    ROOM.addEventListener("change", () => {
      if (!this.wanted) return;
      this.dialog.close();
      this.#place();
    });
  }

  get dialog() {
    return /** @type {HTMLDialogElement} */ (this.page.find(".cx-reader"));
  }

  get body() {
    return /** @type {HTMLElement} */ (this.page.find(".cx-reader-body"));
  }

  /** @param {Wanted} wanted @param {HTMLElement | null} opener gets the focus back @param {string} name until the text is here */
  async open(wanted, opener = null, name = "Opening …", put = keep) {
    this.page.opened(wanted, put);
    this.set({ wanted, opener, text: null, failed: null, name });
    this.#place();
    const here = unmoved();
    const { value, error } = await this.page.call("read", wanted);
    if (this.wanted !== wanted) return;
    this.set({ text: value ?? null, failed: error?.message ?? null, name: value?.document.name ?? name });
    if (error) return;
    const { body } = this;
    const mark = body.querySelector("mark");
    const top = (/** @type {Element} */ element) => element.getBoundingClientRect().top;
    body.scrollTop = mark ? body.scrollTop + top(mark) - top(body) - 96 : 0;
    if (here()) body.focus({ preventScroll: true });
  }

  close(put = keep) {
    this.wanted = null;
    this.dialog.close();
    this.page.opened(null, put);
    this.page.paint();
    this.opener?.focus();
  }

  #place() {
    if (this.dialog.open) return;
    if (ROOM.matches) this.dialog.show();
    else this.dialog.showModal();
  }

  /** Read on, before or after what is shown. @param {-1 | 1} way */
  async #more(way) {
    const { wanted, text, body } = this;
    if (!wanted || !text || this.loading) return;
    const first = way < 0 ? Math.max(0, text.first - MORE) : text.last;
    const last = way < 0 ? text.first : Math.min(text.length, text.last + MORE);
    const here = unmoved();
    this.set({ loading: true, failed: null });
    const { value, error } = await this.page.call("read", { ...wanted, first, last });
    this.loading = false;
    if (this.wanted !== wanted) return;
    const height = body.scrollHeight;
    if (error) this.failed = error.message;
    else if (way < 0) Object.assign(text, { first: value.first, pieces: [...value.pieces, ...text.pieces] });
    else Object.assign(text, { last: value.last, pieces: [...text.pieces, ...value.pieces] });
    this.page.paint();
    if (way < 0) body.scrollTop += body.scrollHeight - height;
    const ended = way < 0 ? text.first === 0 : text.last === text.length;
    if (ended && here()) body.focus({ preventScroll: true });
  }

  view() {
    const { text } = this;
    const close = () => this.close();
    const cancel = (/** @type {Event} */ event) => {
      event.preventDefault();
      close();
    };
    return html`<dialog class="cx-card cx-reader" aria-label=${text ? `Text of ${text.document.name}` : "Text of the document"}
      @cancel=${cancel} @keydown=${escaped(close)}>
      <header class="cx-head"><div class="cx-grow"><h2 title=${text?.document.path ?? nothing}>${written(this.name)}</h2><p class="cx-hint">${text && where(text)}</p></div>
        ${iconButton("close", "Close the document", close, { title: "Close" })}</header>
      <div class="cx-reader-body" tabindex="0" role="region" aria-label="Text">${this.wanted && this.#shown()}</div></dialog>`;
  }

  #shown() {
    const { text, failed, loading } = this;
    if (!text) return failed ? alarm(failed) : html`<p class="cx-muted">Opening …</p>`;
    const more = (/** @type {-1 | 1} */ way, /** @type {string} */ words) =>
      button(words, () => this.#more(way), { disabled: loading });
    const earlier = text.first > 0 ? more(-1, "Show earlier text") : nothing;
    const later = text.last < text.length ? more(1, "Show later text") : nothing;
    return html`${alarm(failed)}${earlier}<div class="cx-doctext">${text.pieces.map(piece)}</div>${later}`;
  }
}

/** @param {Piece} piece */
function piece({ page, begins, text, marked }) {
  const line = begins ? html`<div class="cx-pageline cx-row">Page ${page}</div>` : nothing;
  return marked ? html`${line}<mark>${reveal(text)}</mark>` : html`${line}<span>${reveal(text)}</span>`;
}

/** Where one is in a document, and how long it is. @param {Stretch} text */
function where({ pieces, pages, length, document }) {
  const page = pieces.find(({ marked }) => marked)?.page;
  const place = page ? `page ${page} of ${pages}` : pages ? counted(pages, "page") : null;
  return [place, counted(length, "character"), document.reason].filter(Boolean).join(" · ");
}
