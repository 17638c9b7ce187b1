// What was done with a question, step by step: in one line, and in full.

import { figure, h, number, reveal } from "./dom.js";

const DONE = {
  ask: "Asked the model",
  retrieve: "Asked the model with passages",
  reflect: "Asked it to check its answer",
  branch: "Continued from another token",
};

/** The story in one line, or null when the model was simply asked. */
export function storyLine(trace) {
  if (!trace.story.length) return null;
  return h(
    "p.cx-story",
    trace.story.map((part, i) => [
      i ? h("span.cx-then", { "aria-hidden": "true" }, " \u2192 ") : null,
      i ? h("span.cx-sr", ", then ") : null,
      h("span", part),
    ]),
  );
}

/** The story of the loop: each step can be opened. */
export function stepsPanel({ trace }) {
  const changed = trace.first_answer !== null;
  return [
    storyLine(trace),
    changed
      ? h(
          "dl.cx-changed",
          h("dt", "first"),
          h("dd", h("bdi", ...reveal(trace.first_answer))),
          h("dt", "then"),
          h("dd", h("bdi", ...reveal(trace.last.text))),
        )
      : null,
    h(
      "ol.cx-steps",
      trace.steps.map((step, i) => stepItem(step, i === trace.steps.length - 1)),
      trace.answer !== trace.last.text
        ? h("li", h("b", "Said to the user"), h("blockquote", h("bdi", ...reveal(trace.answer))))
        : null,
    ),
  ];
}

function stepItem(step, open) {
  return h(
    "li",
    h(
      "details",
      { open: open || null },
      h("summary", h("b", DONE[step.kind]), h("span.cx-muted", `${number(step.seconds)} s`)),
      h("blockquote", h("bdi", ...reveal(step.text))),
      step.passages.length
        ? h(
            "p",
            `Saw ${step.passages.length} ${step.passages.length === 1 ? "passage" : "passages"} of `,
            [...new Set(step.passages)].map((name, i) => [i ? ", " : null, h("bdi", ...reveal(name))]),
            step.support ? `: ${step.support}.` : ".",
          )
        : null,
      h(
        "p",
        step.samples.total ? `${step.samples.total} samples, ${step.samples.distinct} different. ` : "",
        "Confidence ",
        figure(step.confidence.value),
        step.confidence.calibrated === null ? ", not calibrated." : ".",
      ),
      h(
        "p",
        "Gate ",
        h("b", step.decision.gate),
        ", decision ",
        h("b", step.decision.action),
        ": ",
        h("bdi", ...reveal(step.decision.reason)),
      ),
      h(
        "details.cx-inner",
        h("summary", "Signals"),
        h(
          "dl.cx-values",
          Object.entries(step.values)
            .filter(([, value]) => value !== null)
            .map(([name, value]) => [h("dt", name), h("dd", figure(value))]),
        ),
      ),
      h(
        "details.cx-inner",
        h("summary", "Prompt"),
        step.prompt === null
          ? h("p.cx-hint", `Not kept. Its SHA-256 is ${step.prompt_sha256}.`)
          : h("pre", { tabindex: "0", "aria-label": "The prompt of this step" }, ...reveal(step.prompt)),
      ),
    ),
  );
}
