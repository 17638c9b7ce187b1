// Bringing files in: dropped or chosen, sent one by one, each streamed to disk by the server.

import { fieldOf, pickFile, submitted } from "../shared/events.js";
import { meter } from "../shared/jobs.js";
import { html, nothing } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { alarm, button, icon, iconButton, muted, written } from "../shared/parts.js";
import { reason, send, unwanted } from "../shared/sending.js";
import { bytes, counted, duration } from "../shared/words.js";

/** @import {Batch, Entry} from "./types" */

const AT_ONCE = 3;

/** @extends {Part<import("./page.js").DocumentsPage>} */
export class Upload extends Part {
  /** @type {Batch | null} */
  batch = null;
  /** @type {string | null} Why a folder cannot be added. */
  refused = null;
  over = false;

  /** @param {import("./page.js").DocumentsPage} page */
  constructor(page) {
    super(page);
    this.#listen();
  }

  get busy() {
    return Boolean(this.batch && !this.batch.ended);
  }

  /** @param {Entry[]} entries */
  add(entries) {
    const wanted = entries.filter(({ name }) => !name.split("/").some((part) => part.startsWith(".")));
    if (!wanted.length) return;
    const batch = this.batch && !this.batch.ended ? this.batch : begun();
    this.batch = batch;
    for (const entry of wanted) {
      const why = unwanted(entry.name, entry.file, this.page.config);
      if (why) batch.left.push({ name: entry.name, why });
      else {
        batch.queue.push(entry);
        batch.files += 1;
        batch.total += entry.file?.size ?? 0;
      }
    }
    for (let i = batch.active.size; i < AT_ONCE; i++) this.#next(batch);
    this.page.paint();
  }

  #next(/** @type {Batch} */ batch) {
    const entry = batch.queue.shift();
    if (entry) return this.#send(batch, entry);
    if (batch.active.size || batch.ended) return;
    batch.ended = true;
    if (quiet(batch)) this.batch = null;
    if (batch.done) this.page.index({});
  }

  #send(/** @type {Batch} */ batch, /** @type {Entry} */ entry) {
    const name = entry.name.split("/").map(encodeURIComponent).join("/");
    const progress = (/** @type {number} */ sent) => {
      batch.active.set(request, sent);
      this.page.paint();
    };
    const done = () => {
      batch.active.delete(request);
      batch.sent += entry.file?.size ?? 0;
      if (request.status === 201) batch.done += 1;
      else if (request.status === 409 && !entry.replace) batch.clashes.push(entry);
      else if (!batch.cancelled) batch.left.push({ name: entry.name, why: reason(request) });
      this.#next(batch);
      this.page.paint();
    };
    const path = `documents/${name}${entry.replace ? "?replace=true" : ""}`;
    const request = send(path, entry.file, progress, done);
    batch.active.set(request, 0);
  }

  #cancel(/** @type {Batch} */ batch) {
    batch.cancelled = true;
    batch.queue.length = 0;
    for (const request of [...batch.active.keys()]) request.abort();
  }

  #dismiss = () => this.set({ batch: null });

  /** @param {boolean} compact small once there are documents */
  view(compact) {
    const { batch } = this;
    const picks = [
      button("Choose files", pickFile),
      this.#picker(false),
      button("Choose a folder", pickFile),
      this.#picker(true),
    ];
    return html`<div class="cx-intro" ?hidden=${compact}><h2>Answers grounded in your own documents</h2>
        <p class="cx-muted">Add PDF, Word, HTML, Markdown, text or CSV files: Codex retrieves passages from them and shows the words an answer rests on. They stay on this machine.</p></div>
      <div class="cx-card cx-drop ${compact ? "compact" : ""} ${this.over ? "over" : ""}">
        <div class="cx-row cx-drop-words">${icon("upload")}<span>Drop files or folders here</span></div>
        <div class="cx-row">${picks}</div>${this.page.config.local ? this.#folder() : nothing}</div>
      ${alarm(this.refused)}
      <section class="cx-card cx-job" aria-label="Upload" ?hidden=${!batch}>${batch && (batch.ended ? this.#result(batch) : this.#sending(batch))}</section>`;
  }

  #picker(/** @type {boolean} */ folders) {
    const chosen = (/** @type {Event} */ event) => {
      const input = fieldOf(event);
      this.add(
        [...(input.files ?? [])].map((file) => ({ name: file.webkitRelativePath || file.name, file })),
      );
      input.value = "";
    };
    return html`<input type="file" multiple hidden ?webkitdirectory=${folders} @change=${chosen}>`;
  }

  #folder() {
    const add = async (/** @type {HTMLFormElement} */ form) => {
      const field = /** @type {HTMLInputElement} */ (form.querySelector("input"));
      const path = field.value;
      this.set({ refused: null });
      if (path.trim() && (await this.page.addFolder(path)) && field.value === path) field.value = "";
    };
    return html`<form class="cx-row cx-drop-path" @submit=${submitted(add)}>${muted("or a folder on this machine")}
      <input class="cx-input" type="text" aria-label="A folder on this machine" aria-invalid=${String(Boolean(this.refused))}
        placeholder="/home/me/papers" spellcheck="false"><button type="submit" class="cx-button small">Add</button></form>`;
  }

  #sending(/** @type {Batch} */ batch) {
    const sent = batch.sent + [...batch.active.values()].reduce((sum, size) => sum + size, 0);
    const rate = (1000 * sent) / Math.max(1, performance.now() - batch.started);
    const arrived = batch.files - batch.queue.length - batch.active.size;
    const words = [`${arrived} of ${batch.files} files`, `${bytes(sent)} of ${bytes(batch.total)}`];
    if (rate) words.push(`${bytes(rate)}/s`, `about ${duration((batch.total - sent) / rate)} left`);
    const cancel = button("Cancel", () => this.#cancel(batch));
    return html`<div class="cx-row wrap"><strong>Uploading</strong>${muted(words.join(" · "), "cx-num")}${cancel}</div>
      ${meter(batch.total ? sent / batch.total : 1, "Uploading")}`;
  }

  #result(/** @type {Batch} */ batch) {
    const { clashes, left } = batch;
    const replace = () => {
      this.batch = null;
      this.add(clashes.map((entry) => ({ ...entry, replace: true })));
    };
    const choices = [
      button(clashes.length === 1 ? "Replace it" : "Replace them", replace),
      button("Keep existing", this.#dismiss),
    ];
    return html`<div class="cx-row wrap"><span class="cx-grow">${ended(batch)}</span>${clashes.length ? choices : iconButton("close", "Dismiss", this.#dismiss)}</div>
      ${list("Already here", clashes)}${list("Skipped", left)}`;
  }

  // Files may be dropped anywhere on the page.
  #listen() {
    let depth = 0;
    const over = (/** @type {number} */ now) => {
      depth = now;
      this.set({ over: depth > 0 });
    };
    /** @type {(name: "dragenter" | "dragleave" | "dragover" | "drop", handle: (event: DragEvent) => unknown) => void} */
    const on = (name, handle) =>
      document.addEventListener(
        name,
        (event) => event.dataTransfer?.types.includes("Files") && handle(event),
      );
    on("dragenter", () => over(depth + 1));
    on("dragleave", () => over(depth - 1));
    on("dragover", (event) => event.preventDefault());
    on("drop", async (event) => {
      event.preventDefault();
      over(0);
      this.add(await dropped(/** @type {DataTransfer} */ (event.dataTransfer)));
    });
  }
}

/** @returns {Batch} */
function begun() {
  const none = { total: 0, files: 0, sent: 0, done: 0, ended: false, cancelled: false };
  return { ...none, queue: [], left: [], clashes: [], active: new Map(), started: performance.now() };
}

/** @param {Batch} batch */
function quiet({ left, clashes, cancelled }) {
  return !left.length && !clashes.length && !cancelled;
}

/** The files of a drop, folders walked through. @param {DataTransfer} transfer */
async function dropped(transfer) {
  // All entries must be taken before the first wait: afterwards the drop is empty.
  const items = [...transfer.items].filter(({ kind }) => kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
  /** @type {Entry[]} */
  const found = [];
  for (const entry of entries) await walk(entry, found);
  return found;
}

/** @param {any} entry @param {Entry[]} found */
async function walk(entry, found) {
  if (!entry) return;
  if (entry instanceof File) return void found.push({ name: entry.name, file: entry });
  if (entry.isFile) {
    const file = await new Promise((done) => entry.file(done, () => done(null)));
    return void found.push({ name: entry.fullPath.replace(/^\//, ""), file });
  }
  const reader = entry.createReader();
  for (;;) {
    const batch = await new Promise((done) => reader.readEntries(done, () => done([])));
    if (!batch.length) return;
    for (const child of batch) await walk(child, found);
  }
}

/** @param {Batch} batch */
function ended({ cancelled, done, files, clashes, left }) {
  if (cancelled) return `Upload cancelled: ${done} of ${counted(files, "file")} arrived.`;
  if (clashes.length)
    return `${counted(clashes.length, "file")} with the same name but other content ${clashes.length === 1 ? "is" : "are"} already here.`;
  return `${counted(left.length, "file")} ${left.length === 1 ? "was" : "were"} skipped.`;
}

/** @param {string} title @param {{name: string, why?: string}[]} entries */
function list(title, entries) {
  if (!entries.length) return nothing;
  const lines = entries.map(({ name, why }) => html`<li>${written(name)}${muted(` ${why ?? ""}`)}</li>`);
  return html`<details class="cx-small" ?open=${entries.length <= 5}><summary>${title}: ${counted(entries.length, "file")}</summary><ul class="cx-list">${lines}</ul></details>`;
}
