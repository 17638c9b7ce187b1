// Shows one beat after another: as fast as they came, with time to read what each brings.

/** @import {Beat} from "./types" */

// Milliseconds at most: who watches does not wait for a slow machine.
const LONGEST = { token: 250, other: 1200 };
/** @type {Partial<Record<Beat["kind"], number>>} milliseconds before what has to be read */
const PAUSE = { token: 25, samples: 500, confidence: 900, passages: 1100, decision: 700, end: 700 };

export class Player {
  /** @type {Beat[]} */
  #waiting = [];
  #timer = 0;
  #last = 0; // when the beat before was recorded
  /** More may come. */
  open = false;

  /** @param {(beats: Beat[]) => unknown} show @param {() => unknown} ended */
  constructor(show, ended) {
    this.show = show;
    this.ended = ended;
  }

  /** Whether there is something to wait for. */
  get playing() {
    return this.open || this.#waiting.length > 0;
  }

  start() {
    clearTimeout(this.#timer);
    Object.assign(this, { open: true });
    this.#waiting = [];
    this.#timer = this.#last = 0;
  }

  /** @param {Beat[]} beats @param {boolean} all whether none comes after them */
  add(beats, all) {
    this.#waiting.push(...beats);
    this.open = !all;
    if (matchMedia("(prefers-reduced-motion: reduce)").matches) this.skip();
    else if (!this.#timer) this.#next();
  }

  /** Show at once what has come. */
  skip() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.show(this.#waiting.splice(0));
    if (!this.open) this.ended();
  }

  /** Show no more. */
  stop() {
    clearTimeout(this.#timer);
    this.#waiting = [];
    this.#timer = 0;
    this.open = false;
  }

  #next() {
    const beat = this.#waiting[0];
    if (!beat) {
      this.#timer = 0;
      if (!this.open) this.ended();
      return;
    }
    const gap = beat.at === undefined ? 0 : 1000 * (beat.at - this.#last);
    const wait = Math.max(
      PAUSE[beat.kind] ?? 0,
      Math.min(gap, LONGEST[beat.kind === "token" ? "token" : "other"]),
    );
    this.#timer = window.setTimeout(() => {
      this.#waiting.shift();
      this.#last = beat.at ?? 0;
      this.show([beat]);
      this.#next();
    }, wait);
  }
}
