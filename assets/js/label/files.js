// Labels as files: exported, and imported all or none.

import { place } from "../shared/address.js";
import { fieldOf, pickFile } from "../shared/events.js";
import { choice, field } from "../shared/form.js";
import { html } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { alarm, button, hint, working } from "../shared/parts.js";
import { reason, send, unwanted } from "../shared/sending.js";
import { count } from "../shared/words.js";

/** @extends {Part<import("./page.js").Labels>} */
export class Files extends Part {
  format = "csv";
  queue = "";
  busy = "";
  failed = "";
  said = "";

  /** @param {File} file */
  #send(file) {
    const why = unwanted(file.name, file, this.page.config.upload);
    if (why) return this.set({ failed: `${file.name} ${why}.`, said: "" });
    this.set({ busy: `Importing ${file.name}`, failed: "", said: "" });
    const done = (/** @type {XMLHttpRequest} */ request) => {
      if (request.status !== 201) return this.set({ busy: "", failed: `${file.name}: ${reason(request)}` });
      const { new: fresh, replaced, older } = JSON.parse(request.responseText);
      const left = older ? `, ${count(older)} left out, since you said something later` : "";
      this.set({ busy: "", said: `${count(fresh)} new, ${count(replaced)} replaced${left}.` });
      this.page.look();
    };
    return send(`labels/records/${encodeURIComponent(file.name)}`, file, () => {}, done);
  }

  view() {
    const { formats, upload } = this.page.config;
    const queues = (this.page.queues ?? []).map(
      ({ id, name }) => /** @type {[string, string]} */ ([id, name]),
    );
    const chosen = (/** @type {Event} */ event) => {
      const input = fieldOf(event);
      const [file] = input.files ?? [];
      if (file) this.#send(file);
      input.value = "";
    };
    const of = this.queue ? `&queue=${this.queue}` : "";
    const path = place(`labels/records?format=${this.format}${of}`);
    return html`<section class="cx-card cx-body" aria-label="Export and import"><h2>Export and import</h2>
      <div class="cx-pair">${field(
        "Labels",
        choice([["", "all, the thumbs of the Ask page too"], ...queues], {
          value: this.queue,
          change: (queue) => this.set({ queue }),
        }),
      )}${field("Format", choice(formats, { value: this.format, change: (format) => this.set({ format }) }))}</div>
      <div class="cx-row wrap"><a class="cx-button" href=${path} download>Export</a>${button("Import…", pickFile, { kind: "", disabled: Boolean(this.busy) })}<input type="file" hidden accept=${upload.suffixes.join(",")} @change=${chosen}>${working(this.busy)}<span class="cx-hint" role="status">${this.said}</span></div>
      ${alarm(this.failed)}${hint("An import takes in all labels of a file or none. They go to answers that are stored here.")}</section>`;
  }
}
