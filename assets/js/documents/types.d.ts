// What the server sends to the Documents page: pages/documents/view.py.

import type { Job, Limits } from "../shared/types";

export interface Document {
  id: string;
  name: string;
  folder: string;
  path: string;
  uploaded: boolean;
  state: "indexed" | "waiting" | "skipped";
  reason: string | null;
  size: number;
  pages: number | null;
  chunks: number;
  added: string;
  indexed: string | null;
}

export interface State {
  job: (Job & { rebuild: boolean }) | null;
  version: string;
  total: number;
  waiting: number;
  documents: Document[] | null;
}

export interface Passage {
  id: string;
  document_id: string;
  document: string;
  page: number | null;
  heading: string;
  start: number;
  end: number;
  parts: [string, boolean][];
  scores: { label: string; meaning: string; value: number }[];
}

export interface Found {
  error: string | null;
  rebuild?: boolean;
  passages: Passage[];
}

export interface Piece {
  page: number | null;
  begins: boolean;
  text: string;
  marked: boolean;
}

export interface Stretch {
  document: Document;
  first: number;
  last: number;
  length: number;
  pages: number | null;
  pieces: Piece[];
}

/** Which part of a document is to be read. */
export interface Wanted {
  id: string;
  start?: number | string | null;
  end?: number | string | null;
}

export interface Config extends Limits {
  local: boolean;
}

/** A file with its folders; null: it cannot be opened. */
export interface Entry {
  name: string;
  file: File | null;
  replace?: boolean;
}

/** Files that are sent together. */
export interface Batch {
  queue: Entry[];
  /** Bytes of all of them. */
  total: number;
  files: number;
  /** Bytes of those that have arrived. */
  sent: number;
  /** Files that came in. */
  done: number;
  left: { name: string; why: string }[];
  clashes: Entry[];
  /** Bytes that were sent of each. */
  active: Map<XMLHttpRequest, number>;
  started: number;
  ended: boolean;
  cancelled: boolean;
}
