// What the server sends of people's answers: pages/label/answers.py.

export interface Answer {
  id: string;
  question: string | null;
  answer: string;
  author: string;
  source: string;
  at: string;
  state: "given" | "withdrawn" | "expired";
  /** The last day, or nothing. */
  expires: string;
}

export interface Waiting {
  trace: string;
  question: string;
  answer: string;
  action: "defer" | "abstain";
  at: string;
}

/** What is being written. */
export interface Draft {
  /** The answer that is edited; "": a new one. */
  id: string;
  trace: string;
  question: string;
  answer: string;
  author: string;
  source: string;
  expires: string;
}
