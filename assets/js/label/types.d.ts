// What the server sends to the Label page: pages/label/page.py.

export type Span = [first: number, last: number];
export type Key = [run: string, question: string];

export interface Queue {
  id: string;
  name: string;
  about: string;
  run: string;
  labelled: number;
  answers: number;
}

export interface Own {
  verdict: string;
  correction: string;
  note: string;
  tags: string[];
  spans: Span[];
}

export interface Card {
  key: Key;
  question: string;
  answer: string;
  tokens: string[];
  units: number[];
  sentences: Span[];
  accepted: string[];
  passages: [name: string, text: string][];
  own: Own | null;
  seen: string | null;
}

export interface Progress {
  answers: number;
  labelled: number;
  note: string;
  days: { day: string; labels: number }[];
  shrinking: [labelled: number, value: number, low: number, high: number][];
}

export interface Found {
  key: Key;
  question: string;
  answer: string;
  said: string;
}

export interface Agreement {
  answers: number;
  differing: number;
  rows: { name: string; value: number | null; low: number | null; high: number | null }[];
}

export interface Recalibrated {
  version: string;
  note: string;
  rows: { name: string; before: (number | null)[]; after: (number | null)[] }[];
}
