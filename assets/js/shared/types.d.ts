// What the server sends that more than one page reads.

import type { Heatmap } from "./heatmap.js";

/** Long work: job_view in pages/job_view.py. */
export interface Job {
  id: string;
  title: string;
  state: "running" | "done" | "cancelled" | "failed";
  cancelling: boolean;
  done: number;
  total: number | null;
  unit: string;
  rate: number | null;
  rate_unit: string;
  seconds_left: number | null;
  text: string;
  error: string | null;
  summary: string | null;
}

export interface Alternative {
  id: number;
  text: string;
  p: number | null;
  is_end: boolean;
}

/** A token of an answer: token_view in pages/ask/view.py. */
export interface Token {
  id: number;
  text: string;
  p: number | null;
  entropy: number | null;
  entropy_exact: boolean;
  rank: number | null;
  alternatives: Alternative[];
  given?: boolean;
}

export type Stance = "supported" | "not found" | "contradicted";

/** What the evidence says of a sentence of the answer. */
export interface Sentence {
  first: number;
  last: number;
  text: string;
  stance: Stance;
  passage: number | null;
  probability: number | null;
  contradiction: number | null;
  excerpt: [string, boolean][] | null;
  span: [number, number] | null;
}

export interface PromptPassage {
  document_id: string;
  document: string;
  page: number | null;
  heading: string;
  start: number;
  end: number;
  cited: number[];
  parts: [string, number[]][];
  scores: { label: string; meaning: string; value: number }[];
}

export interface Evidence {
  passages: PromptPassage[];
  sentences: Sentence[];
  judge: string | null;
  note: string;
  looked: boolean;
}

export interface Rule {
  signal: string;
  below: number | null;
  above: number | null;
  gate: string;
}

export interface Policy {
  name: string;
  rules: Rule[];
  answer_above: number;
  abstain_below: number;
  guarantee?: { risk: number; confidence_level: number } | null;
}

export type Action = "answer" | "defer" | "abstain";

export interface Decision {
  action: Action;
  gate: string;
  reason: string;
}

export interface SignalRow {
  label: string;
  unit: string;
  meaning: string;
  scale: [number, number];
  falling: boolean;
  forms: { name: string; title: string; value: number | null }[];
}

export interface Samples {
  groups: { text: string; answer: boolean; inside: boolean; members: { parts: [string, boolean][] }[] }[];
  total: number;
  compared: string;
  likely: string | null;
}

/** One step of the loop: step_view in pages/ask/view.py. */
export interface Step {
  kind: string;
  text: string;
  tokens: Token[];
  units: number[];
  words: number[];
  focus: boolean[];
  evidence: Evidence;
  samples: Samples;
  signals: { title: string; rows: SignalRow[] }[];
  values: Record<string, number | null>;
  confidence: { value: number | null; calibrated: number | null };
  decision: Decision;
  prompt: string | null;
  prompt_sha256: string;
  generation: { finish_reason: string };
  seconds: number;
  support: string | null;
}

/** What a question came to, as the inspector shows it. */
export interface Trace {
  id: string;
  session: string;
  parent: string | null;
  branched: { position: number; text: string } | null;
  answer: string;
  first_answer: string | null;
  correct: boolean | null;
  policy: string;
  no_branch: string | null;
  seconds: number;
  story: string[];
  steps: {
    kind: string;
    seconds: number;
    text: string;
    passages: string[];
    support: string | null;
    samples: { total: number; distinct: number };
    confidence: { value: number | null; calibrated: number | null };
    decision: Decision;
    values: Record<string, number | null>;
    prompt: string | null;
    prompt_sha256: string;
  }[];
  details: [string, string][];
  last: Step;
}

/** How a token's value falls into five steps: Scale in pages/ask/scales.py. */
export interface Scale {
  field: "p" | "entropy" | "rank";
  legend: string;
  unit: string;
  edges: number[];
  falling: boolean;
  captions: string[];
}

/** What is shown of a token. */
export interface Pointed {
  position: number;
  token: Token;
  total: number;
  parts: string[];
  /** The heatmap that it stands in, and the answer; null while that is being written. */
  heat: Heatmap;
  trace: unknown;
}
