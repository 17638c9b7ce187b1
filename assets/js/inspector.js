// The panel that explains: Token, Samples, Signals, Steps and Details of the answer that is looked at.

import { bar, figure, fill, h, icon, number, reveal, revealToken, roving } from "./dom.js";

const TABS = ["Token", "Samples", "Signals", "Steps", "Details"];

export class Inspector {
  /** options: {onbranch(pointed, token id), onback(pointed)}. */
  constructor(element, options) {
    this.options = options;
    this.tab = "Token";
    this.rules = [];
    this.tabs = TABS.map((name) =>
      h("button", { type: "button", role: "tab", id: `cx-tab-${name}`, "aria-controls": "cx-panel", onclick: () => this.open(name) }, name));
    this.panel = h("div", { class: "cx-panel", role: "tabpanel", id: "cx-panel", tabindex: "0" });
    const list = h("div", { class: "cx-tabs", role: "tablist", "aria-label": "Inspector" }, this.tabs);
    list.addEventListener("keydown", (event) => roving(event, this.tabs) && document.activeElement.click());
    element.append(list, this.panel);
    this.show(null);
  }

  open(name) {
    this.tab = name;
    this.#draw();
  }

  /** trace: what is looked at, or null; context: {noBranch}: why its answer cannot be continued, or null. */
  show(trace, context = {}) {
    Object.assign(this, { trace, context, token: null });
    this.#draw();
  }

  /** The rules that the signals are shown with. */
  policy({ rules }) {
    this.rules = rules;
    if (this.tab === "Signals") this.#draw();
  }

  /** Show a token: {card, token, position, total, parts}; its tab opens unless it is only pointed at. */
  showToken(pointed, { open }) {
    this.token = pointed;
    if (open) this.tab = "Token";
    if (this.tab === "Token") this.#draw();
  }

  /** Move the keyboard into the alternatives. */
  focusAlternatives() {
    (this.panel.querySelector(".cx-alt[tabindex='0']") ?? this.panel.querySelector(".cx-alt"))?.focus();
  }

  #draw() {
    for (const tab of this.tabs) {
      const here = tab.textContent === this.tab;
      tab.setAttribute("aria-selected", here);
      tab.tabIndex = here ? 0 : -1;
    }
    this.panel.setAttribute("aria-labelledby", `cx-tab-${this.tab}`);
    const draw = { Token: tokenPanel, Samples: samplesPanel, Signals: signalsPanel, Steps: stepsPanel, Details: detailsPanel }[this.tab];
    const ready = this.tab === "Token" ? this.token : this.trace;
    fill(this.panel, ready ? draw(this) : h("p", { class: "cx-hint" }, HINTS[this.tab]));
  }
}

const HINTS = {
  Token: "Point at a word of the answer, or reach it with the arrow keys, to see what else the model could have said there.",
  Samples: "What the model says when it is asked the same thing again, grouped by meaning.",
  Signals: "Everything that was measured on the answer, and which rule looks at it.",
  Steps: "What was done with the question, step by step.",
  Details: "Model, parameters, seed and the exact prompt.",
};

function tokenPanel({ token: pointed, options, context: shown }) {
  const context = pointed.card.trace.id ? shown : { noBranch: "Once the answer is complete, you can continue it from another token." };
  const { token, position, total, parts } = pointed;
  const list = h("ul", { class: "cx-alts", "aria-label": "Alternatives, likeliest first" },
    token.alternatives.map((other) => alternative(other, pointed, options, context)));
  const buttons = [...list.querySelectorAll(".cx-alt")];
  const start = buttons.findIndex((button) => button.getAttribute("aria-disabled") !== "true");
  buttons.forEach((button, i) => (button.tabIndex = i === Math.max(0, start) ? 0 : -1));
  list.addEventListener("keydown", (event) => {
    if (event.key === "Escape" || (event.key === "ArrowUp" && document.activeElement === buttons[0])) {
      event.preventDefault();
      options.onback(pointed);
    } else roving(event, buttons);
  });
  const rest = Math.max(0, 1 - token.alternatives.reduce((sum, other) => sum + (other.p ?? 0), 0));
  return [
    h("div", { class: "cx-token-head" },
      revealToken(token.text),
      h("span", { class: "cx-muted" }, `token ${position + 1} of ${total}`)),
    parts.length > 1 ? h("p", { class: "cx-muted cx-parts" }, "weakest part of ", parts.map((part) => revealToken(part))) : null,
    h("dl", { class: "cx-facts" },
      [["p", figure(token.p)], ["rank", token.rank === null ? "beyond the list" : String(token.rank)],
       [token.exact || token.entropy === null ? "entropy, nats" : "entropy, nats, estimated", figure(token.entropy, "nats")],
      ].map((named) => h("div", {}, fact(...named)))),
    token.given ? h("p", { class: "cx-muted" }, "Given by the branch, not chosen by the model.") : null,
    token.alternatives.length
      ? [h("h3", {}, "It could have gone on with"), list,
         h("p", { class: "cx-rest cx-muted" }, h("span", {}, "all others"), bar(rest), figure(rest)),
         h("p", { class: "cx-hint" }, context.noBranch ?? "Pick one to continue from there, beside this answer.")]
      : h("p", { class: "cx-hint" }, "This engine gives no alternatives."),
  ];
}

function alternative(other, pointed, options, context) {
  const chosen = other.id === pointed.token.id;
  const off = chosen || Boolean(context.noBranch);
  const label = other.end ? h("span", { class: "cx-end" }, "end of the answer") : revealToken(other.text);
  const said = chosen ? "chosen" : off ? "" : "continue from here";
  return h("li", {},
    h("button", {
      type: "button", class: `cx-alt${chosen ? " chosen" : ""}`, "aria-disabled": off ? "true" : null, title: said || null,
      onclick: off ? null : () => options.onbranch(pointed, other.id),
    }, label, bar(other.p ?? 0), figure(other.p), h("span", { class: "cx-alt-mark" }, icon(chosen ? "answer" : "branch")),
    h("span", { class: "cx-sr" }, said ? `, ${said}` : "")));
}

function samplesPanel({ trace }) {
  const { groups, total } = trace.last.samples;
  if (!total) return h("p", { class: "cx-hint" }, "This answer was given without samples.");
  const kinds = groups.length === 1 ? "all say the same" : `${groups.length} different answers`;
  return [
    h("p", { class: "cx-muted" }, `Asked ${total} more times: ${kinds}. `, h("span", {}, "Words that the answer does not have are "), h("mark", {}, "marked"), "."),
    h("ol", { class: "cx-groups" }, groups.map((group, i) => h("li", {},
      h("details", { open: i === 0 || null },
        h("summary", {},
          h("span", { class: "cx-group-name" }, h("bdi", {}, ...reveal(group.text)), group.answer ? h("span", { class: "cx-tag" }, "the answer") : null),
          h("span", { class: "cx-group-bar" }, bar(group.members.length / total, group.answer ? "accent" : ""),
            h("span", { class: "cx-num" }, `${group.members.length} of ${total}`))),
        h("ul", {}, group.members.map((member) => h("li", {}, h("bdi", {}, member.parts.map(([text, differs]) => differs ? h("mark", {}, ...reveal(text)) : reveal(text)).flat()))))))))
  ];
}

function signalsPanel({ trace, rules }) {
  return trace.last.signals.map((group) => h("section", { class: "cx-signals" },
    h("h3", {}, group.title),
    h("div", { class: "cx-columns cx-muted" }, h("span", {}, "whole answer"), h("span", {}, "focus")),
    group.rows.map((row) => h("div", { class: "cx-signal" },
      h("div", { class: "cx-signal-name" }, h("span", {}, row.label), h("span", { class: "cx-muted" }, row.unit)),
      h("p", { class: "cx-muted" }, row.meaning),
      h("div", { class: "cx-signal-values" }, row.forms.map((form) => signalForm(form, row, rules)))))));
}

function signalForm(form, row, every) {
  const [low, high] = row.scale;
  const place = (value) => `${(100 * Math.min(1, Math.max(0, (value - low) / (high - low)))).toFixed(1)}%`;
  const rules = every.filter((rule) => rule.signal === form.name);
  return h("div", { class: "cx-form" },
    h("span", { class: "cx-sr" }, form.title), figure(form.value, row.unit),
    h("span", { class: `cx-scale${row.falling ? " falling" : ""}`, "aria-hidden": "true" },
      form.value === null ? null : h("span", { class: "cx-scale-value", style: { left: place(form.value) } }),
      rules.map((rule) => h("span", { class: "cx-scale-rule", style: { left: place(rule.below ?? rule.above) } }))),
    rules.map((rule) => h("span", { class: "cx-rule-text" }, ruleText(rule), holds(rule, form.value) ? h("b", {}, "holds") : null)));
}

/** A rule as it is said: "< −1.5 → reflect". */
export function ruleText(rule) {
  return `${rule.below !== null ? "<" : ">"} ${number(rule.below ?? rule.above)} \u2192 ${rule.gate}`;
}

export function holds(rule, value) {
  if (value === null || value === undefined) return false;
  return rule.below !== null ? value < rule.below : value > rule.above;
}

const STORY = {
  ask: "Asked the model",
  reflect: "Asked it to check its answer",
  branch: "Continued from another token",
};

function stepsPanel({ trace }) {
  return h("ol", { class: "cx-steps" }, trace.steps.map((step, i) => h("li", {},
    h("details", { open: i === trace.steps.length - 1 || null },
      h("summary", {}, h("b", {}, STORY[step.kind]), h("span", { class: "cx-muted" }, `${number(step.seconds)} s`)),
      h("blockquote", {}, h("bdi", {}, ...reveal(step.text))),
      h("p", {}, `${step.samples.total} samples, ${step.samples.distinct} different. Confidence `, figure(step.confidence.value), step.confidence.calibrated === null ? ", not calibrated." : "."),
      h("p", {}, "Gate ", h("b", {}, step.decision.gate), ", decision ", h("b", {}, step.decision.action), ": ", step.decision.reason)))),
    trace.answer !== trace.last.text
      ? h("li", {}, h("b", {}, "Said to the user"), h("blockquote", {}, h("bdi", {}, ...reveal(trace.answer)))) : null);
}

function detailsPanel({ trace }) {
  const link = new URL(`traces/${trace.id}`, document.baseURI).href;
  return [
    h("dl", { class: "cx-details" },
      trace.details.map(([name, value]) => fact(name, h("bdi", {}, ...reveal(value)))),
      fact("trace", h("a", { href: link, target: "_blank", rel: "noopener" }, trace.id))),
    h("h3", {}, "The exact prompt"),
    trace.last.prompt === null
      ? h("p", { class: "cx-hint" }, `Not kept. Its SHA-256 is ${trace.last.prompt_sha256}.`)
      : h("pre", { tabindex: "0", "aria-label": "The exact prompt" }, ...reveal(trace.last.prompt)),
  ];
}

function fact(name, value) {
  return [h("dt", {}, name), h("dd", {}, value)];
}
