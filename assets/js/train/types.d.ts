// What the server sends to the Train page: pages/train/view.py.

import type { Fact, Job } from "../shared/types";

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
  problem: string;
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

export interface Probes {
  version: string;
  /** Its version, after its name where it was renamed. */
  title: string;
  active: boolean;
  created: string;
  helps: boolean;
  advice: string;
  mismatch: string;
  gain: Gain | null;
  rows: Row[];
  /** One that is still there, to calibrate on. */
  run: string | null;
  facts: [string, Fact][];
}

export interface State {
  job: (Job & { probes: string | null }) | null;
  /** Why no training can be started now; empty: one can, or one runs. */
  busy: string;
  version: string;
  runs?: Run[];
  probes?: Probes[];
  back?: boolean;
  /** Why this engine's model cannot be taught. */
  problem?: string;
}
