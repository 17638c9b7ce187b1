// What the server sends the bar: Status in codex/ask/workbench.py, ModelMenu in pages/model_menu.py.

import type { Job } from "../shared/types";

export interface Status {
  state: string;
  model: string;
  error: string | null;
  calibrated: boolean;
  calibration: string;
  limits: string;
  abilities: string;
  /** Who has signed in; null: nobody has to. */
  user: string | null;
  /** Which role the page takes, where theirs does not suffice; "": it does. */
  lacks: string;
}

export interface ListedModel {
  name: string;
  state: "loaded" | "here" | "fetchable";
  about: string;
  size: number;
  memory: number;
  licence: string | null;
  parameters: number | null;
  sha256: string | null;
  calibrators: string[];
}

export interface LoadedModel {
  model: string;
  name: string;
  engine: string;
  base_url: string | null;
  state: string;
  process_memory: number | null;
  memory: number | null;
  calibrated: boolean;
  calibration: string;
  calibrators: string[];
  larger: LargerStatus | null;
  larger_calibrator: string | null;
}

/** The model that is asked before a person is: LargerStatus in codex/ask/larger.py. */
export interface LargerStatus {
  model: string;
  name: string;
  engine: string;
  state: "ready" | "unloaded" | "error";
  memory: number | null;
  error: string | null;
}

export interface Menu {
  active: LoadedModel;
  models: ListedModel[];
  job: Job | null;
}
