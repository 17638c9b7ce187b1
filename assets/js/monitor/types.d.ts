// What the server sends to the Monitor page: pages/monitor/view.py.

import type { Figure } from "../shared/types.js";

export type AlertState = "ok" | "alert" | "no_data" | "cold_start" | "paused";

export interface Alert {
  name: string;
  title: string;
  meaning: string;
  state: AlertState;
  word: string;
  since: string;
  message: string;
}

export interface Notice {
  number: number;
  title: string;
  kind: string;
  at: string;
  message: string;
  delivery: string;
  error: string;
}

export interface Signal {
  name: string;
  label: string;
  meaning: string;
  unit: string;
  n: number;
  quantiles: [name: string, value: number][];
  rule: string;
  side: "below" | "above";
}

export type Chart = "decisions" | "failed" | "confidence" | "latency" | "tokens";

export interface Seen {
  models: string[];
  policies: string[];
  alerts: Alert[];
  facts: [name: string, value: string][];
  /** null: nothing was asked in the window. */
  charts: Record<Chart, Figure> | null;
  /** Whether a point is an hour; else a day. */
  hourly: boolean;
  signals: { words: string; rows: Signal[] };
  notices: Notice[];
  notes: string[];
}
