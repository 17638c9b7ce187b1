// A file of questions: sent once, its columns said, a preview at each change, then imported or discarded.

import { fieldOf, pickFile, textOf } from "../shared/events.js";
import { choice, field } from "../shared/form.js";
import { meter } from "../shared/jobs.js";
import { html, live, nothing } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { alarm, button, copied, muted, working, written } from "../shared/parts.js";
import { reason, send, unwanted } from "../shared/sending.js";
import { latest, single } from "../shared/server.js";
import { column, scrolled } from "../shared/table.js";
import { bytes } from "../shared/words.js";

/** @import {Draft} from "./types" */

const NOTHING = { name: "", split: "", keys: "", encoding: "", grader: "", accept: false };

/** @extends {Part<import("./page.js").Evaluate>} */
export class Upload extends Part {
  /** @type {{file: File, sent: number, request: XMLHttpRequest} | null} */
  sending = null;
  /** @type {string | null} */
  failed = null;
  /** @type {Draft | null} What the server makes of the file. */
  draft = null;
  id = "";
  said = "";
  note = "";
  busy = "";
  /** @type {string | null} The import that runs. */
  job = null;
  wanted = NOTHING;
  /** @type {Record<string, string[]>} The columns that were chosen. */
  columns = {};

  look = latest(async () => {
    this.set({ busy: this.draft && "Reading the file" });
    const { id } = this;
    const { value, error } = await this.page.call("draft", this.asked);
    if (id !== this.id) return;
    this.set({ busy: "", failed: error?.message ?? null, draft: value ?? this.draft });
  });

  import = single(async () => {
    this.set({ busy: "Importing", failed: null });
    let { value, error } = await this.page.call("import_draft", this.asked);
    while (value?.job) {
      this.set({ busy: value.words, job: value.job });
      ({ value, error } = await this.page.call("importing", { job: value.job }));
    }
    this.set({ busy: "", job: null, failed: error?.message ?? null });
    if (!value) return;
    this.#end();
    await this.page.imported(value.name);
    this.set({ said: value.said });
  });

  get asked() {
    return { draft: this.id, columns: this.columns, ...this.wanted };
  }

  /** Send the file that was chosen. @param {File} file */
  pick(file) {
    if (this.draft) this.#discard();
    Object.assign(this, { wanted: NOTHING, columns: {}, failed: null, said: "", note: "" });
    const why = unwanted(file.name, file, this.page.config.upload);
    if (why) return this.set({ failed: `${file.name} ${why}.` });
    const id = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
    const path = `datasets/drafts/${id}?file=${encodeURIComponent(file.name)}`;
    const progress = (/** @type {number} */ sent) =>
      this.sending && this.set({ sending: { ...this.sending, sent } });
    const request = send(path, file, progress, (request) => this.#arrived(request));
    this.set({ id, sending: { file, sent: 0, request } });
  }

  async #arrived(/** @type {XMLHttpRequest} */ request) {
    if (this.sending?.request !== request) return;
    const { file } = this.sending;
    const arrived = request.status === 201;
    this.set({ sending: null, failed: arrived ? null : `${file.name}: ${reason(request)}` });
    if (!arrived) return;
    await this.look();
    this.page.focus(".cx-upload h2");
  }

  #abort = () => {
    const request = this.sending?.request;
    this.set({ sending: null });
    request?.abort();
    this.#discard();
    this.page.focus("[data-act=upload]");
  };

  #discard() {
    if (this.id) this.page.call("discard", { draft: this.id });
    this.#end();
  }

  #end() {
    this.set({ draft: null, id: "", busy: "", failed: null });
  }

  #change(/** @type {Partial<typeof NOTHING>} */ change) {
    this.set({ wanted: { ...this.wanted, ...change }, note: "" });
    this.look();
  }

  #take(/** @type {string} */ name, /** @type {string[]} */ chosen) {
    this.columns = { ...this.columns, [name]: [...new Set(chosen.filter(Boolean))] };
    this.look();
  }

  /** The way in, beside the datasets. */
  button() {
    const { suffixes } = this.page.config.upload;
    const chosen = (/** @type {Event} */ event) => {
      const input = fieldOf(event);
      const [file] = input.files ?? [];
      if (file) this.pick(file);
      input.value = "";
    };
    const accept = [...suffixes.filter((/** @type {string} */ each) => !each.endsWith(".gz")), ".gz"].join(
      ",",
    );
    return html`<div class="cx-row wrap">${button("Upload…", pickFile, { act: "upload", title: "Import questions from a CSV, TSV, JSON, JSONL or Parquet file" })}<input
        type="file" hidden accept=${accept} @change=${chosen}><span class="cx-hint" role="status">${written(this.said)}</span></div>`;
  }

  view() {
    const { sending, draft, failed } = this;
    if (!sending && !draft && !failed) return nothing;
    return html`<section class="cx-card cx-body cx-upload" aria-label="Upload a dataset" aria-busy=${this.busy ? "true" : nothing}>
      ${sending ? this.#sending(sending) : nothing}${draft && !sending ? this.#draft(draft) : alarm(failed)}
      ${draft || sending ? nothing : button("Close", this.#abort)}</section>`;
  }

  #sending(/** @type {NonNullable<typeof this.sending>} */ { file, sent }) {
    return html`<div class="cx-row wrap"><strong>Uploading ${written(file.name)}</strong>${muted(`${bytes(sent)} of ${bytes(file.size)}`, "cx-num")}${button("Cancel", this.#abort)}</div>
      ${meter(file.size ? sent / file.size : 1, "Uploading")}`;
  }

  #draft(/** @type {Draft} */ draft) {
    const { wanted, busy, failed } = this;
    const { taken, error, too_many, rejections } = draft;
    const ready = !busy && !taken && !error && (!too_many || wanted.accept);
    const accept = html`<label class="cx-check"><input type="checkbox" .checked=${live(wanted.accept)}
      @change=${(/** @type {Event} */ event) => this.#change({ accept: fieldOf(event).checked })}>${too_many} Import the others all the same</label>`;
    const copy = async () => {
      const { value, error } = await this.page.call("rejected", this.asked);
      if (value) await copied(value);
      this.set({ failed: error?.message ?? null, note: value ? "Copied" : "" });
    };
    const cancel = () => (this.job ? this.page.call("cancel_import", { job: this.job }) : this.#abort());
    const rejected = html`<div class="cx-row wrap"><strong class="cx-grow">${rejections}</strong>${muted(this.note)}${button("Copy all rejected rows", copy)}</div>
      ${scrolled("Rejected rows", REJECTED, draft.rejected, ({ line, reason }) => `${line} ${reason}`)}`;
    return html`<h2 tabindex="-1">Upload ${written(draft.file)}</h2>${this.#fields(draft)}
      ${alarm(error)}<div class="cx-row wrap" role="status"><span>${error ? nothing : draft.words}</span>${working(busy)}</div>
      ${scrolled("First questions", FIRST, draft.items, ({ id }) => id)}
      ${rejections ? rejected : nothing}${too_many ? accept : nothing}${alarm(failed)}
      <div class="cx-row">${button("Import", this.import, { kind: "primary", disabled: !ready })}${button("Cancel", cancel, { kind: "", disabled: busy === "Importing" })}</div>`;
  }

  #fields(/** @type {Draft} */ draft) {
    const { wanted } = this;
    const names = draft.names.map((name) => /** @type {[string, string]} */ ([name, name]));
    /** @type {(chosen: string[], at: number, field: Draft["fields"][number]) => unknown} */
    const one = (chosen, at, { name, label }) =>
      choice([["", at ? "and no other" : "none"], ...names], {
        label: at ? `${label}, column ${at + 1}` : label,
        value: chosen[at] ?? "",
        change: (column) => this.#take(name, chosen.toSpliced(at, 1, column)),
      });
    const columns = draft.fields.map((each) => {
      const { chosen, several, label } = each;
      const places = [...Array(several && chosen.length ? chosen.length + 1 : 1).keys()];
      return html`<div class="cx-field"><span>${label}</span>${places.map((at) => one(chosen, at, each))}</div>`;
    });
    /** @type {(label: string, key: "grader" | "encoding" | "keys", options: [string, string][]) => unknown} */
    const select = (label, key, options) =>
      field(
        label,
        choice(options, { value: wanted[key], change: (value) => this.#change({ [key]: value }) }),
      );
    /** @type {(label: string, key: "name" | "split", value: string, invalid?: boolean) => unknown} */
    const text = (label, key, value, invalid = false) =>
      field(
        label,
        html`<input class="cx-input" type="text" maxlength="64" spellcheck="false" autocomplete="off" value=${value} aria-invalid=${String(invalid)}
          @input=${(/** @type {Event} */ event) => this.#change({ [key]: textOf(event) })}>`,
      );
    return html`<div class="cx-upload-fields">${text("Dataset name", "name", draft.name, Boolean(draft.taken))}${select("Graded by", "grader", draft.graders)}
        ${select("Encoding", "encoding", draft.encodings)}${text("Split several answers at", "split", "")}
        ${draft.keys.length ? select("Correct choices are", "keys", draft.keys) : nothing}</div>${alarm(draft.taken)}
      <h3>Columns</h3><div class="cx-upload-fields">${columns}</div>`;
  }
}

/** @type {import("../shared/types").Column<Draft["items"][number]>[]} */
const FIRST = [
  column(
    "asked",
    "Question as it is asked",
    ({ asked, context }) =>
      html`<div class="cx-pre">${written(asked)}</div>${context ? html`<div class="cx-clamp cx-muted">${written(context)}</div>` : nothing}`,
    { head: true },
  ),
  column("answers", "Accepted answers", ({ answers }) =>
    answers.map((each) => html`<div>${written(each)}</div>`),
  ),
  column("grader", "Graded by", ({ grader }) => grader),
  column("id", "Id", ({ id }) => written(id)),
  column("group", "Group", ({ group }) => written(group)),
];
/** @type {import("../shared/types").Column<Draft["rejected"][number]>[]} */
const REJECTED = [
  column("line", "Line", ({ line }) => line, { head: true }),
  column("reason", "Reason", ({ reason }) => written(reason)),
];
