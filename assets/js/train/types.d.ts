// What the server sends to the Train page: pages/train/view.py and pages/train/verifiers.py.

import type { Explained, Fact, Figure, Job, MetricsRow, Version, VersionsState } from "../shared/types";

/** What can be taught. */
export type Kind = "probe" | "verifier";

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
  /** Why it cannot be trained on; empty: it can. */
  problems: Record<Kind, string>;
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

/** A training of a verifier's adapter, epoch by epoch. */
export interface Course {
  epochs: number;
  calibration: Figure;
  loss: Figure;
}

export interface State extends VersionsState {
  job: (Job & { made: string | null; course: Course | null }) | null;
  /** Why no training can be started now; empty: one can, or one runs. */
  busy: string;
  runs?: Run[];
  saved?: (Probes | Verifier)[];
  /** Whether there is an activation to undo. */
  back?: Record<Kind, boolean>;
  /** Why this engine's model cannot be taught. */
  problems?: Record<"probe" | Method, string>;
}

export interface Config {
  /** Labels that are needed: in all, and of each of both kinds. */
  least: Record<Kind, { all: number; kind: number }>;
  metrics: Record<string, Explained>;
  defaults: { epochs: number; learning_rate: number; kl_weight: number };
}
