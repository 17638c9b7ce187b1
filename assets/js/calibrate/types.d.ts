// What the server sends to the Calibrate page: pages/calibrate/view.py.

import type { Fact, Figure, MetricsRow, Numbers, Version, VersionsState } from "../shared/types";

export interface Run {
  id: string;
  name: string;
  dataset: string;
  model: string;
  graded: number;
  accuracy: number | null;
  /** Why it alone makes no calibrator; it can join others. */
  problem: string;
}

/** Wanted: at most alpha of the answers given are incorrect, with confidence 1 - delta. */
export interface Risk {
  alpha: number;
  delta: number;
}

export interface Calibrator extends Version {
  method: string;
  auroc: number | null;
  asked: Risk | null;
}

export interface State extends VersionsState {
  runs?: Run[];
  saved?: Calibrator[];
  back?: boolean;
}

export interface Card {
  version: string;
  name: string;
  title: string;
  active: boolean;
  ships: boolean;
  mismatch: string | null;
  facts: [string, Fact][];
  guarantee: { holds: boolean; words: string; threshold: number } | null;
}

interface Diagram {
  diagram: Figure;
  counts: Figure;
  table: Numbers;
}

export interface Group {
  name: string;
  n: number;
  threshold: number | null;
  coverage: number | null;
  accuracy: number | null;
  words: string;
}

export interface Shown {
  calibrator: Card;
  left: Diagram | null;
  right: Diagram | null;
  rows: MetricsRow[];
  groups: Group[] | null;
  computing: string | null;
  note: string;
  hint: string;
}

export interface PredictionSets {
  name: string | null;
  fitted: number;
  n: number;
  infinite: boolean;
  labels: number;
  cutoff: number;
  size: number | null;
  shares: Record<string, number | null>;
  coverage: number | null;
  interval: number[] | null;
  words: string;
}

export interface Sets {
  rows: PredictionSets[];
  note: string;
  computing: boolean;
}

export interface Config {
  methods: [string, string][];
  defaults: Risk & { sets: number };
}
