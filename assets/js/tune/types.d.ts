// What the server sends to the Tune page: pages/tune/view.py.

import type { Figure } from "../shared/plot.js";
import type { Action, Policy } from "../shared/types";

export interface Run {
  id: string;
  name: string;
  dataset: string;
  created: string;
  model: string;
  state: string;
  graded: number;
}

export type Saved = Policy & { version: string };

export interface State {
  runs: Run[];
  policies: Saved[];
  active: Saved;
  key: string | null;
}

export interface Signal {
  name: string;
  label: string;
  doubtful: "below" | "above";
  here: boolean;
}

/** Where a signal's values lie in a run. */
export interface Scale {
  low: number;
  high: number;
  step: number;
  right?: number[];
  wrong?: number[];
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
  right: number;
  wrong: number;
  right_withheld: number;
}

export interface Change {
  id: string;
  question: string;
  text: string;
  from: Action;
  to: Action;
  right: boolean;
  confidence: number | null;
}

export interface Changes {
  total: number;
  moves: { from: Action; to: Action; count: number; right: number }[];
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
}

export interface Config {
  gates: string[];
  shown: number;
}
