// The Documents page: what is in the index, what is done with it, and which part shows it.

import { asked, keep, returned, settle } from "../shared/address.js";
import { JobPage } from "../shared/jobs.js";
import { html } from "../shared/lit.js";
import { alarm, button } from "../shared/parts.js";
import { single } from "../shared/server.js";
import { count } from "../shared/words.js";
import { Reader } from "./reader.js";
import { Search } from "./search.js";
import { Documents } from "./table.js";
import { Upload } from "./upload.js";

/** @import {Given} from "../shared/types" */
/** @import {State, Wanted} from "./types" */

const TABLE = 1500; // milliseconds between two tables while something runs

/** @param {Given} given */
export function mount(given) {
  new DocumentsPage(given).start();
}

/** @extends {JobPage<State>} */
export class DocumentsPage extends JobPage {
  /** @type {string | null} What could not even be begun. */
  failed = null;
  listed = 0;
  reader = new Reader(this);
  search = new Search(this);
  upload = new Upload(this);
  table = new Documents(this);

  /** @param {Given} given */
  constructor(given) {
    super(given, {
      label: "Indexing",
      more: ({ rebuild }) => rebuild && button("Rebuild the index", this.rebuild),
      words: ({ state, summary }) =>
        state === "done" ? `Done: ${summary}.` : "Stopped; what was indexed stays.",
    });
  }

  start() {
    this.paint();
    this.poller.start();
    addEventListener("beforeunload", (event) => this.upload.busy && event.preventDefault());
    this.#arrive(asked());
    returned((query) => this.#arrive(query));
  }

  /** Search and open what the address names. @param {URLSearchParams} query */
  #arrive(query) {
    const [words, id] = [query.get("q") ?? "", query.get("open")];
    if (words !== this.search.query) this.search.run(words, settle);
    if (id)
      this.reader.open({ id, start: query.get("start"), end: query.get("end") }, null, undefined, settle);
    else if (this.reader.wanted) this.reader.close(settle);
  }

  seen() {
    return { seen: this.state?.version ?? null, brief: this.running && Date.now() - this.listed < TABLE };
  }

  /** @param {State} state */
  show(state) {
    const ended = this.running && state.job?.state !== "running";
    // Between two tables the version stays that of the one that is shown.
    const { documents = null, version = "" } = this.state ?? {};
    super.show(state.documents ? state : { ...state, documents, version });
    if (state.documents) this.listed = Date.now();
    else if (ended) this.poller.look();
  }

  addFolder = single((/** @type {string} */ folder) => this.#started("index", { folder }));
  rebuild = single(() => this.#started("rebuild", {}));
  check = single(() => this.index({ check: true }));

  index = (/** @type {{check?: boolean}} */ wanted) => this.#started("index", wanted);

  /** @param {string[]} ids @returns {Promise<string | null>} */
  async remove(ids) {
    const { value, error } = await this.call("remove", { ids });
    if (value) this.show(value);
    if (value && this.reader.wanted && ids.includes(this.reader.wanted.id)) this.reader.close(settle);
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
    const states = { empty: !any, searching: active, reading: this.reader.wanted };
    const shown = Object.entries(states).flatMap(([name, on]) => (on ? [name] : []));
    const now = button(
      "Index now",
      single(() => this.index({})),
      { kind: "small primary" },
    );
    const wait = html`<span>${count(waiting)} ${waiting === 1 ? "file is" : "files are"} waiting to be indexed.</span>${now}`;
    // A job that did nothing has nothing to say.
    const told = job?.state === "done" && !job.summary ? null : job;
    return html`<div class="cx-page documents ${shown.join(" ")}"><h1 class="cx-sr">Documents</h1>
      <section class="cx-column loose cx-documents" aria-label="Your documents">
        ${any || active ? this.search.view() : null}
        <div data-part="upload">${this.upload.view(any)}</div>
        <div data-part="job">${alarm(this.failed)}${this.job.view(told, waiting > 0 && !this.upload.busy ? wait : null)}</div>
        <div>${this.search.results()}</div>
        <div ?hidden=${!any || active}>${this.table.view(documents ?? [])}</div></section>${this.reader.view()}</div>`;
  }

  /** What is read or searched stands in the address. @param {Wanted | null} open */
  opened(open, put = keep) {
    put({ open: open?.id, start: open?.start, end: open?.end });
  }
}
