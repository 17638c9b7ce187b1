// Calls to the server: one way to call, one way to look again and again, and what may happen while it is awaited.

/** @import {Answer, Call} from "./types" */

const LOST = "Codex cannot be reached. Is it still running? Nothing you typed is lost.";
const SIGNED_OUT = "You are signed out. Sign in again, by the bar on top; nothing you typed is lost.";

/** Calls the server. @param {Record<string, (data: object) => Promise<Answer | null>>} server @returns {Call} */
export function caller(server) {
  return async (name, data = {}) => {
    // Gradio answers nothing when the server is gone, and throws when it fails.
    const answer = await server[name](data).catch(() => null);
    if (answer) return answer;
    // The bar on top looks until it is back, and says so.
    if (name !== "status") dispatchEvent(new Event("codex-status"));
    const signedOut = await fetch("me").then(
      ({ status }) => status === 401,
      () => false,
    );
    return { error: { message: signedOut ? SIGNED_OUT : LOST, fields: [], signedOut } };
  };
}

/** A name for what is under way, which nothing else has. A page that is served without TLS has no randomUUID. */
export function freshId() {
  return crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint32Array(4)), String).join("-");
}

/**
 * A filter for answers: null in place of one that was asked for before the newest.
 * @returns {<T>(answer: Promise<T> | T) => Promise<T | null>}
 */
export function newest() {
  let asked = 0;
  return async (answer) => {
    const turn = ++asked;
    const came = await answer;
    return turn === asked ? came : null;
  };
}

/**
 * A handler of which one call runs at a time; a press meanwhile does nothing.
 * @template {any[]} Given @template T
 * @param {(...given: Given) => Promise<T>} handler
 * @returns {(...given: Given) => Promise<T | undefined>}
 */
export function single(handler) {
  let running = false;
  return async (...given) => {
    if (running) return undefined;
    running = true;
    try {
      return await handler(...given);
    } finally {
      running = false;
    }
  };
}

/** Work that runs once at a time: asked for meanwhile, it runs again at the end. @param {() => Promise<unknown>} work */
export function latest(work) {
  let [running, again] = [false, false];
  const run = async () => {
    again = true;
    if (running) return;
    running = true;
    try {
      while (again) {
        again = false;
        await work();
      }
    } finally {
      running = false;
    }
  };
  return Object.assign(run, {
    /** Whether it runs now. */
    busy: () => running,
    /** Whether it was asked for once more since it began. */
    outdated: () => again,
  });
}

/**
 * Looks again and again, while the page is seen: of several looks under way, only the newest counts.
 *
 * ask(): the question. show(answer): what is done with it. wait(): milliseconds until the next look, read then;
 * null for none.
 * @template T
 */
export class Poller {
  /** @param {{ask: () => Promise<T>, show: (answer: T) => unknown, wait: () => number | null}} options */
  constructor(options) {
    this.options = options;
    this.newest = newest();
    this.timer = 0;
  }

  /** Look at once, when the page is seen again, and when the server that could not be reached is back. */
  start() {
    document.addEventListener("visibilitychange", () => document.hidden || this.look());
    addEventListener("codex-back", () => this.look());
    return this.look();
  }

  /** The answer, once it was shown; null when another look came in between. */
  async look() {
    clearTimeout(this.timer);
    const answer = await this.newest(this.options.ask());
    if (answer === null) return null; // whoever looked since looks again
    await this.options.show(answer);
    clearTimeout(this.timer);
    const wait = this.options.wait();
    if (wait !== null && !document.hidden) this.timer = window.setTimeout(() => this.look(), wait);
    return answer;
  }

  /** Look no more, and let what is on its way go unseen. */
  stop() {
    clearTimeout(this.timer);
    this.newest(null);
  }
}
