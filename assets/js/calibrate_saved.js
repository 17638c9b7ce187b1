// The right side: what a calibrator was fit on and promises, whether it speaks, and those that are saved.

import { confirm } from "./confirm.js";
import { fill, h, icon } from "./dom.js";
import { measured, moment, written } from "./lab.js";

const LONG = 80; // characters; a longer fact stands below its name

export class Card {
  /**
   * options: {onactivate(version or null) -> message or null, onpromise(version) -> message or null,
   * onrollback() -> message or null, ondelete(version) -> message or null, ongone(): the last one was deleted}.
   */
  constructor(element, options) {
    this.options = options;
    this.error = h("p.cx-error", { role: "alert", hidden: true });
    this.warning = h("div");
    this.facts = h("dl.cx-lab-facts.column");
    this.promise = h("div.cx-cal-promise", { role: "status" });
    this.buttons = h("div.cx-lab-buttons");
    this.asked = h("div.cx-confirm", { role: "alertdialog", "aria-label": "Delete a calibrator", hidden: true });
    this.title = h("h2");
    this.card = h(
      "section.cx-lab-card.cx-lab-form",
      { "aria-label": "Calibrator" },
      this.title,
      this.warning,
      this.promise,
      this.buttons,
      this.asked,
      this.error,
      h("h3", "Fit on"),
      this.facts,
    );
    element.append(this.card);
  }

  hide() {
    this.card.hidden = true;
  }

  /**
   * shown: {version, active, ships, misfit, facts, guarantee: {holds, words}}; back: whether there is something
   * to go back to; risk: {alpha, delta, fitted: whether the calibrator was fitted for them} of the guarantee.
   */
  show(shown, back, { alpha, delta, fitted }) {
    const key = JSON.stringify([shown, back, alpha, delta, fitted]);
    this.card.hidden = false;
    if (key === this.key) return;
    this.key = key;
    this.error.hidden = true;
    if (this.version !== shown.version) this.asked.hidden = true;
    this.version = shown.version;
    fill(
      this.title,
      written(shown.version),
      " ",
      shown.active ? h("span.cx-badge.answer", icon("answer"), "active") : h("span.cx-badge.none", "not active"),
    );
    fill(
      this.warning,
      shown.misfit
        ? h("p.cx-lab-warning", { role: "alert" }, icon("defer"), h("span", shown.misfit, " The Ask page shows a heuristic instead of its confidence."))
        : null,
    );
    // A button that is disabled while it works has lost the focus; who has gone elsewhere stays there.
    const at = document.activeElement;
    const focused = at === document.body ? this.acting : this.card.contains(at) && at.dataset.act;
    fill(
      this.promise,
      h("h3", shown.guarantee?.holds === false ? "No guarantee" : "Guarantee"),
      h("p", shown.guarantee?.words ?? "It is computed together with the diagrams, from the answers of a run."),
      shown.guarantee
        ? h("p.cx-hint", `For α ${alpha} and δ ${delta}, ${fitted ? "which it was fitted for" : "as they stand in the form"}.`)
        : null,
      shown.guarantee?.holds
        ? h(
            "button.cx-button.small",
            {
              title: "Activate the calibrator and a policy that answers from this confidence on",
              "data-act": "promise",
              onclick: (event) => this.#run(event.currentTarget, () => this.options.onpromise(shown.version)),
            },
            `Answer from ${shown.guarantee.threshold.toFixed(2)} on`,
          )
        : null,
    );
    const act = (name, words, run, kind = "") =>
      h("button", { class: `cx-button small ${kind}`, "data-act": name, onclick: (event) => this.#run(event.currentTarget, run) }, words);
    fill(
      this.buttons,
      shown.active
        ? act("activate", "Deactivate", () => this.options.onactivate(null))
        : act("activate", "Activate", () => this.options.onactivate(shown.version), "primary"),
      back ? act("rollback", "Roll back", () => this.options.onrollback()) : null,
      // One that speaks is deactivated first; one that ships would be back at the next start.
      shown.active || shown.ships
        ? null
        : h("button.cx-button.small", { "data-act": "delete", onclick: () => this.#ask(shown.version) }, "Delete"),
    );
    if (focused) (this.card.querySelector(`[data-act="${focused}"]`) ?? this.buttons.firstChild).focus();
    const fact = ([name, value]) =>
      h("div", { class: value.length > LONG ? "long" : "" }, h("dt", name), h("dd", written(value)));
    fill(this.facts, shown.facts.map(fact));
  }

  #ask(version) {
    confirm(this.asked, {
      question: h("span", "Delete ", written(version), "? It cannot be brought back."),
      yes: "Delete it",
      doing: "Deleting …",
      run: () => this.options.ondelete(version),
      back: () => {
        if (this.card.hidden) this.options.ongone();
        else (this.buttons.querySelector('[data-act="delete"]') ?? this.buttons.firstChild).focus();
      },
    });
  }

  async #run(button, run) {
    this.acting = button.dataset.act;
    button.disabled = true;
    const message = await run();
    button.disabled = false;
    if (button.isConnected && document.activeElement === document.body) button.focus();
    this.acting = null;
    this.error.hidden = !message;
    this.error.textContent = message ?? "";
  }
}

export class Saved {
  /** options: {onshow(version)}. */
  constructor(element, options) {
    this.options = options;
    this.list = h("ul.cx-cal-saved");
    this.card = h("section.cx-lab-card.cx-lab-form", { "aria-label": "Saved calibrators", hidden: true }, h("h2", "Saved"), this.list);
    element.append(this.card);
  }

  /** calibrators: as the server gives them; shown: the version that is looked at. */
  show(calibrators, shown) {
    const key = JSON.stringify([calibrators, shown]);
    this.card.hidden = !calibrators.length;
    if (key === this.key) return;
    this.key = key;
    const focused = this.list.contains(document.activeElement) ? document.activeElement.dataset.version : null;
    fill(
      this.list,
      calibrators.map((one) =>
        h(
          "li",
          h(
            "button.cx-cal-line",
            {
              "aria-current": one.version === shown ? "true" : null,
              "data-version": one.version,
              onclick: () => this.options.onshow(one.version),
            },
            h("span.cx-cal-name", written(one.version), one.active ? h("span.cx-badge.answer", icon("answer"), "active") : null),
            h("span.cx-lab-sub", one.method, " · AUROC ", measured(one.auroc), " · ", moment(one.created)),
            one.misfit ? h("span.cx-lab-sub.cx-cal-problem", one.misfit) : null,
          ),
        ),
      ),
    );
    if (focused) this.list.querySelector(`[data-version="${CSS.escape(focused)}"]`)?.focus();
  }
}
