// Risk against coverage: the two points on the curve, and the curve as a table. Pure.

import { share } from "../shared/words.js";

/** @import {Figure} from "../shared/types" */
/** @import {Moved} from "./types" */

/** The figure with its two points where they are now. @param {Figure} figure @param {Moved} moved @returns {Figure} */
export function withPoints({ data, layout }, { now, other }) {
  const places = data.map((trace) => {
    const point = trace.name === "policy" ? now : trace.name === "compared" ? other : null;
    if (!point) return trace;
    const [coverage, risk] = [point.coverage, 1 - (point.accuracy ?? 1)];
    const text = [`answered ${share(coverage)}<br>incorrect ${share(risk)}`];
    return { ...trace, x: [coverage], y: [risk], text };
  });
  return { data: places, layout };
}

/** The curve with the threshold that each point stands for. @param {Figure} figure */
export function curveTable({ data }) {
  const { x, y, customdata } = data.find(({ name }) => name === "risk");
  const rows = x.map((/** @type {number} */ coverage, /** @type {number} */ i) => [
    ...[customdata[i], share(coverage), share(y[i])],
  ]);
  return { head: ["threshold", "answered", "incorrect among answered"], rows };
}
