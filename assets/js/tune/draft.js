// The policy that is being moved, and every step of it that can be taken back. Pure.

/** @import {Policy} from "../shared/types" */
/** @import {Kept, Saved} from "./types" */

const STEPS = 100; // that are remembered
const SAME = 800; // ms in which movements of one control are one step: taps on an arrow key

export class Draft {
  /** @type {Policy[]} */
  past = [];
  /** @type {Policy[]} */
  future = [];
  /** @type {{control: string | null, at: number}} The last movement. */
  last = { control: null, at: 0 };
  /** @type {string | null} The control that somebody holds. */
  held = null;

  /** @param {Policy} policy as the server has it @param {Kept | null} kept before a reload */
  constructor(policy, kept = null) {
    this.policy = policy;
    this.before = policy;
    Object.assign(this, kept);
  }

  /** Move to another policy; movements of one control in a row are one step. @param {Policy} policy @param {string | null} control what moved it */
  move(policy, control = null) {
    const now = Date.now();
    const same = control !== null && control === this.last.control;
    if (!(same && (control === this.held || now - this.last.at < SAME))) {
      this.past = [...this.past, this.policy].slice(-STEPS);
      this.before = this.policy;
    }
    this.future = [];
    this.last = { control, at: now };
    this.policy = policy;
  }

  /** A pointer or a key took hold of a control: one step until it lets go, however long that takes. @param {string} control @param {boolean} pointer */
  hold(control, pointer) {
    if (this.held === control) return;
    this.held = control;
    if (pointer || Date.now() - this.last.at >= SAME) this.last = { control: null, at: 0 };
  }

  /** @param {boolean} pointer */
  release(pointer) {
    if (this.held === null) return;
    this.held = null;
    this.last = pointer ? { control: null, at: 0 } : { ...this.last, at: Date.now() };
  }

  /** Take the last step back; whether there was one. */
  undo() {
    return this.#step(this.past, this.future);
  }

  redo() {
    return this.#step(this.future, this.past);
  }

  /** @returns {Kept} */
  get kept() {
    const { policy, before, past, future } = this;
    return { policy, before, past, future };
  }

  /** @param {Policy[]} from @param {Policy[]} to */
  #step(from, to) {
    const policy = from.pop();
    if (!policy) return false;
    this.before = this.policy;
    to.push(this.policy);
    this.policy = policy;
    this.last = { control: null, at: 0 };
    return true;
  }
}

/** What decides, without its name: equal text, equal decisions. @param {Policy} policy */
export function content({ rules, answer_above, abstain_below, larger_above, defer_unfamiliar }) {
  const plain = rules.map(({ signal, below, above, gate }) => [signal, below, above, gate]);
  return JSON.stringify([plain, answer_above, abstain_below, larger_above ?? null, defer_unfamiliar]);
}

/** The policy alone, as the server takes it back, under the name that people call it. @param {Saved} policy @returns {Policy} */
export function bodyOf({ label, version, created, ...policy }) {
  return { ...policy, name: label, guarantee: policy.guarantee ?? null };
}

/** Which rules there are, in their order, wherever their thresholds stand: equal text, equal sliders. @param {Policy} policy */
export function outline({ rules }) {
  return JSON.stringify(rules.map(({ signal, below, gate }) => [signal, below === null, gate]));
}

/**
 * The policy with a threshold for a signal: that of its first rule on it, or of a new rule, which abstains.
 * @param {Policy} policy @param {string} signal @param {number} threshold @param {"below" | "above"} side of a new rule
 * @returns {Policy}
 */
export function withThreshold(policy, signal, threshold, side) {
  const at = policy.rules.findIndex((rule) => rule.signal === signal);
  const fresh = { signal, below: null, above: null, gate: "abstain", [side]: threshold };
  const moved = (/** @type {import("../shared/types").Rule} */ rule) => ({
    ...rule,
    [rule.below === null ? "above" : "below"]: threshold,
  });
  const rules =
    at < 0
      ? [...policy.rules, fresh]
      : policy.rules.map((rule, place) => (place === at ? moved(rule) : rule));
  return { ...policy, rules, guarantee: null };
}

/** The number that was typed, with a point or a comma; NaN for what is none. @param {string} text */
export function numberOf(text) {
  const value = text.trim() ? Number(text.trim().replace("\u2212", "-").replace(",", ".")) : Number.NaN;
  return Number.isFinite(value) ? value : Number.NaN;
}
