// What a policy does to a run: one bar, the figures, and another policy beside it.

import { fill, h, icon, number } from "./dom.js";
import { badge } from "./verdict.js";

export const ACTIONS = ["answer", "defer", "abstain"];

export class OutcomeView {
  /** options: {onother(version)}. */
  constructor(element, options) {
    this.options = options;
    this.bar = h("div.cx-stack", { role: "img" });
    this.figures = h("div.cx-tuning-figures");
    this.other = h("select.cx-field", {
      "aria-label": "Compare with",
      onchange: () => this.options.onother(this.other.value),
    });
    this.body = h("tbody");
    this.mine = h("th", { scope: "col" });
    this.live = h("p.cx-sr", { "aria-live": "polite" });
    element.append(
      h(
        "section.cx-lab-card.cx-tuning-card",
        { "aria-label": "Outcome" },
        this.bar,
        this.figures,
        h(
          "table.cx-tuning-compare",
          h("caption.cx-sr", "This policy beside another"),
          h("thead", h("tr", h("td"), this.mine, h("th", { scope: "col" }, this.other))),
          this.body,
        ),
        this.live,
      ),
    );
  }

  /** policies: [{version, words}] to compare with; chosen: one of them. */
  choices(policies, chosen) {
    const key = JSON.stringify([policies, chosen]);
    if (key === this.key) return;
    this.key = key;
    fill(
      this.other,
      policies.map(({ version, words }) => h("option", { value: version }, words)),
    );
    this.other.value = chosen;
  }

  show({ now, other, differs }, names, promises) {
    this.mine.textContent = names.now;
    this.#bar(now);
    fill(
      this.figures,
      h(
        "p",
        h("span.cx-tuning-figure", exact(now.accuracy)),
        now.interval ? h("span.cx-muted.cx-num", ` [${now.interval.map((end) => number(100 * end)).join(", ")}]`) : null,
        h("span.cx-muted", now.accuracy === null ? " nothing is answered" : " right among answered"),
      ),
      h("p", h("span.cx-tuning-figure", exact(now.coverage)), h("span.cx-muted", " answered")),
      h(
        "p.cx-muted",
        differs
          ? `decides ${counted(differs, "question")} otherwise than ${names.other}`
          : `decides every question like ${names.other}`,
      ),
    );
    fill(
      this.body,
      ACTIONS.map((action) =>
        line(badge(action), (outcome) => amount(outcome.actions[action], outcome.questions), now, other),
      ),
      line(
        "right among answered",
        ({ accuracy, interval }) =>
          accuracy === null
            ? "n/a"
            : [exact(accuracy), h("span.cx-muted", ` [${interval.map((end) => number(100 * end)).join(", ")}]`)],
        now,
        other,
      ),
      line("wrong answers given", ({ wrong }) => wrong.toLocaleString("en"), now, other),
      line("right answers withheld", (outcome) => outcome.right_withheld.toLocaleString("en"), now, other),
      line(
        "asked again first",
        ({ gates, questions }) => amount(gates.retrieve + gates.reflect, questions),
        now,
        other,
        "retrieve and reflect",
      ),
      h(
        "tr",
        h("th", { scope: "row" }, "promise"),
        [promises.now, promises.other].map((promise) => h("td", promiseWords(promise))),
      ),
    );
    clearTimeout(this.saying);
    this.saying = setTimeout(() => {
      this.live.textContent = `${this.bar.getAttribute("aria-label")}; ${share(now.accuracy)} right among answered`;
    }, 700);
  }

  #bar({ actions, questions }) {
    const parts = ACTIONS.map((action) => ({ action, part: actions[action] / questions }));
    this.bar.setAttribute("aria-label", parts.map(({ action, part }) => `${action} ${share(part)}`).join(", "));
    fill(
      this.bar,
      parts.map(({ action, part }) =>
        h(
          "span",
          {
            class: action,
            style: { width: `${100 * part}%` },
            title: `${action}: ${actions[action].toLocaleString("en")} of ${questions.toLocaleString("en")}`,
          },
          h("span.cx-stack-part", icon(action), h("span", `${action} ${share(part)}`)),
        ),
      ),
    );
  }
}

function line(name, value, now, other, title = null) {
  return h("tr", h("th", { scope: "row", title }, name), [now, other].map((one) => h("td.cx-num", value(one))));
}

function amount(count, questions) {
  return [exact(count / questions), h("span.cx-muted", ` ${count.toLocaleString("en")}`)];
}

function promiseWords(promise) {
  if (!promise) return h("span.cx-muted", "none");
  return `at most ${share(promise.risk)} wrong, ${share(promise.certainty)} certain`;
}

function exact(value) {
  return h("span.cx-num", { title: value === null ? "not available" : `${100 * value} %` }, share(value));
}

/** A share in percent, two significant digits; never "100 %" or "0 %" for what is not. */
export function share(value) {
  if (value === null || value === undefined) return "n/a";
  const percent = 100 * value;
  if (percent > 99 && percent < 100) return `${Math.min(99.99, Number(percent.toFixed(2)))} %`;
  return `${number(percent)} %`;
}

export function counted(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}
