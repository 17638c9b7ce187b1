// What the server sends that more than one page reads.

import type { Heatmap } from "./heatmap.js";
import type { Picks } from "./table.js";

/** A text, or a moment, which is shown in local time. */
export type Fact = string | { at: string };

/** What Gradio gives a page's script: see view() in pages/components.py. */
export interface Given {
  element: HTMLElement;
  props: { config: string; value?: any };
  server: Record<string, any>;
  watch: (name: string, changed: () => void) => void;
  send: Record<string, (data: object) => void>;
}

export interface Failure {
  message: string;
  fields: string[];
  /** The user has to sign in again. */
  signedOut?: boolean;
}

/** What the server answers: a value, or an error that a user can act on. */
export type Answer<T = any> = { value: T; error?: undefined } | { value?: undefined; error: Failure };
export type Call = (name: string, data?: object) => Promise<Answer>;

/** What may be uploaded: pages/limits.py. */
export interface Limits {
  max_bytes: number;
  max_words: string;
  suffixes: string[];
}

/** A plot as Plotly has it; colours may be "var(--cx-accent)". */
export interface Figure {
  data: any[];
  layout: any;
}

export interface Numbers {
  head: string[];
  rows: unknown[][];
  /** Columns of shares, shown in percent. */
  shares?: number[];
}

export interface PlotOptions {
  /** For screen readers; by default the title. */
  name?: string;
  /** By default made of the traces' x and y. */
  table?: Numbers;
  onclick?: (point: any) => void;
  /** With what is selected by a box or a lasso, by the marks' customdata; nothing where that was cleared. */
  onselect?: (ids: string[]) => void;
}

/** A name, and what it means in one sentence. */
export interface Explained {
  name: unknown;
  says: string;
}

export interface Sort {
  key: string;
  down: boolean;
}

export interface Column<Row> {
  key: string;
  label: unknown;
  cell: (row: Row) => unknown;
  /** Right-aligned, and first sorted from the largest. */
  number?: boolean;
  /** What it means. */
  title?: string;
  /** What a cell says on hover. */
  exact?: (row: Row) => string | null;
  /** It does not sort. */
  fixed?: boolean;
  /** Its head is only for screen readers. */
  hidden?: boolean;
  /** Its cells are the heads of their rows. */
  head?: boolean;
  /** Class of its cells. */
  kind?: string;
}

export interface TableOptions<Row> {
  columns: Column<Row>[];
  /** Those of the page that is shown, in their order. */
  rows: Row[];
  /** Tells rows apart. */
  key: (row: Row) => string;
  /** Class of the table. */
  kind?: string;
  /** For screen readers. */
  caption?: string;
  /** Whether other rows are on their way. */
  busy?: boolean;
  sort?: Sort;
  onsort?: (sort: Sort) => unknown;
  /** Whether a row is the one that is open, and its data-state. */
  marks?: (row: Row) => { here?: boolean; state?: string };
  /** Rows are picked with boxes. */
  picks?: Picks;
  /** What a row is called, for its box. */
  name?: (row: Row) => string;
}

/** What is asked before something is lost. */
export interface Question {
  /** What it is called, where it is no confirmation. */
  label?: string;
  question: unknown;
  /** Of the button; by default it warns. */
  kind?: string;
  /** Words of the button, before and while it works. */
  yes: string;
  doing: string;
  /** What went wrong, or null. */
  run: () => Promise<string | null>;
  /** Moves the keyboard to where it came from, unless it has gone elsewhere. */
  back: () => unknown;
}

export interface JobOptions {
  /** What the bar is called. */
  label: string;
  /** What stands behind the end. */
  more?: (job: any) => unknown;
  /** How a job ended that did not fail. */
  words?: (job: any) => string | null;
}

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

/** Something fitted to runs, as it is saved. */
export interface Version {
  version: string;
  name: string;
  /** Its version, after its name where it was renamed. */
  title: string;
  active: boolean;
  created: string;
  /** Why it is not used now. */
  mismatch: string | null;
}

/** What a page of versions is sent: pages/versions.py. */
export interface VersionsState {
  job: (Job & { made: string | null }) | null;
  version: string;
  runs?: any[];
  saved?: Version[];
}

/** One row of a table of metrics: metrics_row in pages/versions.py. */
export interface MetricsRow {
  label: string;
  title: string;
  metrics: Record<string, { value: number; low: number; high: number }> | null;
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
  /** null: no judge is reliable enough to say. */
  stance: Stance | null;
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
  /** Who judged and how reliable that is, in words. */
  judged: string | null;
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
  /** null, or left out: no larger model is asked. */
  larger_above?: number | null;
  defer_unfamiliar?: boolean;
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

/** How tokens are shown. */
export interface View {
  scale: Scale;
  words: boolean;
  focus: boolean;
}

/** Confidence in codex/types.py. */
export interface Confidence {
  value: number | null;
  calibrated: number | null;
  familiarity: number | null;
}

/** One step of the loop: step_view in pages/ask/view.py. */
export interface Step {
  kind: string;
  text: string;
  /** What the decision rests on, in one line. */
  plain: string;
  tokens: Token[];
  units: number[];
  words: number[];
  focus: boolean[];
  /** The token that the inspector shows at first. */
  weakest: number | null;
  evidence: Evidence;
  samples: Samples;
  signals: { title: string; rows: SignalRow[] }[];
  values: Record<string, number | null>;
  confidence: Confidence;
  /** What the confidence rests on. */
  basis: string;
  decision: Decision;
  prompt: string | null;
  prompt_sha256: string;
  generation: { finish_reason: string };
  larger: Larger | null;
  /** What a reasoning model wrote before the answer; null: nothing, or it was not kept. */
  reasoning: string | null;
  seconds: number;
  support: string | null;
}

/** The larger model that a step's answer is of: LargerModel in codex/types.py. */
export interface Larger {
  model: string;
  calibrator: string | null;
}

/** What a question came to, as the inspector shows it. */
export interface Trace {
  id: string;
  session: string;
  parent: string | null;
  branched: { position: number; text: string } | null;
  /** null: it was not kept. */
  question: string | null;
  answer: string;
  /** A person's answer in place of the model's. */
  person: { answer: string; by: string; source: string } | null;
  /** The answer with decision, confidence and sources, as text. */
  copy: string;
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
    reasoning: string | null;
    passages: string[];
    support: string | null;
    samples: { total: number; distinct: number };
    confidence: Confidence;
    basis: string;
    decision: Decision;
    values: Record<string, number | null>;
    prompt: string | null;
    prompt_sha256: string;
    larger: Larger | null;
  }[];
  details: [string, Fact][];
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
  trace: Trace | null;
}

/** An answer that can be looked at: its heatmap, and what is known of it once it is complete. */
export interface Inspected {
  heat: Heatmap;
  trace: Trace | null;
}

/** What the inspector does: branch from a token, point at a sentence, go back to it, search the documents. */
export interface InspectorOptions {
  /** Nothing else of Codex is around: no link leads to the documents. */
  alone?: boolean;
  onbranch?: (pointed: Pointed, id: number) => void;
  onsentence: (index: number | null) => void;
  onleave: (index: number) => void;
  onlookup: () => void;
}

/** What the Evidence tab shows: a trace, or the passages found so far while there is none. */
export interface EvidenceShown {
  trace: Trace | null;
  live: PromptPassage[] | null;
  sentence: number | null;
  lookup: { documents: boolean; again: boolean };
  options: InspectorOptions;
}
