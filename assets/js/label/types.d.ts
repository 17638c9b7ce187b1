// What the server sends to the Label page: pages/label/page.py.

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
}

export interface Card {
  key: [run: string, question: string];
  question: string;
  answer: string;
  accepted: string[];
  passages: [name: string, text: string][];
  own: Own | null;
}

export interface Progress {
  answers: number;
  labelled: number;
  note: string;
}

export interface Agreement {
  answers: number;
  differing: number;
  rows: { name: string; value: number | null; low: number | null; high: number | null }[];
}
