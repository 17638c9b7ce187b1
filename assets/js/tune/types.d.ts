// What the server sends to the Tune page: pages/tune/view.py.

import type { Action, Figure, Policy } from "../shared/types";

export interface Run {
  id: string;
  name: string;
  dataset: string;
  created: string;
  model: string;
  state: string;
  graded: number;
}

/** label: what people call it; created: where it is stored. */
export type Saved = Policy & { version: string; label: string; created?: string };

export interface State {
  runs: Run[];
  policies: Saved[];
  active: Saved;
  key: string | null;
}

export interface Signal {
  name: string;
  label: string;
  less_confident: "below" | "above";
  here: boolean;
}

/** Where a signal's values lie in a run. */
export interface Scale {
  low: number;
  high: number;
  step: number;
  correct?: number[];
  incorrect?: number[];
  median?: number | null;
  missing?: number;
  unit?: string;
}

export interface Opened {
  key: string;
  run: Run;
  questions: number;
  ungraded: number;
  calibrator: string | null;
  seen: boolean;
  unproven: string;
  why: string;
  unknown: number;
  signals: Signal[];
  scales: Record<string, Scale>;
}

export interface Outcome {
  questions: number;
  actions: Record<Action, number>;
  gates: Record<string, number>;
  rules: number[];
  coverage: number;
  accuracy: number | null;
  interval: [number, number] | null;
  correct: number;
  incorrect: number;
  correct_withheld: number;
}

export interface Change {
  id: string;
  question: string;
  text: string;
  from: Action;
  to: Action;
  correct: boolean;
  confidence: number | null;
}

export interface Changes {
  total: number;
  moves: { from: Action; to: Action; count: number; correct: number }[];
  questions: Change[];
}

export interface Moved {
  key: string;
  now: Outcome;
  other: Outcome;
  differs: number;
  changes: Changes;
  curve: string;
  figure: Figure | null;
  larger: Cascade | null;
}

/** The answers that are given of two models, or of one alone: Given in codex/evaluation/cascade.py. */
export interface CascadeSide {
  coverage: number;
  accuracy: number | null;
  interval: [number, number] | null;
  seconds: number | null;
}

/** A larger model beside the first: pages/tune/larger.py. */
export type Cascade =
  | { run: string; key: null; error: string }
  | {
      run: string;
      key: string;
      error: null;
      model: string;
      questions: number;
      calibrator: string | null;
      seen: boolean;
      asked: number;
      deferred: number;
      by_larger: number;
      together: CascadeSide;
      first: CascadeSide;
      larger: CascadeSide;
    };

export interface Config {
  /** Of signals, for people. */
  names: Record<string, string>;
  gates: string[];
  shown: number;
}

/** What a reload must not lose. */
export interface Kept {
  policy: Policy;
  before: Policy;
  past: Policy[];
  future: Policy[];
}

export interface Proposed {
  words?: string;
  ok?: boolean;
  error?: { message: string };
}

/** A rule that is being written. */
export interface RuleDraft {
  signal: string;
  side: "below" | "above";
  value: string;
  gate: string;
}

export interface Slider {
  control: string;
  /** What the setting or signal is called in files. */
  title: string;
  label: string;
  /** What it does. */
  said: string;
  /** Class of what is said. */
  kind: string;
  /** Of the slider, behind its label. */
  name: string;
  /** A share, which is typed in percent. */
  percent?: boolean;
  scale: Scale;
  bounds: [number, number];
  value: number;
  write: (value: number) => Policy;
  foot?: unknown;
}
