// What the server sends to the Sessions page: pages/history/page.py.

import type { Action, Decision, Rule, Scale, Trace } from "../shared/types";

/** One trace of the table. */
export interface Line {
  id: string;
  session_id: string;
  created_at: string;
  /** null: only its SHA-256 was kept. */
  question: string | null;
  question_sha256: string;
  answer: string;
  model: string;
  policy: string;
  steps: number;
  action: Action;
  gate: string;
  confidence: number | null;
  calibrated: boolean;
  correct: boolean | null;
  prompt_tokens: number;
  generated_tokens: number;
  seconds: number;
}

export interface Erasure {
  state: "none" | "due" | "running" | "failed";
  share: number;
  error: string;
}

export interface Seen {
  rows: Line[];
  total: number;
  next: string | null;
  erasure: Erasure;
}

export interface Facets {
  models: string[];
  policies: string[];
  /** Version and title of those that can decide again. */
  deciding: [string, string][];
}

/** A trace as it looked. */
export type Opened = Trace & {
  line: Line;
  rules: Rule[];
  questions: number;
  /** Why it cannot be asked again. */
  no_replay: string | null;
  /** null: it neither follows anything up nor is followed up. */
  conversation: {
    turns: number;
    dropped: number;
    tokens: number | null;
    context: number | null;
    previous: string | null;
    next: string[];
  } | null;
  model_now: string;
};

export interface Difference {
  name: string;
  label: string;
  first: number | null;
  second: number | null;
  change: number | null;
}

export interface Compared {
  traces: [Opened, Opened];
  same: { question: boolean; answer: boolean; model: boolean; policy: boolean };
  differences: Difference[];
}

/** What the list is limited to, as it was typed. */
export type Filter = Record<string, string>;

export interface Config {
  scales: Record<string, Scale>;
  actions: string[];
  gates: string[];
  labels: [string, string][];
}

/** What another policy decides. */
export type Redecided = Decision & { policy: string };
