// The Documents page: what is in the index, what is done with it, and which part shows it.

import { JobBar } from "./documents_job.js";
import { Reader } from "./documents_reader.js";
import { Search } from "./documents_search.js";
import { Table } from "./documents_table.js";
import { Upload } from "./documents_upload.js";
import { caller } from "./lab.js";
import { again, newest, single } from "./waits.js";

// Milliseconds between two looks: while something runs, otherwise, and between two tables while it runs.
const BUSY = 500;
const IDLE = 4000;
const TABLE = 1500;

export function mount({ element, props, server }) {
  new Documents(element, JSON.parse(props.config), caller(server)).start();
}

class Documents {
  constructor(element, config, call) {
    Object.assign(this, { call, version: null, listed: 0, timer: null, documents: [], newest: newest() });
    const rebuild = single(() => this.#started("rebuild", {}));
    const part = (name) => element.querySelector(`[data-part="${name}"]`);
    this.page = part("page");
    this.parts = { search: part("search"), table: part("table") };
    this.reader = new Reader(part("reader"), {
      read: (wanted) => this.call("read", wanted),
      onchange: (open) => {
        this.page.classList.toggle("reading", Boolean(open));
        this.address({ open: open?.id, start: open?.start, end: open?.end });
      },
    });
    this.search = new Search(part("search"), part("results"), {
      search: (query) => this.call("search", { query }),
      onopen: (passage, opener) =>
        this.reader.open(
          { id: passage.document_id, start: passage.start, end: passage.end },
          { opener, name: passage.document },
        ),
      onquery: (query) => {
        this.address({ q: query });
        this.#arrange();
      },
      onrebuild: rebuild,
    });
    this.upload = new Upload(part("upload"), {
      ...config,
      ondone: () => this.index({}),
      onfolder: single((folder) => this.index({ folder })),
    });
    this.job = new JobBar(part("job"), {
      oncancel: (job) => this.call("cancel", { job }),
      onindex: single(() => this.index({})),
      onrebuild: rebuild,
    });
    this.table = new Table(part("table"), {
      onopen: (document, opener) => this.reader.open({ id: document.id }, { opener, name: document.name }),
      onremove: (ids) => this.remove(ids),
      oncheck: single(() => this.index({ check: true })),
    });
  }

  start() {
    const query = new URLSearchParams(location.search);
    this.look();
    again(() => this.look());
    addEventListener("beforeunload", (event) => this.upload.busy && event.preventDefault());
    if (query.get("q")) this.search.run(query.get("q"));
    if (query.get("open")) {
      const [start, end] = [query.get("start"), query.get("end")];
      this.reader.open({ id: query.get("open"), start, end });
    }
  }

  async look() {
    clearTimeout(this.timer);
    const running = this.state?.job?.state === "running";
    const brief = running && Date.now() - this.listed < TABLE;
    const answer = await this.newest(this.call("look", { seen: this.version, brief }));
    if (!answer) return;
    const { value, error } = answer;
    if (value) this.show(value);
    this.job.unreachable(error?.message);
    if (!document.hidden)
      this.timer = setTimeout(() => this.look(), this.state?.job?.state === "running" ? BUSY : IDLE);
  }

  show(state) {
    const ended = this.state?.job?.state === "running" && state.job?.state !== "running";
    this.state = state;
    if (state.documents) {
      this.version = state.version;
      this.listed = Date.now();
      this.documents = state.documents;
      this.table.show(state.documents);
    } else if (ended) this.look();
    this.job.show(state.job, state.waiting, this.upload.busy);
    this.upload.compact(state.total > 0);
    this.#arrange();
  }

  async index(wanted) {
    return this.#started("index", wanted);
  }

  async remove(ids) {
    const { value, error } = await this.call("remove", { ids });
    if (value) this.show(value);
    if (value && ids.includes(this.reader.wanted?.id)) this.reader.close();
    this.look(); // one that is on its way may still hold what was removed
    return error?.message ?? null;
  }

  async #started(name, wanted) {
    const { value, error } = await this.call(name, wanted);
    if (error && !(this.state?.job?.state === "running" && !wanted.folder)) {
      if (wanted.folder) this.upload.failFolder(error.message);
      else this.job.fail(error.message);
    }
    if (value) this.job.show(value, 0, false);
    await this.look();
    return !error;
  }

  address(values) {
    const url = new URL(location.href);
    for (const [name, value] of Object.entries(values))
      if (value !== undefined && value !== null && value !== "") url.searchParams.set(name, value);
      else url.searchParams.delete(name);
    history.replaceState(null, "", url);
  }

  // While results are shown, they stand in the place of the table.
  #arrange() {
    const any = (this.state?.total ?? 0) > 0;
    this.page.classList.toggle("empty", !any);
    this.page.classList.toggle("searching", this.search.active);
    this.parts.search.hidden = !any && !this.search.active;
    this.parts.table.hidden = !any || this.search.active;
  }
}
