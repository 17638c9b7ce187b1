// What the server sends to the Demo page: pages/demo/view.py and pages/demo/dial.py.

import type { Heatmap } from "../shared/heatmap.js";
import type { Action, Figure, Numbers, Scale, Token } from "../shared/types";

export interface Thresholds {
  answer_above: number;
  abstain_below: number;
}

export interface Story {
  id: string;
  question: string;
  /** What it shows. */
  title: string;
  /** What is worth noticing in its recording. */
  lesson: string;
}

export interface Config {
  stories: Story[];
  /** Which model was recorded. */
  model: string;
  recorded: string;
  policy: Thresholds;
  scale: Scale;
}

export interface Group {
  text: string;
  count: number;
  /** Whether it says what the answer says. */
  answer: boolean;
}

export interface Decided {
  action: Action;
  gate: string;
  reason: string;
}

/** What is shown of one event; at: seconds since the question was asked, of a recording. */
export type Beat = { at?: number } & (
  | { kind: "token"; token: Token }
  | { kind: "written"; weakest: number | null }
  | { kind: "samples"; total: number; groups: Group[] }
  | { kind: "confidence"; value: number | null; basis: string }
  | ({ kind: "decision" } & Decided)
  | { kind: "passages"; passages: { document: string; text: string }[] }
  | { kind: "end"; answer: string; seconds: number }
);

/** An answer while it is written, and afterwards. */
export interface Writing {
  kind: "writing";
  again: boolean;
  tokens: Token[];
  heat: Heatmap;
  complete: boolean;
  /** The token that is told of. */
  pointed: number | null;
}

/** What stands under the other on the page. */
export type Act =
  | Writing
  | { kind: "samples"; total: number; groups: Group[] }
  | { kind: "confidence"; value: number | null; basis: string }
  | ({ kind: "gate" } & Decided)
  | { kind: "passages"; passages: { document: string; text: string }[] }
  | ({ kind: "decision"; answer: string; seconds: number } & Decided);

/** A question that is asked now, as it streams in. */
export interface Live {
  run: string;
  beats: Beat[];
  error: { message: string; cancelled: boolean } | null;
  model: string;
  loading: boolean;
  policy: Thresholds;
}

/** What becomes of the questions at one place of the dial. */
export interface Place {
  risk: number;
  threshold: number;
  counts: Record<Action, number>;
  /** Of the answers given. */
  incorrect: number;
  guarantee: { holds: boolean; words: string };
  stories: Record<string, Action>;
}

export interface Dialled {
  questions: number;
  start: number;
  places: Place[];
  reliability: { diagram: Figure; table: Numbers };
  datasets: string[];
}
