// An answer, token by token or word by word, coloured by how sure the model was of each.

import { fill, h, icon, reveal, roving } from "./dom.js";
import { STANCES } from "./evidence.js";

/** Which of the scale's steps a token falls in, 0 the surest; null where the value is missing. */
export function step(scale, token) {
  const value = token[scale.field];
  if (value === null || value === undefined) return null;
  const at = scale.edges.findIndex((edge) => (scale.falling ? value >= edge : value <= edge));
  return at < 0 ? scale.edges.length : at;
}

/** What a screen reader says after the token's text. */
export function spoken(token) {
  if (token.p === null) return "probability not available";
  return `probability ${token.p.toFixed(2)}${token.rank > 1 ? `, choice number ${token.rank}` : ""}`;
}

export class Heatmap {
  /** options: {label, onpoint(index, how), onsentence(index, how)} where how is "hover", "pick" or "open". */
  constructor(element, options) {
    this.options = options;
    this.tokens = [];
    this.units = [];
    this.spans = [];
    this.sentences = [];
    this.list = h("div.cx-heat", {
      role: "listbox",
      "aria-label": options.label,
      "aria-orientation": "horizontal",
      dir: "auto",
    });
    element.append(this.list);
    this.list.addEventListener("pointerover", (event) => this.#point(event, "hover"));
    this.list.addEventListener("click", (event) => this.#point(event, "pick"));
    this.list.addEventListener("focusin", (event) => this.#point(event, "pick"));
    this.list.addEventListener("pointerleave", () => options.onpoint(null, "leave"));
    this.list.addEventListener("keydown", (event) => this.#key(event));
  }

  /**
   * Draw the tokens; `view` is {scale, words, focus}. While it grows only the new tokens are drawn.
   * sentences: what the evidence says of each, marked behind its last token.
   */
  draw(tokens, groups, focus, view, sentences = []) {
    const grows =
      this.view === view &&
      this.groups === groups &&
      this.focus === focus &&
      tokens.length >= this.tokens.length;
    if (!grows) {
      this.spans = [];
      this.stops = [];
      fill(this.list);
    }
    Object.assign(this, { tokens, groups, focus, view, sentences });
    // A token without text is the beginning of a character; it goes with the token that completes it.
    const ends = groups
      ? view.words
        ? groups.words
        : groups.units
      : tokens.flatMap(({ text }, i) => (text ? [i + 1] : []));
    this.units = ends.map((end, i) => ({ from: i ? ends[i - 1] : 0, end }));
    for (const unit of this.units.slice(this.spans.length)) this.#append(unit);
    if (this.spans.length && !this.spans.some((span) => span.tabIndex === 0)) this.spans[0].tabIndex = 0;
    if (this.selected !== undefined) this.select(this.selected);
  }

  /** Mark the token, and make it the one that Tab reaches. */
  select(index) {
    this.selected = index ?? undefined;
    this.units.forEach((unit, i) => {
      const here = index >= unit.from && index < unit.end && index !== null;
      this.spans[i].classList.toggle("selected", here);
      this.spans[i].setAttribute("aria-selected", here);
      if (index !== null && index !== undefined) this.spans[i].tabIndex = here ? 0 : -1;
    });
  }

  /** Show which tokens a sentence holds, by its index or null. */
  tell(index) {
    const told = index === null ? null : this.sentences[index];
    this.units.forEach((unit, i) =>
      this.spans[i].classList.toggle(
        "told",
        Boolean(told) && unit.end > told.first && unit.from <= told.last,
      ),
    );
    for (const marker of this.list.querySelectorAll(".cx-marker"))
      marker.setAttribute("aria-selected", String(Number(marker.dataset.sentence) === index));
  }

  /** Move the keyboard to a sentence's marker. */
  focusSentence(index) {
    this.list.querySelector(`[data-sentence="${index}"]`)?.focus();
  }

  /** Move the keyboard to a token. */
  focusToken(index) {
    const at = this.units.findIndex((unit) => index >= unit.from && index < unit.end);
    this.spans[at]?.focus();
  }

  /** The token that speaks for a unit: its weakest. */
  weakest({ from, end }) {
    let least = from;
    for (let i = from + 1; i < end; i++) if ((this.tokens[i].p ?? 2) < (this.tokens[least].p ?? 2)) least = i;
    return least;
  }

  #append(unit) {
    const text = this.tokens
      .slice(unit.from, unit.end)
      .map((token) => token.text)
      .join("");
    const [, lead, body] = text.match(/^(\s*)([^]*)$/);
    const index = this.weakest(unit);
    const token = this.tokens[index];
    const level = step(this.view.scale, token);
    const inFocus = !this.focus || this.focus.slice(unit.from, unit.end).some(Boolean);
    const classes = ["cx-tok", level === null ? "missing" : `s${level}`];
    if (token.given) classes.push("given");
    if (this.view.focus && !inFocus) classes.push("dim");
    const span = h("span", {
      class: classes.join(" "),
      role: "option",
      "aria-selected": "false",
      tabindex: "-1",
    });
    if (body) span.append(...reveal(body));
    else
      span.append(
        h("span.cx-blank", { "aria-label": "line break" }, lead.includes("\n") ? "\u23ce" : "\u2423"),
      );
    span.append(h("span.cx-sr", `, ${spoken(token)}`));
    span.dataset.index = index;
    this.spans.push(span);
    this.stops.push(span);
    if (body && lead) this.list.append(lead);
    this.list.append(span);
    if (!body && lead.includes("\n")) this.list.append(lead);
    this.sentences.forEach((sentence, i) => {
      if (sentence.last < unit.from || sentence.last >= unit.end) return;
      const mark = marker(sentence, i);
      this.stops.push(mark);
      this.list.append(mark);
    });
  }

  #point(event, how) {
    const mark = event.target.closest(".cx-marker");
    if (mark)
      return this.options.onsentence(Number(mark.dataset.sentence), event.type === "click" ? "open" : how);
    const span = event.target.closest(".cx-tok");
    if (span) this.options.onpoint(Number(span.dataset.index), how);
  }

  #key(event) {
    if (event.key === "Enter" || event.key === " " || event.key === "ArrowDown") {
      event.preventDefault();
      const { sentence, index } = event.target.dataset;
      if (sentence !== undefined) this.options.onsentence(Number(sentence), "open");
      else this.options.onpoint(Number(index), "open");
    } else if (event.key !== "ArrowUp") roving(event, this.stops);
  }
}

/** What the evidence says of a sentence, behind it: the passage's number, an icon, and the word on hover. */
function marker({ stance, passage: closest }, i) {
  const passage = stance === "not found" ? null : closest;
  const { icon: shape, name } = STANCES[stance];
  const at = passage === null ? "" : `, passage ${passage + 1}`;
  return h(
    "span",
    {
      class: `cx-marker ${name}`,
      role: "option",
      "aria-selected": "false",
      "aria-label": `sentence ${i + 1}: ${stance}${at}`,
      tabindex: "-1",
      "data-sentence": i,
    },
    passage === null ? null : h("span.cx-num", `${passage + 1}`),
    icon(shape),
    h("span.cx-marker-word", stance),
  );
}

/** The colours' meaning, with each step's underline, for the scale in use. */
export function legend(scale) {
  return h(
    "div.cx-legend",
    { role: "img", "aria-label": `Colours by ${scale.legend}: ${scale.captions.join("; ")}` },
    scale.captions.map((caption, i) => h("span", { class: `cx-swatch s${i}` }, caption)),
    scale.unit,
  );
}
