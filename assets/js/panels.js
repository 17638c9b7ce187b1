// What the inspector shows beside single tokens: samples, signals and details of a trace.

import { bar, figure, h, icon, number, reveal } from "./dom.js";

/** What the model says when it is asked again, grouped by meaning. */
export function samplesPanel({ trace }) {
  const { groups, total, compared, likely } = trace.last.samples;
  if (!total) return h("p.cx-hint", "This answer was given without samples.");
  const kinds = groups.length === 1 ? "all say the same" : `${groups.length} different answers`;
  return [
    likely ? h("p.cx-likely", ...reveal(likely)) : null,
    h(
      "p.cx-muted",
      `Asked ${total} more times: ${kinds}, compared ${compared}. `,
      h("span", "Words that the answer does not have are "),
      h("mark", "marked"),
      ".",
    ),
    h(
      "ol.cx-groups",
      groups.map((group, i) =>
        h(
          "li",
          h(
            "details",
            { open: i === 0 || null },
            h(
              "summary",
              h(
                "span.cx-group-name",
                h("bdi", { title: group.text }, ...reveal(group.text)),
                group.answer ? h("span.cx-tag", "the answer") : null,
                group.inside ? h("span.cx-tag.cx-inside", icon("answer"), "in the set") : null,
              ),
              h(
                "span.cx-group-bar",
                bar(group.members.length / total, group.answer ? "accent" : ""),
                h("span.cx-num", `${group.members.length} of ${total}`),
              ),
            ),
            h(
              "ul",
              group.members.map((member) =>
                h(
                  "li",
                  h(
                    "bdi",
                    member.parts
                      .map(([text, differs]) => (differs ? h("mark", ...reveal(text)) : reveal(text)))
                      .flat(),
                  ),
                ),
              ),
            ),
          ),
        ),
      ),
    ),
  ];
}

/** Every signal, over the whole answer and over its focus, with the rules that look at it. */
export function signalsPanel({ trace, rules }) {
  return trace.last.signals.map((group) =>
    h(
      "section.cx-signals",
      h("h3", group.title),
      group.rows.some((row) => row.forms.length > 1)
        ? h("div.cx-columns.cx-muted", h("span", "whole answer"), h("span", "focus"))
        : null,
      group.rows.map((row) =>
        h(
          "div.cx-signal",
          h("div.cx-signal-name", h("span", row.label), h("span.cx-muted", row.unit)),
          h("p.cx-muted", row.meaning),
          h(
            "div",
            { class: `cx-signal-values${row.forms.length === 1 ? " single" : ""}` },
            row.forms.map((form) => signalForm(form, row, rules)),
          ),
        ),
      ),
    ),
  );
}

function signalForm(form, row, every) {
  const [low, high] = row.scale;
  const place = (value) => `${(100 * Math.min(1, Math.max(0, (value - low) / (high - low)))).toFixed(1)}%`;
  const rules = every.filter((rule) => rule.signal === form.name);
  return h(
    "div.cx-form",
    row.forms.length > 1 ? h("span.cx-sr", form.title) : null,
    figure(form.value, row.unit),
    h(
      "span",
      { class: `cx-scale${row.falling ? " falling" : ""}`, "aria-hidden": "true" },
      form.value === null ? null : h("span.cx-scale-value", { style: { left: place(form.value) } }),
      rules.map((rule) => h("span.cx-scale-rule", { style: { left: place(rule.below ?? rule.above) } })),
    ),
    rules.map((rule) =>
      h("span.cx-rule-text", ruleText(rule), holds(rule, form.value) ? h("b", "holds") : null),
    ),
  );
}

/** A rule as it is said: "< −1.5 → reflect". */
export function ruleText(rule) {
  return `${rule.below !== null ? "<" : ">"} ${number(rule.below ?? rule.above)} \u2192 ${rule.gate}`;
}

/** Whether a rule holds for a value; a missing one never does. */
export function holds(rule, value) {
  if (value === null || value === undefined) return false;
  return rule.below !== null ? value < rule.below : value > rule.above;
}

/** Everything that is needed to ask the same again. */
export function detailsPanel({ trace }) {
  const link = new URL(`traces/${trace.id}`, document.baseURI).href;
  return [
    h(
      "dl.cx-details",
      trace.details.map(([name, value]) => fact(name, h("bdi", ...reveal(value)))),
      fact("trace", h("a", { href: link, target: "_blank", rel: "noopener" }, trace.id)),
    ),
    h("h3", "The exact prompt"),
    trace.last.prompt === null
      ? h("p.cx-hint", `Not kept. Its SHA-256 is ${trace.last.prompt_sha256}.`)
      : h("pre", { tabindex: "0", "aria-label": "The exact prompt" }, ...reveal(trace.last.prompt)),
  ];
}

/** A name and its value in a list of facts. */
export function fact(name, value) {
  return [h("dt", name), h("dd", value)];
}
