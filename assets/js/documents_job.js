// The bar of an indexing: how far it is, how it ended, and what waits.

import { fill, h, icon } from "./dom.js";
import { JobMeter } from "./job.js";

export class JobBar {
  /** options: {oncancel(job), onindex(), onrebuild()}. */
  constructor(element, options) {
    this.options = options;
    this.dismissed = null;
    this.lost = h("p.cx-error", { role: "alert", hidden: true });
    this.body = h("section.cx-job", { "aria-label": "Indexing", hidden: true });
    // Only ends are said aloud: the progress would never be quiet.
    this.said = h("p.cx-sr", { role: "status" });
    element.append(this.lost, this.body, this.said);
  }

  /** job: as the server gives it, or null; waiting: files not indexed yet; uploading: whether more come. */
  show(job, waiting, uploading) {
    const key = JSON.stringify([job, waiting, uploading]);
    if (key === this.key) return;
    this.key = key;
    const running = job?.state === "running";
    const shown =
      running ||
      (job && job.id !== this.dismissed && (job.state !== "done" || job.summary)) ||
      (waiting && !uploading);
    this.body.hidden = !shown;
    if (!shown) return;
    if (running) this.#running(job);
    else this.#ended(job?.id === this.dismissed ? null : job, waiting, uploading);
  }

  /** What could not even be begun. */
  fail(message) {
    this.key = null;
    this.body.hidden = false;
    fill(this.body, h("p.cx-error", { role: "alert" }, message));
  }

  unreachable(message) {
    this.lost.hidden = !message;
    this.lost.textContent = message ?? "";
  }

  #running(job) {
    if (this.running !== job.id) {
      this.running = job.id;
      this.meter = new JobMeter(() => this.options.oncancel(job.id));
      fill(this.body, this.meter.nodes);
    }
    this.meter.show(job);
  }

  #ended(job, waiting, uploading) {
    this.running = null;
    const wait =
      waiting && !uploading
        ? [
            h("span", `${waiting} ${waiting === 1 ? "file waits" : "files wait"} to be indexed.`),
            h("button.cx-button.small.primary", { onclick: this.options.onindex }, "Index them"),
          ]
        : null;
    const end = job && !(job.state === "cancelled" && !waiting) ? ended(job) : null;
    fill(
      this.body,
      job?.error
        ? h(
            "div.cx-error.cx-job-line",
            { role: "alert" },
            h("span.cx-grow", job.error),
            job.rebuild
              ? h("button.cx-button.small", { onclick: this.options.onrebuild }, "Index everything again")
              : null,
          )
        : null,
      h(
        "div.cx-job-line",
        end,
        wait,
        job
          ? h(
              "button.cx-icon-button",
              {
                title: "Dismiss",
                "aria-label": "Dismiss",
                onclick: () => {
                  this.dismissed = job.id;
                  this.key = null;
                  this.show(job, waiting, uploading);
                },
              },
              icon("close"),
            )
          : null,
      ),
    );
    this.said.textContent = end?.textContent ?? "";
  }
}

function ended(job) {
  if (job.state === "failed") return null;
  if (job.state === "cancelled") return h("span", "Stopped; what was indexed stays.");
  return h("span.cx-job-done", icon("answer"), `Done: ${job.summary}.`);
}
