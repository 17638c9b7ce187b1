// What the next question is asked after, and the earlier turns of the answer that is shown.

import { followed, link } from "../shared/address.js";
import { html, nothing, repeat } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { button, decision, hint, muted, percent, written } from "../shared/parts.js";
import { count } from "../shared/words.js";

/** @import {Before, Open, Turn} from "./types" */

const KEPT =
  "The model sees each question with what you were told: a deferred answer as it is, but of a withheld one only the question back.";

/** @extends {Part<import("./page.js").Ask>} */
export class Conversation extends Part {
  /** @type {string | null} The answer that the next question follows up. */
  following = null;
  /** @type {Turn[]} Before the answer that is shown, oldest first. */
  turns = [];
  /** @type {Before | null} What the model was shown of them; null: not known yet. */
  before = null;

  /** Why the confidence of the answer that is shown is not calibrated. */
  uncalibrated = "";

  /** Show a stored answer, and follow up one of its conversation, or none. @param {Open} open @param {string | null | undefined} following */
  show(open, following) {
    const known = following && (open.follow[following] || open.turns.some(({ id }) => id === following));
    const { turns, before, uncalibrated } = open;
    Object.assign(this, { turns, before, uncalibrated, following: known ? following : null });
  }

  /** A question is under way after these turns: null: none. @param {string | null} follows */
  begin(follows) {
    Object.assign(this, { turns: follows ? this.#upTo(follows) : [], before: null, uncalibrated: "" });
  }

  /** Nothing is shown. */
  clear() {
    Object.assign(this, { following: null, turns: [], before: null, uncalibrated: "" });
  }

  /** What an answer's question was asked after, so that it can be asked again. */
  get again() {
    return this.page.open?.turns.at(-1)?.id ?? null;
  }

  /** The conversation up to an answer. @param {string} id @returns {Turn[]} */
  #upTo(id) {
    const { open } = this.page;
    if (!open) return [];
    const at = open.turns.findIndex((turn) => turn.id === id);
    if (at >= 0) return open.turns.slice(0, at + 1);
    const last = open.follow[id];
    return last ? [...open.turns, last.turn] : [];
  }

  /** What the next question is asked after, and the way out of it. */
  strip() {
    const { following, page } = this;
    if (!following) return nothing;
    const turns = this.#upTo(following).length;
    const { tokens, context } = page.open?.follow[following] ?? page.open?.before ?? {};
    const leave = button("New question", () => page.renew(), {
      title: "Leave this conversation: the next question is asked alone",
    });
    return html`<div class="cx-row between cx-follows" id="cx-follows"><p><b>Follow-up</b> <span>after ${turns === 1 ? "1 earlier turn" : `${turns} earlier turns`}${used(tokens, context)}.</span>${over(tokens, context)}</p>${leave}</div>`;
  }

  /** The turns before the answer that is shown. */
  view() {
    const { turns, before } = this;
    const note = untold(before);
    const { uncalibrated } = this;
    const why = uncalibrated
      ? hint(
          `The confidence below is not calibrated, since the calibrator does not hold for it. ${uncalibrated}`,
        )
      : nothing;
    if (!turns.length)
      return note
        ? html`<section class="cx-card cx-body" aria-label="Earlier turns">${hint(note)}${why}</section>`
        : nothing;
    const dropped = before?.dropped ?? 0;
    const title = turns.length === 1 ? "1 earlier turn" : `${turns.length} earlier turns`;
    const list = repeat(
      turns,
      ({ id }) => id,
      (turn, at) => this.#turn(turn, at < dropped),
    );
    return html`<section class="cx-card cx-body cx-turns" aria-label="Earlier turns"><div class="cx-row wrap between"><h2>${title}</h2>${
      before ? muted(`${taken(before.tokens, before.context)}`, "cx-small cx-num") : nothing
    }</div><ol class="cx-list">${list}</ol>${note ? hint(note) : nothing}${hint(KEPT)}${why}</section>`;
  }

  /** @param {Turn} turn @param {boolean} dropped */
  #turn({ id, question, answer, action, confidence, basis }, dropped) {
    const session = this.page.open?.session ?? null;
    const open = followed(() => this.page.look({ session, trace: id }));
    const said = question === null ? muted("Question not saved") : written(question);
    return html`<li class=${dropped ? "cx-dropped" : nothing}><div class="cx-row wrap"><a class="cx-link cx-grow" href=${link({ session, trace: id })} @click=${open}>${said}</a>${decision(action)}<span
      class="cx-num">${confidence === null ? muted("no confidence") : [percent(confidence), " ", muted(basis, "cx-small")]}</span></div>
      <p class="cx-told">${written(answer)}</p>${dropped ? muted("Left out: it did not fit the context.", "cx-small") : nothing}</li>`;
  }
}

/** @param {number | null | undefined} tokens @param {number | null | undefined} context */
function used(tokens, context) {
  const words = taken(tokens, context);
  return words ? `: ${words}` : "";
}

/** @param {number | null | undefined} tokens @param {number | null | undefined} context */
function taken(tokens, context) {
  if (tokens === null || tokens === undefined) return "";
  return context ? `${count(tokens)} of ${count(context)} tokens of context` : `${count(tokens)} tokens`;
}

// Before it is asked nobody knows how long the question is: all that is sure is what cannot fit at all.
/** @param {number | null | undefined} tokens @param {number | null | undefined} context */
function over(tokens, context) {
  return tokens && context && tokens >= context ? " The oldest turns will be left out." : "";
}

/** What is not in the list. @param {Before | null} before */
function untold(before) {
  if (!before || before.follows) return "";
  const turns = before.turns + before.dropped;
  return `${turns === 1 ? "1 earlier turn" : `${turns} earlier turns`} came with the request: their text is not kept.`;
}
