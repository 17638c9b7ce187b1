// The policy that is being moved, and every step of it that can be taken back.

const STEPS = 100; // that are remembered
const SAME = 800; // ms in which movements of one control are one step: taps on an arrow key

export class Draft {
  /** policy: as the server has it; kept: what `kept` gave before a reload, or null. */
  constructor(policy, kept) {
    Object.assign(this, { policy, before: policy, past: [], future: [], last: {}, held: null, ...kept });
  }

  /** Move to another policy. control: what moved it; movements of one control in a row are one step. */
  move(policy, control = null) {
    const now = Date.now();
    const goesOn =
      control !== null &&
      control === this.last.control &&
      (control === this.held || now - this.last.at < SAME);
    if (!goesOn) {
      this.past = [...this.past, this.policy].slice(-STEPS);
      this.before = this.policy;
    }
    this.future = [];
    this.last = { control, at: now };
    this.policy = policy;
  }

  /** A pointer or a key took hold of a control: one step until it lets go, however long that takes. */
  hold(control, pointer) {
    if (this.held === control) return;
    this.held = control;
    if (pointer || Date.now() - this.last.at >= SAME) this.last = {};
  }

  release(pointer) {
    if (this.held === null) return;
    this.held = null;
    this.last = pointer ? {} : { ...this.last, at: Date.now() };
  }

  /** Take the last step back; whether there was one. */
  undo() {
    return this.#step(this.past, this.future);
  }

  redo() {
    return this.#step(this.future, this.past);
  }

  /** What a reload must not lose. */
  get kept() {
    const { policy, before, past, future } = this;
    return { policy, before, past, future };
  }

  #step(from, to) {
    if (!from.length) return false;
    this.before = this.policy;
    to.push(this.policy);
    this.policy = from.pop();
    this.last = {};
    return true;
  }
}

/** What decides, without its name: equal text, equal decisions. */
export function content({ rules, answer_above, abstain_below }) {
  const plain = rules.map(({ signal, below, above, gate }) => [signal, below, above, gate]);
  return JSON.stringify([plain, answer_above, abstain_below]);
}

/** The policy alone, as the server takes it back. */
export function bodyOf({ name, rules, answer_above, abstain_below, promise }) {
  return { name, rules, answer_above, abstain_below, promise: promise ?? null };
}

/** Which rules there are, in their order, wherever their thresholds stand: equal text, equal sliders. */
export function outline({ rules }) {
  return JSON.stringify(rules.map(({ signal, below, gate }) => [signal, below === null, gate]));
}
