// What happens with a question, one act under the other: it is answered, asked again, judged, decided on.

import { Heatmap, legend } from "../shared/heatmap.js";
import { html, nothing } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { bar, decision, icon, muted, percent, token, written } from "../shared/parts.js";
import { capital, chosen, counted, share } from "../shared/words.js";

/** @import {Act, Beat, Decided, Thresholds, Writing} from "./types" */

const GROUPS = 4; // of samples that are shown
/** What comes of a decision. @type {Record<string, string>} */
const OUTCOMES = {
  answer: "Confident enough: the answer is given.",
  defer: "Not confident enough to answer, and not hopeless: a person decides.",
  abstain: "Too unlikely to be correct: the answer is withheld, and Codex says so.",
};
/** @type {Record<Act["kind"], import("../shared/parts.js").Icon>} */
const ICONS = {
  writing: "edit",
  samples: "refresh",
  confidence: "rise",
  gate: "search",
  passages: "document",
  decision: "go",
};

/** @extends {Part<import("./page.js").Demo>} */
export class Stage extends Part {
  /** @type {Act[]} */
  acts = [];
  /** What a screen reader is told. */
  said = "";
  /** @type {Decided | null} A decision of which it is not known yet whether it is the last. */
  #decided = null;
  /** @type {Thresholds} */
  policy = this.page.config.policy;

  clear() {
    Object.assign(this, { acts: [], said: "" });
    this.#decided = null;
  }

  /** The decision, once it is there. */
  get decided() {
    const last = this.acts.at(-1);
    return last?.kind === "decision" ? last.action : null;
  }

  /** @param {Beat} beat */
  add(beat) {
    if (beat.kind === "token") this.#write(beat.token);
    else if (beat.kind === "written") this.#complete(beat.weakest);
    else if (beat.kind === "decision") this.#decided = beat;
    else if (beat.kind === "passages") this.acts.push(...this.#gate(), beat);
    else if (beat.kind === "end") this.#end(beat.answer, beat.seconds);
    else this.acts.push(beat);
    if (beat.kind === "confidence") this.said = `${share(beat.value)} likely to be correct.`;
    if (beat.kind === "passages") this.said = "It searches the documents, and writes again.";
  }

  // What the decision on the answer before led to.
  #gate() {
    const gate = this.#decided;
    this.#decided = null;
    return gate ? [/** @type {Act} */ ({ ...gate, kind: "gate" })] : [];
  }

  /** @param {import("../shared/types").Token} next */
  #write(next) {
    let last = this.acts.at(-1);
    if (last?.kind !== "writing" || last.complete) {
      this.acts.push(...this.#gate());
      last = this.#begun();
      this.acts.push(last);
    }
    last.tokens.push(next);
    this.#draw(last);
  }

  /** @returns {Writing} */
  #begun() {
    const again = this.acts.some(({ kind }) => kind === "writing");
    const heat = new Heatmap({
      label: again ? "The second answer, token by token" : "Answer, token by token",
      point: (index, how) => this.#point(act, index, how),
      sentence: () => {},
      leave: () => {},
    });
    /** @type {Writing} */
    const act = { kind: "writing", again, tokens: [], heat, complete: false, pointed: null };
    return act;
  }

  /** @param {Writing} act @param {number} index @param {import("../shared/heatmap.js").How} how */
  #point(act, index, how) {
    // While the page moves by itself, words pass under a pointer that rests.
    const passes = how === "hover" && this.page.player.playing;
    if (!act.complete || act.pointed === index || passes) return;
    act.pointed = index;
    act.heat.select(index);
    this.page.paint();
  }

  /** @param {number | null} weakest */
  #complete(weakest) {
    const act = this.acts.at(-1);
    if (act?.kind !== "writing") return;
    Object.assign(act, { complete: true, pointed: weakest });
    act.heat.select(weakest);
    this.#draw(act);
    this.said = `The model writes: ${act.tokens.map(({ text }) => text).join("")}`;
  }

  /** @param {Writing} act */
  #draw({ heat, tokens }) {
    heat.draw(tokens, null, { scale: this.page.config.scale, words: false, focus: false });
  }

  /** @param {string} answer @param {number} seconds */
  #end(answer, seconds) {
    const [last] = this.#gate();
    if (last?.kind !== "gate") return;
    this.acts.push({ ...last, kind: "decision", answer, seconds });
    this.said = `Decision: ${last.action}. ${OUTCOMES[last.action]}`;
  }

  view() {
    const acts = this.acts.map((act) => {
      const shape = act.kind === "decision" ? act.action : ICONS[act.kind];
      const kind = act.kind === "decision" ? `decision ${act.action}` : act.kind;
      return html`<li class="cx-act ${kind}"><span class="cx-act-icon">${icon(shape)}</span><div class="cx-act-body">${this.#act(act)}</div></li>`;
    });
    return html`<ol class="cx-acts">${acts}</ol><p class="cx-sr" aria-live="polite">${written(this.said)}</p>`;
  }

  /** @param {Act} act */
  #act(act) {
    if (act.kind === "writing") return this.#writing(act);
    if (act.kind === "samples") return samples(act);
    if (act.kind === "confidence") return this.#confidence(act);
    if (act.kind === "gate") return gate(act);
    if (act.kind === "passages")
      return html`<h3>What it found</h3>${act.passages.map(({ document, text }) => html`<blockquote class="cx-found">${written(text.trim())}<footer>${written(document)}</footer></blockquote>`)}`;
    return html`<div class="cx-row wrap">${decision(act.action, true)}<span class="cx-strong">${OUTCOMES[act.action]}</span></div>
      <p class="cx-reason cx-muted">${written(act.reason.split("; ").at(-1) ?? "")}</p>
      ${act.action === "abstain" ? html`<blockquote class="cx-found">${written(act.answer)}<footer>what Codex says instead</footer></blockquote>` : nothing}`;
  }

  /** @param {Writing} act */
  #writing({ again, heat, tokens, complete, pointed }) {
    const at = complete && pointed !== null ? tokens[pointed] : null;
    const others = at?.alternatives.filter(({ id }) => id !== at.id).slice(0, 2) ?? [];
    const instead = others.map(
      ({ text, p, is_end }, i) =>
        html`${i ? " or " : ""}${is_end ? "the end" : token(text)} ${muted(share(p))}`,
    );
    const told = at
      ? html`${token(at.text)} was ${percent(at.p)} likely${others.length ? html`; instead it could have said ${instead}` : nothing}`
      : "";
    return html`<h3>${again ? "It writes again, now with the document" : "The model writes an answer"}</h3>
      <div class="cx-spoken">${heat.view()}</div><p class="cx-told">${told}</p>${complete && !again ? html`<div class="cx-row wrap cx-told">How likely the model found each word: ${legend(this.page.config.scale)}</div>` : nothing}`;
  }

  /** @param {{value: number | null, basis: string}} act */
  #confidence({ value, basis }) {
    const { abstain_below: low, answer_above: high } = this.policy;
    const zones = [
      ["abstain", low],
      ["defer", high - low],
      ["answer", 1 - high],
    ];
    const how =
      basis === "calibrated"
        ? "Calibrated: of answers with this number, about that share is correct."
        : `${capital(basis)}: a rule of thumb, from how likely its words were and how often it says the same.`;
    return html`<h3>How likely is that to be correct?</h3>
      <div class="cx-gauge"><span class="cx-huge">${percent(value)}</span><div class="cx-meter-zones" role="img" aria-label="${share(value)}; below ${chosen(low)} Codex abstains, from ${chosen(high)} on it answers">
        ${zones.map(([name, width]) => html`<span class="${name}" style="flex:${width} 0 0">${name}</span>`)}${value === null ? nothing : html`<i style="left:${100 * value}%"></i>`}</div></div>
      <p class="cx-told">${how}</p>`;
  }
}

/** @param {{total: number, groups: import("./types").Group[]}} act */
function samples({ total, groups }) {
  const same = groups.find(({ answer }) => answer)?.count ?? 0;
  const rest = groups.length - GROUPS;
  const rows = groups
    .slice(0, GROUPS)
    .map(
      ({ text, count, answer }) =>
        html`<li class=${answer ? "same" : ""}><bdi class="cx-clip">${written(text.trim().split("\n")[0])}</bdi>${bar(count / total, answer ? "accent" : "")}<span class="cx-num">${count}</span></li>`,
    );
  const often = same === total ? "each time" : same ? `${same} of ${total} times` : "";
  const agreed = often ? `it says the same ${often}` : "it never says the same";
  return html`<h3>Asked ${counted(total, "more time")}, ${agreed}</h3>
    <ul class="cx-said">${rows}</ul>${rest > 0 ? html`<p class="cx-told">and ${counted(rest, "more answer")}</p>` : nothing}`;
}

/** @param {Decided} act */
function gate({ gate, reason }) {
  const titles = { retrieve: "Unsure: it searches the documents", reflect: "Unsure: it checks its answer" };
  const rule = reason.split("; ")[0].replace(/: \w+$/, "");
  return html`<h3>${titles[/** @type {"retrieve"} */ (gate)] ?? "It asks again"}</h3><p class="cx-told">${written(rule)}</p>`;
}
