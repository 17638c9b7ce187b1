// What the server sends to the Train page: pages/train/view.py, verifiers.py and adapters.py.

import type { Explained, Fact, Figure, Job, MetricsRow, Version, VersionsState } from "../shared/types";

/** What can be taught. */
export type Kind = "probe" | "verifier" | "answerer" | "reward";

/** What a run can be learned from for; refuse: an answerer that also learns where to refuse. */
export type Use = Kind | "refuse";

/** How a verifier is trained. */
export type Method = "readout" | "lora";

export interface Run {
  id: string;
  name: string;
  dataset: string;
  model: string;
  /** Graded answers on the side of the split that is trained on. */
  correct: number;
  incorrect: number;
  /** Graded answers on the other side. */
  held_out: number;
  /** Questions that answers are trained on, graded or not. */
  questions: number;
  /** Why it cannot be trained on; empty: it can. */
  problems: Record<Use, string>;
}

/** Of an AUROC, with its 95% interval. */
export interface Gain {
  value: number;
  low: number;
  high: number;
}

export interface Row {
  dataset: string;
  answers: number;
  signals: number;
  probe: number;
  gain: Gain;
  left_out: Gain | null;
}

interface Trained extends Version {
  helps: boolean;
  advice: string;
  /** One that is still there, to calibrate on. */
  run: string | null;
  facts: [string, Fact][];
}

export interface Probes extends Trained {
  kind: "probe";
  gain: Gain | null;
  rows: Row[];
}

export interface Verifier extends Trained {
  kind: "verifier";
  method: Method;
  auroc: number;
  rows: MetricsRow[];
  /** Whether the answers of its runs are verified by it. */
  verified: boolean;
}

export interface TuningRow {
  label: string;
  title: string;
  /** By the keys of Config.columns. */
  metrics: Record<string, number>;
}

/** A training of the model itself. */
export interface Adapter extends Version {
  kind: "answerer" | "reward";
  state: "done" | "unfinished";
  helps: boolean;
  advice: string;
  /** The model that it is for. */
  base: string;
  /** Whether it was made into a model, which the menu of models lists. */
  merged: boolean;
  held_out: number;
  rows: TuningRow[];
  facts: [string, Fact][];
}

/** A training of a verifier's adapter, epoch by epoch, or of the model, update by update. */
export interface Course {
  /** How many there are so far. */
  epochs: number;
  of: "epochs" | "updates";
  /** null: nothing was measured yet. */
  calibration: Figure | null;
  loss: Figure;
}

export interface State extends VersionsState {
  job: (Job & { made: string | null; course: Course | null }) | null;
  /** Why no training can be started now; empty: one can, or one runs. */
  busy: string;
  runs?: Run[];
  saved?: (Probes | Verifier | Adapter)[];
  /** Whether there is an activation to undo. */
  back?: Record<"probe" | "verifier", boolean>;
  /** Why this engine's model cannot be taught. */
  problems?: Record<"probe" | Method | "answerer" | "reward", string>;
}

export interface Config {
  /** Labels that are needed: in all, and of each of both kinds. */
  least: Record<string, { all: number; kind: number }>;
  metrics: Record<string, Explained>;
  /** Metrics of answers before and after a training of the model. */
  columns: Record<string, Explained>;
  defaults: { epochs: number; learning_rate: number; kl_weight: number };
  /** What the forms of the model's own trainings show at first. */
  tuning: { answerer: Record<string, unknown>; reward: Record<string, unknown>; rewards: string[] };
}
