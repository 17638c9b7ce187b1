// How far a queue is: the interval that shrinks, the labels of each day, and a calibrator from them.

import { html, nothing } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { alarm, bar, button, hint, measured, working, written } from "../shared/parts.js";
import { single } from "../shared/server.js";
import { column, table } from "../shared/table.js";
import { count, number, share } from "../shared/words.js";

/** @import {Progress, Queue, Recalibrated} from "./types" */

const [WIDTH, HEIGHT] = [320, 90];
/** A look waits for so many times as long as the last one took, and for no longer than that, in milliseconds. */
const [PAUSES, LONGEST_PAUSE] = [4, 2000];

/** @extends {Part<import("./page.js").Labels>} */
export class StandingPart extends Part {
  /** @type {Progress | null} */
  progress = null;
  /** @type {Recalibrated | null} */
  made = null;
  busy = "";
  failed = "";
  active = "";
  /** @type {Queue | null} */
  queue = null;
  #timer = 0;
  /** Milliseconds until the next look. */
  #pause = 0;

  /** @param {Queue | null} queue */
  show(queue) {
    this.#pause = 0;
    this.set({ queue, progress: null, made: null, busy: "", failed: "", active: "" });
  }

  /** Look soon: over a long queue, where it takes the server a while, not between two quick labels. */
  look() {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => this.#look(), this.#pause);
  }

  async #look() {
    const { queue } = this;
    if (!queue) return;
    const start = performance.now();
    const { value } = await this.page.call("progress", { queue: queue.id });
    this.#pause = Math.min(LONGEST_PAUSE, PAUSES * (performance.now() - start));
    if (value && queue === this.queue) this.set({ progress: value });
  }

  recalibrate = single(async () => {
    const { queue } = this;
    this.set({ busy: "Fitting", failed: "", made: null, active: "" });
    let { value, error } = await this.page.call("recalibrate", { queue: queue?.id });
    while (value?.job && queue === this.queue) {
      this.set({ busy: value.words });
      ({ value, error } = await this.page.call("recalibrating", { job: value.job }));
    }
    if (queue === this.queue) this.set({ busy: "", failed: error?.message ?? "", made: value ?? null });
  });

  activate = single(async () => {
    const { value, error } = await this.page.call("activate", { version: this.made?.version });
    this.set({ active: value?.active ?? "", failed: error?.message ?? "" });
    dispatchEvent(new Event("codex-status"));
  });

  /** The line on top. */
  line() {
    const { progress } = this;
    const done = progress?.answers ? progress.labelled / progress.answers : 0;
    return html`${bar(done)}<p class="cx-hint" role="status">${progress?.note ?? ""}</p>`;
  }

  /** What lies behind it. */
  view() {
    const { progress, made, busy, failed } = this;
    if (!progress?.labelled) return nothing;
    const most = Math.max(...progress.days.map(({ labels }) => labels));
    const columns = [
      column("day", "Day", (/** @type {Progress["days"][0]} */ { day }) => day, { head: true }),
      column(
        "labels",
        "Labels",
        (/** @type {Progress["days"][0]} */ { labels }) => html`${count(labels)}${bar(labels / most)}`,
        { number: true },
      ),
    ];
    return html`<details class="cx-card cx-body cx-standing"><summary>Progress and recalibration</summary>
      ${shrinking(progress.shrinking)}${table({ kind: "cx-days", columns, rows: progress.days, key: ({ day }) => day })}
      <div class="cx-row wrap">${button("Recalibrate with these labels", this.recalibrate, { disabled: Boolean(busy) })}${working(busy)}</div>
      ${alarm(failed)}${made ? this.#made(made) : nothing}</details>`;
  }

  /** @param {Recalibrated} made */
  #made({ version, note, rows }) {
    const value = (/** @type {(number | null)[]} */ [found, low, high]) =>
      measured(found, low === null || high === null ? null : [low ?? 0, high ?? 0], number);
    /** @typedef {Recalibrated["rows"][0]} Row */
    const columns = [
      column("name", "Metric, 95% interval", (/** @type {Row} */ { name }) => name, { head: true }),
      column("before", "Before", (/** @type {Row} */ { before }) => value(before), { number: true }),
      column("after", "After", (/** @type {Row} */ { after }) => value(after), { number: true }),
    ];
    const state =
      this.active === version
        ? html`<span role="status">${written(version)} is active.</span>`
        : button("Activate", this.activate, { kind: "primary" });
    return html`${table({ kind: "cx-recalibrated", columns, rows, key: ({ name }) => name })}${hint(note)}<div class="cx-row">${state}</div>`;
  }
}

/** How the estimate and its interval changed with each label, as a drawing and as a sentence. @param {Progress["shrinking"]} points */
function shrinking(points) {
  if (points.length < 2) return nothing;
  const [first, last] = [points[0], points[points.length - 1]];
  const x = (/** @type {number} */ labels) => ((WIDTH * labels) / last[0]).toFixed(1);
  const y = (/** @type {number} */ value) => (HEIGHT * (1 - value)).toFixed(1);
  const low = points.map(([labels, , low]) => `${x(labels)},${y(low)}`);
  const high = points.map(([labels, , , high]) => `${x(labels)},${y(high)}`);
  const line = points.map(([labels, value]) => `${x(labels)},${y(value)}`);
  const words = (/** @type {Progress["shrinking"][0]} */ [labels, value, low, high]) =>
    `after ${count(labels)}: ${share(value)}, ${share(low)} to ${share(high)}`;
  const said = `Share of correct answers, ${words(first)}; ${words(last)}`;
  return html`<figure class="cx-shrinking"><svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label=${said} preserveAspectRatio="none">
      <polygon points="${[...high, ...low.reverse()].join(" ")}"></polygon><polyline points=${line.join(" ")}></polyline></svg>
    <figcaption class="cx-hint">Share of correct answers with its 95% interval, from 0% to 100%, by labels: ${words(first)}; ${words(last)}.</figcaption></figure>`;
}
