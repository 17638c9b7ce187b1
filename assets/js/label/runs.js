// Parts of an answer as runs of tokens. Pure.

/** @import {Span} from "./types" */

/**
 * The runs with a part marked, or, where all of it is marked, with its mark taken away. n: tokens of the answer.
 * @param {Span[]} spans @param {Span} part @param {number} n @returns {Span[]}
 */
export function toggled(spans, [first, last], n) {
  const marked = Array.from({ length: n }, (_, at) => spans.some(([a, z]) => a <= at && at <= z));
  const whole = marked.slice(first, last + 1).every(Boolean);
  for (let at = first; at <= last; at++) marked[at] = !whole;
  /** @type {Span[]} */
  const runs = [];
  marked.forEach((on, at) => {
    const open = runs.at(-1);
    if (on && open?.[1] === at - 1) open[1] = at;
    else if (on) runs.push([at, at]);
  });
  return runs;
}
