// The bar of long work: how far it is, its rate, the time left, a way to stop it, and how it ended.

import { bar, fill, h, icon, number, reveal } from "./dom.js";

/** A running job. `nodes` are what it shows. */
export class JobMeter {
  constructor(oncancel) {
    this.title = h("strong");
    this.figures = h("span.cx-muted.cx-num");
    this.cancel = h("button.cx-button.small", { onclick: oncancel }, "Cancel");
    this.meter = h("div.cx-meter", { role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100" });
    this.text = h("p.cx-job-text.cx-muted", { hidden: true });
    this.nodes = [h("div.cx-job-line", this.title, this.figures, this.cancel), this.meter, this.text];
  }

  show(job) {
    const share = job.total ? job.done / job.total : 0;
    this.title.textContent = job.cancelling ? "Stopping" : job.title;
    this.cancel.disabled = job.cancelling;
    this.figures.textContent = progressWords(job);
    this.meter.setAttribute("aria-valuenow", String(Math.round(100 * share)));
    this.meter.setAttribute("aria-label", job.title);
    fill(this.meter, bar(share));
    // Hidden until there is any, so that no gap stands where there never is; then kept, so that nothing jumps.
    if (job.text) this.text.hidden = false;
    fill(this.text, h("bdi", ...reveal(job.text)));
  }
}

/** A bar for the newest job of a kind: while it runs and, until it is dismissed, how it ended. */
export class WorkBar {
  /** options: {label, oncancel(job), ended(job) -> nodes that stand behind its end, or null}. */
  constructor(element, options) {
    this.options = options;
    this.dismissed = null;
    this.lost = h("p.cx-error", { role: "alert", hidden: true });
    this.body = h("section.cx-job", { "aria-label": options.label, hidden: true });
    // Only ends are said aloud: the progress would never be quiet.
    this.said = h("p.cx-sr", { role: "status" });
    element.append(this.lost, this.body, this.said);
  }

  /** job: as the server gives it, or null. */
  show(job) {
    const key = JSON.stringify(job);
    if (key === this.key) return;
    Object.assign(this, { key, job });
    this.body.hidden = !job || job.id === this.dismissed;
    if (this.body.hidden) return;
    if (job.state === "running") this.#running(job);
    else this.#ended(job);
  }

  /** Take the end away that is shown. */
  dismiss() {
    this.dismissed = this.job.id;
    this.body.hidden = true;
  }

  unreachable(message) {
    this.lost.hidden = !message;
    this.lost.textContent = message ?? "";
  }

  #running(job) {
    if (this.running !== job.id) {
      this.running = job.id;
      this.meter = new JobMeter(() => this.options.oncancel(job));
      fill(this.body, this.meter.nodes);
    }
    this.meter.show(job);
  }

  #ended(job) {
    this.running = null;
    const words = { done: `Done: ${job.summary}.`, cancelled: job.summary ?? "Stopped.", failed: job.error }[job.state];
    const end = h(job.state === "failed" ? "span.cx-grow" : "span.cx-job-done", job.state === "done" ? icon("answer") : null, words);
    const dismiss = h(
      "button.cx-icon-button",
      {
        title: "Dismiss",
        "aria-label": "Dismiss",
        onclick: () => this.dismiss(),
      },
      icon("close"),
    );
    fill(
      this.body,
      h(
        "div",
        { class: `cx-job-line${job.state === "failed" ? " cx-error" : ""}`, role: job.state === "failed" ? "alert" : null },
        end,
        this.options.ended(job),
        dismiss,
      ),
    );
    this.said.textContent = job.state === "failed" ? "" : words;
  }
}

/** "12 of 200 files · 85 passages/s · about 20 s left" */
export function progressWords(job) {
  const parts = [];
  if (job.total) parts.push(`${job.done.toLocaleString("en")} of ${job.total.toLocaleString("en")} ${job.unit}`);
  if (job.rate) parts.push(`${number(job.rate)} ${job.rate_unit || job.unit}/s`);
  if (job.seconds_left !== null && job.seconds_left !== undefined)
    parts.push(`about ${duration(job.seconds_left)} left`);
  return parts.join(" · ");
}

export function duration(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  return `${number(seconds / 3600)} h`;
}
