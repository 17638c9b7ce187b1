// The Documents page: what is in the index, what is done with it, and which part shows it.

import { asked, keep } from "../shared/address.js";
import { JobBar } from "../shared/jobs.js";
import { html } from "../shared/lit.js";
import { Page } from "../shared/page.js";
import { alarm, button } from "../shared/parts.js";
import { Poller, single } from "../shared/server.js";
import { count } from "../shared/words.js";
import { Reader } from "./reader.js";
import { Search } from "./search.js";
import { Documents } from "./table.js";
import { Upload } from "./upload.js";

/** @import {State, Wanted} from "./types" */

// Milliseconds between two looks: while something runs, otherwise, and between two tables while it runs.
const BUSY = 500;
const IDLE = 4000;
const TABLE = 1500;

/** @param {import("../shared/page.js").Given} given */
export function mount(given) {
  new DocumentsPage(given).start();
}

class DocumentsPage extends Page {
  /** @type {State | null} */
  state = null;
  /** @type {string | null} What could not even be begun. */
  failed = null;
  listed = 0;

  /** @param {import("../shared/page.js").Given} given */
  constructor(given) {
    super(given);
    const { paint, call } = this;
    this.reader = new Reader(this, (wanted) => call("read", wanted));
    this.search = new Search(this, {
      search: (query) => call("search", { query }),
      open: (passage, opener) =>
        this.reader.open(
          { id: passage.document_id, start: passage.start, end: passage.end },
          opener,
          passage.document,
        ),
      rebuild: this.rebuild,
    });
    this.upload = new Upload(paint, this.config, {
      done: () => this.index({}),
      folder: single((folder) => this.index({ folder })),
    });
    this.job = new JobBar({
      label: "Indexing",
      paint,
      cancel: ({ id }) => call("cancel", { job: id }),
      more: ({ rebuild }) => rebuild && button("Index everything again", this.rebuild),
      words: ({ state, summary }) =>
        state === "done" ? `Done: ${summary}.` : "Stopped; what was indexed stays.",
    });
    this.table = new Documents(this, {
      open: (document, opener) => this.reader.open({ id: document.id }, opener, document.name),
      remove: (ids) => this.remove(ids),
      check: single(() => this.index({ check: true })),
    });
    this.poller = new Poller({
      ask: () => {
        const brief = this.running && Date.now() - this.listed < TABLE;
        return call("look", { seen: this.state?.version ?? null, brief });
      },
      show: ({ value, error }) => {
        this.job.lost = error?.message ?? null;
        if (value) this.show(value);
        this.paint();
      },
      wait: () => (this.running ? BUSY : IDLE),
    });
  }

  start() {
    const query = asked();
    this.paint();
    this.poller.start();
    addEventListener("beforeunload", (event) => this.upload.busy && event.preventDefault());
    const [words, id] = [query.get("q"), query.get("open")];
    if (words) this.search.run(words);
    if (id) this.reader.open({ id, start: query.get("start"), end: query.get("end") });
  }

  get running() {
    return this.state?.job?.state === "running";
  }

  /** @param {State} state */
  show(state) {
    const ended = this.running && state.job?.state !== "running";
    // Between two tables the version stays that of the one that is shown.
    const { documents = null, version = "" } = this.state ?? {};
    this.state = state.documents ? state : { ...state, documents, version };
    if (state.documents) this.listed = Date.now();
    else if (ended) this.poller.look();
  }

  index = (/** @type {{folder?: string, check?: boolean}} */ wanted) => this.#started("index", wanted);

  rebuild = single(() => this.#started("rebuild", {}));

  /** @param {string[]} ids @returns {Promise<string | null>} */
  async remove(ids) {
    const { value, error } = await this.call("remove", { ids });
    if (value) this.show(value);
    if (value && this.reader.wanted && ids.includes(this.reader.wanted.id)) this.reader.close();
    this.poller.look(); // one that is on its way may still hold what was removed
    return error?.message ?? null;
  }

  /** @param {string} name @param {{folder?: string, check?: boolean}} wanted */
  async #started(name, wanted) {
    const { value, error } = await this.call(name, wanted);
    const message = error && !(this.running && !wanted.folder) ? error.message : null;
    if (wanted.folder) this.upload.refused = message;
    else this.failed = message;
    if (value && this.state) this.state.job = value;
    this.paint();
    await this.poller.look();
    return !error;
  }

  view() {
    const { job = null, waiting = 0, total = 0, documents = null } = this.state ?? {};
    const { active } = this.search;
    const any = total > 0;
    const page = { empty: !any, searching: active, reading: this.reader.wanted };
    const shown = Object.entries(page).flatMap(([name, on]) => (on ? [name] : []));
    const wait =
      waiting > 0 &&
      !this.upload.busy &&
      html`<span>${count(waiting)} ${waiting === 1 ? "file waits" : "files wait"} to be indexed.</span>
      ${button(
        "Index them",
        single(() => this.index({})),
        { kind: "small primary" },
      )}`;
    // A job that did nothing has nothing to say.
    const told = job?.state === "done" && !job.summary ? null : job;
    return html`<div class="cx-docs ${shown.join(" ")}">
      <h1 class="cx-sr">Documents</h1>
      <section class="cx-docs-main" aria-label="Your documents">
        ${any || active ? this.search.view() : null}
        <div data-part="upload">${this.upload.view(any)}</div>
        <div data-part="job">${alarm(this.failed)}${this.job.view(told, wait || null)}</div>
        <div>${this.search.results()}</div>
        <div ?hidden=${!any || active}>${this.table.view(documents ?? [])}</div>
      </section>
      ${this.reader.view()}
    </div>`;
  }

  /** What is read or searched stands in the address. @param {Wanted | null} open */
  opened(open) {
    keep({ open: open?.id, start: open?.start, end: open?.end });
  }
}
