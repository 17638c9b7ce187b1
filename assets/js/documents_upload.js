// Bringing files in: dropped or chosen, sent one by one, each streamed to disk by the server.

import { bar, fill, h, icon, reveal } from "./dom.js";
import { duration } from "./job.js";

const AT_ONCE = 3;

export class Upload {
  /** options: {local, suffixes, max_bytes, max_words, ondone(), onfolder(path)}. */
  constructor(element, options) {
    this.options = options;
    this.batch = null;
    this.files = picker({}, (list) => this.add(list));
    this.folder = picker({ webkitdirectory: true }, (list) => this.add(list));
    this.path = h("input.cx-field", {
      type: "text",
      "aria-label": "A folder on this machine",
      placeholder: "/home/me/papers",
      spellcheck: "false",
    });
    this.pathError = h("p.cx-error", { role: "alert", hidden: true });
    this.zone = h(
      "div.cx-drop",
      h("div.cx-drop-words", icon("upload"), h("span", "Drop files or folders here")),
      h(
        "div.cx-drop-buttons",
        h("button.cx-button.small", { onclick: () => this.files.click() }, "Choose files"),
        h("button.cx-button.small", { onclick: () => this.folder.click() }, "Choose a folder"),
        this.files,
        this.folder,
      ),
      options.local ? this.#localFolder() : null,
    );
    this.intro = h(
      "div.cx-docs-intro",
      h("h2", "Answers that stand in your own documents"),
      h(
        "p.cx-muted",
        "Add PDF, Word, HTML, Markdown, text or CSV files: Codex looks things up in them and shows the words an answer rests on. They stay on this machine.",
      ),
    );
    this.state = h("section.cx-job", { "aria-label": "Upload", hidden: true });
    element.append(this.intro, this.zone, this.pathError, this.state);
    this.#listen();
  }

  get busy() {
    return Boolean(this.batch && !this.batch.ended);
  }

  /** Small once there are documents. */
  compact(small) {
    this.zone.classList.toggle("compact", small);
    this.intro.hidden = small;
  }

  failFolder(message) {
    this.pathError.hidden = !message;
    this.pathError.textContent = message ?? "";
    this.path.setAttribute("aria-invalid", String(Boolean(message)));
  }

  /** entries: [{name, file}], the name with its folders; file is null where it cannot be opened. */
  add(entries) {
    const wanted = entries.filter(({ name }) => !name.split("/").some((part) => part.startsWith(".")));
    if (!wanted.length) return;
    if (!this.busy)
      this.batch = { queue: [], total: 0, files: 0, sent: 0, done: 0, left: [], clashes: [], active: new Map() };
    const { batch } = this;
    batch.started ??= performance.now();
    for (const entry of wanted) {
      const why = this.#unwanted(entry);
      if (why) {
        batch.left.push({ name: entry.name, why });
        continue;
      }
      batch.queue.push(entry);
      batch.files += 1;
      batch.total += entry.file.size;
    }
    for (let i = batch.active.size; i < AT_ONCE; i++) this.#next(batch);
    this.#show();
  }

  #unwanted({ name, file }) {
    const { suffixes, max_bytes, max_words } = this.options;
    if (!file) return "cannot be opened";
    if (!suffixes.some((suffix) => name.toLowerCase().endsWith(suffix)))
      return `is not read; Codex reads ${suffixes.map((suffix) => suffix.slice(1)).join(", ")}`;
    return file.size > max_bytes ? `is larger than ${max_words} (retrieval.max_file_mb)` : null;
  }

  #next(batch) {
    const entry = batch.queue.shift();
    if (entry) return this.#send(batch, entry);
    if (batch.active.size || batch.ended) return;
    batch.ended = true;
    this.#show();
    if (batch.done) this.options.ondone();
  }

  #send(batch, entry) {
    const request = new XMLHttpRequest();
    const name = entry.name.split("/").map(encodeURIComponent).join("/");
    const url = new URL(`documents/${name}${entry.replace ? "?replace=true" : ""}`, document.baseURI);
    batch.active.set(request, 0);
    request.upload.onprogress = ({ loaded }) => {
      batch.active.set(request, Math.min(loaded, entry.file.size));
      this.#show();
    };
    request.onloadend = () => {
      batch.active.delete(request);
      batch.sent += entry.file.size;
      if (request.status === 201) batch.done += 1;
      else if (request.status === 409 && !entry.replace) batch.clashes.push(entry);
      else if (!batch.cancelled) batch.left.push({ name: entry.name, why: reason(request) });
      this.#next(batch);
      this.#show();
    };
    request.open("PUT", url);
    request.send(entry.file);
  }

  #cancel() {
    const { batch } = this;
    batch.cancelled = true;
    batch.queue.length = 0;
    for (const request of [...batch.active.keys()]) request.abort();
  }

  #show() {
    const { batch } = this;
    this.state.hidden = !batch || (batch.ended && !batch.left.length && !batch.clashes.length && !batch.cancelled);
    if (this.state.hidden) {
      this.shown = null;
      return void fill(this.state);
    }
    if (batch.ended) return this.#result(batch);
    if (this.shown !== batch) {
      this.shown = batch;
      this.figures = h("span.cx-muted.cx-num");
      this.meter = h("div.cx-meter", {
        role: "progressbar",
        "aria-label": "Uploading",
        "aria-valuemin": "0",
        "aria-valuemax": "100",
      });
      const cancel = h("button.cx-button.small", { onclick: () => this.#cancel() }, "Cancel");
      fill(this.state, h("div.cx-job-line", h("strong", "Uploading"), this.figures, cancel), this.meter);
    }
    const sent = batch.sent + [...batch.active.values()].reduce((sum, size) => sum + size, 0);
    const rate = (1000 * sent) / Math.max(1, performance.now() - batch.started);
    const share = batch.total ? sent / batch.total : 1;
    this.figures.textContent = [
      `${batch.files - batch.queue.length - batch.active.size} of ${batch.files} files`,
      `${bytes(sent)} of ${bytes(batch.total)}`,
      rate ? `${bytes(rate)}/s` : null,
      rate ? `about ${duration((batch.total - sent) / rate)} left` : null,
    ]
      .filter(Boolean)
      .join(" · ");
    this.meter.setAttribute("aria-valuenow", String(Math.round(100 * share)));
    fill(this.meter, bar(share));
  }

  #result(batch) {
    this.shown = null;
    const clashes = batch.clashes.map(({ name }) => ({ name, why: "" }));
    fill(
      this.state,
      h(
        "div.cx-job-line",
        h("span.cx-grow", ended(batch)),
        clashes.length
          ? [
              h(
                "button.cx-button.small",
                { onclick: () => this.#replace(batch) },
                clashes.length === 1 ? "Replace it" : "Replace them",
              ),
              h("button.cx-button.small", { onclick: () => this.#dismiss() }, "Keep what is here"),
            ]
          : h(
              "button.cx-icon-button",
              { title: "Dismiss", "aria-label": "Dismiss", onclick: () => this.#dismiss() },
              icon("close"),
            ),
      ),
      list("Here already", clashes),
      list("Left out", batch.left),
    );
  }

  #dismiss() {
    this.batch = null;
    this.#show();
  }

  #replace(batch) {
    this.batch = null;
    this.add(batch.clashes.map((entry) => ({ ...entry, replace: true })));
  }

  #localFolder() {
    return h(
      "form.cx-drop-path",
      {
        onsubmit: async (event) => {
          event.preventDefault();
          this.failFolder(null);
          const path = this.path.value;
          if (path.trim() && (await this.options.onfolder(path)) && this.path.value === path) this.path.value = "";
        },
      },
      h("span.cx-muted", "or a folder on this machine"),
      this.path,
      h("button.cx-button.small", { type: "submit" }, "Add"),
    );
  }

  // Files may be dropped anywhere on the page.
  #listen() {
    let depth = 0;
    const over = (on) => this.zone.classList.toggle("over", on);
    const holdsFiles = (event) => event.dataTransfer?.types.includes("Files");
    document.addEventListener("dragenter", (event) => {
      if (holdsFiles(event)) over(++depth > 0);
    });
    document.addEventListener("dragleave", (event) => {
      if (holdsFiles(event)) over(--depth > 0);
    });
    document.addEventListener("dragover", (event) => holdsFiles(event) && event.preventDefault());
    document.addEventListener("drop", async (event) => {
      if (!holdsFiles(event)) return;
      event.preventDefault();
      over(Boolean((depth = 0)));
      this.add(await dropped(event.dataTransfer));
    });
  }
}

function picker(attributes, onfiles) {
  const input = h("input", { type: "file", multiple: true, hidden: true, ...attributes });
  input.addEventListener("change", () => {
    onfiles([...input.files].map((file) => ({ name: file.webkitRelativePath || file.name, file })));
    input.value = "";
  });
  return input;
}

/** The files of a drop, folders walked through. */
async function dropped(transfer) {
  // All entries must be taken before the first wait: afterwards the drop is empty.
  const items = [...transfer.items].filter(({ kind }) => kind === "file");
  const entries = items.map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
  const found = [];
  for (const entry of entries) await walk(entry, found);
  return found;
}

async function walk(entry, found) {
  if (!entry) return;
  if (entry instanceof File) return void found.push({ name: entry.name, file: entry });
  if (entry.isFile) {
    const file = await new Promise((done) => entry.file(done, () => done(null)));
    found.push({ name: entry.fullPath.replace(/^\//, ""), file });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    const batch = await new Promise((done) => reader.readEntries(done, () => done([])));
    if (!batch.length) return;
    for (const child of batch) await walk(child, found);
  }
}

function reason(request) {
  if (!request.status) return "did not arrive: the file has changed, or the connection broke off";
  try {
    return JSON.parse(request.responseText).error.message;
  } catch {
    return `the server answered ${request.status}`;
  }
}

function ended(batch) {
  if (batch.cancelled) return `Upload cancelled: ${batch.done} of ${count(batch.files)} came in.`;
  const clash = batch.clashes.length;
  if (clash)
    return `${count(clash)} of the same name ${clash === 1 ? "is" : "are"} here already, with other content.`;
  return `${count(batch.left.length)} ${batch.left.length === 1 ? "was" : "were"} left out.`;
}

function list(title, entries) {
  if (!entries.length) return null;
  return h(
    "details.cx-left",
    { open: entries.length <= 5 },
    h("summary", `${title}: ${count(entries.length)}`),
    h(
      "ul",
      entries.map(({ name, why }) => h("li", h("bdi", ...reveal(name)), h("span.cx-muted", ` ${why}`))),
    ),
  );
}

function count(n) {
  return `${n} ${n === 1 ? "file" : "files"}`;
}

/** Two significant digits with their unit. */
export function bytes(size) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  const at = size < 1 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(size) / 3));
  const value = size / 1000 ** at;
  return `${value < 9.95 && at ? value.toFixed(1) : Math.round(value)} ${units[at]}`;
}
