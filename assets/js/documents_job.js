// The bar of an indexing: how far it is, how it ended, and what waits.

import { bar, fill, h, icon, number, reveal } from "./dom.js";

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
    const share = job.total ? job.done / job.total : 0;
    if (this.running !== job.id) {
      this.running = job.id;
      this.title = h("strong");
      this.figures = h("span.cx-muted.cx-num");
      this.meter = h("div.cx-meter", { role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100" });
      this.text = h("p.cx-job-text.cx-muted");
      this.cancel = h("button.cx-button.small", { onclick: () => this.options.oncancel(job.id) }, "Cancel");
      fill(
        this.body,
        h("div.cx-job-line", this.title, this.figures, this.cancel),
        this.meter,
        this.text,
      );
    }
    this.title.textContent = job.cancelling ? "Stopping" : job.title;
    this.cancel.disabled = job.cancelling;
    this.figures.textContent = progressWords(job);
    this.meter.setAttribute("aria-valuenow", String(Math.round(100 * share)));
    this.meter.setAttribute("aria-label", job.title);
    fill(this.meter, bar(share));
    fill(this.text, h("bdi", ...reveal(job.text)));
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

/** "12 of 200 files · 85 passages/s · about 20 s left" */
export function progressWords(job) {
  const parts = [];
  if (job.total) parts.push(`${job.done} of ${job.total} ${job.unit}`);
  if (job.rate) parts.push(`${number(job.rate)} ${job.rate_unit}/s`);
  if (job.seconds_left !== null && job.seconds_left !== undefined)
    parts.push(`about ${duration(job.seconds_left)} left`);
  return parts.join(" · ");
}

export function duration(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  return `${number(seconds / 3600)} h`;
}
