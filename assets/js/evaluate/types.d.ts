// What the server sends to the Evaluate page: pages/evaluate/view.py.

import type { Explained, Fact, Figure, Job, Limits, Numbers, Rule, Scale, Trace } from "../shared/types";

export interface Run {
  id: string;
  name: string;
  dataset: string;
  model: string;
  state: "done" | "running" | "stopped" | "failed";
  resumable: boolean;
  extendable: boolean;
  done: number;
  total: number;
  failed: number;
  graded: number;
  accuracy: number | null;
  labels: string;
  created: string;
  scoring: boolean;
  note: string;
  failure: string;
  best: string | null;
  best_auroc: number | null;
  auroc: number | null;
  ece: number | null;
}

export interface Example {
  dataset: string;
  limit: number;
}

export interface State {
  job: (Job & { run: string | null }) | null;
  busy: string | null;
  model: string;
  scoring: boolean;
  version: string;
  example: Example | null;
  documents: boolean;
  runs: Run[] | null;
}

export interface Dataset {
  name: string;
  about: string;
  rows: number;
}

export interface Opened {
  run: Run;
  facts: [string, Fact][];
  scores: {
    ranking: Figure;
    table: Numbers;
    signals: [string, string][];
    pair: [string, string];
    accuracy: { interval: number[] | null };
    confidence: (Explained & { value: number | null; interval: number[] | null })[];
    /** Where the confidence comes from. */
    source: string;
  } | null;
  computing: string | null;
  note: string;
  calibrate: boolean;
}

export interface Line {
  id: string;
  question: string;
  answer: string;
  correct: boolean | null;
  by_person: boolean;
  grader_correct: boolean | null;
  confidence: number | null;
  error: string;
}

export interface Lines {
  rows: Line[];
  total: number;
  first: number;
  size: number;
  counts: Record<string, number>;
  only: string;
}

export type Only = { column: string; label: string } | { ids: string[] };

export interface Slice {
  label: string;
  n: number;
  graded: number;
  accuracy: number | null;
  accuracy_ci: number[] | null;
  auroc: number | null;
  auroc_ci: number[] | null;
  ece: number | null;
  ece_ci: number[] | null;
  too_small: string[];
  answered: number | null;
}

export interface Sliced {
  columns: [string, string][];
  column: string;
  rows: Slice[];
  /** What a slice needs that is too small. */
  note: string;
}

export interface Compared {
  names: [string, string];
  summary: string;
  metrics: (Explained & {
    key: string;
    first: number | null;
    second: number | null;
    difference: number | null;
    interval: number[] | null;
  })[];
  outcomes: [key: string, words: string, count: number][];
  rows: { id: string; question: string; first: string; second: string }[];
  total: number;
  first: number;
  size: number;
  computing: boolean;
}

export interface Question extends Trace {
  question: string;
  answers: string[];
  correct: boolean | null;
  by_person: boolean;
  grader_correct: boolean | null;
  grade: number | null;
  confidence: number | null;
  source: string;
  error: string;
  rules: Rule[];
}

export interface Config {
  defaults: { n_samples: number; sample_temperature: number; max_tokens: number };
  limits: Record<"n_samples" | "sample_temperature" | "max_tokens", [number, number]>;
  scales: Record<string, Scale>;
  downloads: [string, string][];
  upload: Limits;
}

/** A file of questions that is not imported yet: pages/evaluate/uploads.py. */
export interface Draft {
  file: string;
  name: string;
  taken: string | null;
  names: string[];
  fields: { name: string; label: string; chosen: string[]; several: boolean }[];
  graders: [string, string][];
  encodings: [string, string][];
  keys: [string, string][];
  items: {
    id: string;
    asked: string;
    context: string | null;
    answers: string[];
    grader: string;
    group: string;
  }[];
  words: string;
  rejected: { line: number; reason: string }[];
  rejections: string;
  too_many: string | null;
  error: string | null;
}
