// What the server sends to the Ask page: pages/ask/page.py.

import type { Heatmap } from "../shared/heatmap.js";
import type { Action, Policy, Scale, Token, Trace } from "../shared/types";

/** The active policy: its sliders with their ranges, and its guarantee in words. */
export interface Active {
  policy: Policy;
  /** Of the signals of its rules, for people. */
  names: Record<string, string>;
  version: string;
  ranges: Record<string, [number, number]>;
  guarantee: string | null;
}

export interface Level {
  name: string;
  label: string;
  note: string;
}

export interface Session {
  id: string;
  title: string;
  used: string;
  questions: number;
}

/** What a question under way is about. */
export interface About {
  run: string;
  question: string | null;
  session: string | null;
  branch: { trace: string; position: number; token: number } | null;
  /** The answer that it follows up. */
  follows: string | null;
}

/** A question of a conversation, with what the user was told. */
export interface Turn {
  id: string;
  /** null: it was not kept. */
  question: string | null;
  answer: string;
  action: Action;
  confidence: number | null;
  basis: string;
}

/** What the model was shown of the turns before an answer: Conversation in codex/types.py. */
export interface Before {
  turns: number;
  dropped: number;
  tokens: number | null;
  context: number | null;
  follows: string | null;
}

/** What a follow-up of an answer would be asked after; no: why there can be none. */
export interface Follow {
  turn: Turn;
  tokens: number | null;
  context: number | null;
  no: string | null;
}

export interface Sidebar {
  sessions: Session[];
  under_way: About[];
  privacy: Privacy | null;
}

/** What is saved of questions; given: the setting that Codex was started with, which cannot be changed here. */
export interface Privacy {
  level: string;
  chosen: boolean;
  given: string | null;
}

/** A session at one of its answers. */
export interface Open {
  session: string | null;
  root: string | null;
  trace: string | null;
  question: string | null;
  cut: boolean;
  traces: Trace[];
  turns: Turn[];
  before: Before | null;
  /** Why the calibrator does not hold for a follow-up; "": it does, or there is none. */
  uncalibrated: string;
  follow: Record<string, Follow>;
  roots: { id: string; title: string; action: Action }[];
}

export interface Looked {
  sidebar: Sidebar;
  open: Open | null;
  left?: About | null;
  documents?: boolean;
  evidence?: string | null;
  active?: Active;
  starters?: Starter[];
}

/** A question to begin with, and what was measured of it. */
export interface Starter {
  question: string;
  about: string | null;
}

/** What streams in while a question is answered. */
export interface Streamed {
  run: string;
  version: number;
  phase: string;
  chunks: string[];
  passages: string | null;
  error: { message: string; fields: string[]; cancelled: boolean } | null;
  session: string | null;
  trace: string | null;
}

/** A question under way. */
export interface Run {
  id: string;
  question: string | null;
  aside: boolean;
  prefix: Token[];
  follows: string | null;
  read: number;
  step: number;
  tokens: Token[];
  card: Card | null;
  passages: string | null;
  left: boolean;
  /** The version that came last; 0: none. */
  heard: number;
}

/** An answer, or one that grows. */
export interface Card {
  key: string;
  trace: Trace | null;
  tokens: Token[];
  prefix: Token[];
  label: unknown;
  heat: Heatmap;
  note: { words: string; kind: "error" | "muted" } | null;
}

export interface Config {
  active: Active;
  scales: Record<string, Scale>;
  defaults: Record<string, number>;
  adaptive: boolean;
  limits: Record<string, [number, number]>;
  engine: string;
  looks_up: boolean;
  levels: Level[];
  question_bytes: number;
}

/** A session to be shown, at one of its answers. */
export interface Wanted {
  session?: string | null;
  trace?: string | null;
  /** The answer that the next question follows up. */
  follow?: string | null;
  /** The run that this tab began before it was reloaded. */
  own?: string | null;
}
