// People's answers, under the queues of the Label page: what waits for one, and those that were given.

import { asked, settle } from "../shared/address.js";
import { Confirmation } from "../shared/confirmation.js";
import { textOf } from "../shared/events.js";
import { Form, field } from "../shared/form.js";
import { html, live, nothing } from "../shared/lit.js";
import { Page } from "../shared/page.js";
import {
  alarm,
  badge,
  button,
  decision,
  hint,
  iconButton,
  muted,
  unseen,
  when,
  written,
} from "../shared/parts.js";
import { column, table } from "../shared/table.js";

/** @import {Answer, Draft, Waiting} from "./types" */

const LABELLER = "codex.labeller";
/** @type {Record<Answer["state"], [kind: string, shape: import("../shared/parts.js").Icon, words: string]>} */
const STATES = {
  given: ["answer", "answer", "given"],
  expired: ["defer", "clock", "expired"],
  withdrawn: ["abstain", "skip", "withdrawn"],
};

/** @param {import("../shared/types").Given} given */
export function mount(given) {
  new Answers(given).start();
}

class Answers extends Page {
  /** @type {Answer[]} */
  answers = [];
  /** @type {Waiting[]} */
  waiting = [];
  /** Whether answers are given at all. */
  given = true;
  /** @type {string | null} who has signed in, and answers under no other name */
  you = null;
  failed = "";
  said = "";
  draft = this.#empty();
  confirmation = new Confirmation("Deletion of an answer", this.paint);
  form = new Form(this.paint, async () => {
    const { value, error } = await this.call(this.draft.id ? "edit" : "put", { ...this.draft });
    if (error) return error.message;
    localStorage.setItem(LABELLER, this.draft.author.trim());
    settle({ answer: null });
    this.set({ draft: this.#empty(), said: "Kept. Whoever asks this gets it from now on." });
    await this.look();
    this.focus(`[data-row="${value.id}"] button`);
    return null;
  });

  async start() {
    const trace = asked().get("answer");
    await this.look(trace);
    if (trace) this.focus("textarea[name=question]");
  }

  /** @param {string | null} trace the one to answer */
  async look(trace = null) {
    const { value, error } = await this.call("look", { trace });
    this.set({ ...(value ?? {}), failed: error?.message ?? "" });
    if (this.you !== null) this.set({ draft: { ...this.draft, author: this.you } });
    if (value?.asked) this.open({ ...this.#empty(), ...value.asked });
  }

  /** @returns {Draft} */
  #empty() {
    const author = this.you ?? localStorage.getItem(LABELLER) ?? "";
    return { id: "", trace: "", question: "", answer: "", author, source: "", expires: "" };
  }

  /** Put something into the form. @param {Draft} draft */
  open(draft) {
    this.form.fail(null);
    this.set({ draft, said: "" });
    this.focus("textarea[name=answer]");
  }

  view() {
    return html`<div class="cx-page cx-answers cx-column" id="answers">${this.#waiting()}${this.#form()}${this.#list()}</div>`;
  }

  #waiting() {
    if (!this.waiting.length) return nothing;
    const line = (/** @type {Waiting} */ each) => {
      const press = () => this.open({ ...this.#empty(), trace: each.trace, question: each.question });
      const label = `Answer: ${each.question}`;
      return html`<li class="cx-row wrap between"><span class="cx-grow">${written(each.question)}<span class="cx-sub">the model: ${written(each.answer)}</span></span>
        ${decision(each.action)}${when(each.at)}${button("Answer", press, { label })}</li>`;
    };
    return html`<section class="cx-card" aria-label="Waiting for a person"><header class="cx-head"><h2 class="cx-title">Waiting for a person</h2></header>
      <ul class="cx-waiting">${this.waiting.map(line)}</ul></section>`;
  }

  #form() {
    const { draft } = this;
    const write = (/** @type {keyof Draft} */ name) => (/** @type {Event} */ event) =>
      this.set({ draft: { ...this.draft, [name]: textOf(event) }, said: "" });
    const text = (/** @type {keyof Draft} */ name, /** @type {number} */ most, rows = 1, required = true) =>
      html`<textarea class="cx-input" name=${name} rows=${rows} maxlength=${most} ?required=${required} .value=${live(draft[name])} @input=${write(name)}></textarea>`;
    const line = (/** @type {keyof Draft} */ name, /** @type {number} */ most, required = false) =>
      html`<input class="cx-input" type="text" name=${name} maxlength=${most} ?required=${required} ?disabled=${name === "author" && this.you !== null} autocomplete="off" .value=${live(draft[name])} @input=${write(name)}>`;
    const day = html`<input class="cx-input" type="date" name="expires" .value=${live(draft.expires)} @input=${write("expires")}>`;
    const question = draft.id
      ? html`<p class="cx-question">${this.#question(this.answers.find(({ id }) => id === draft.id)?.question ?? null)}</p>`
      : field("Question", text("question", 10_000, 1, !draft.trace));
    const unkept = !draft.id && draft.trace && !draft.question;
    const fields = html`${question}${unkept ? hint("The question was not saved. Type it, so that it is recognised in other words too; empty, the answer is given only where the very same question comes again.") : nothing}
      ${field("Answer", text("answer", 10_000, 2))}<div class="cx-pair">${field("Your name, shown with it", line("author", 64, true))}${field("Until, if it expires", day)}</div>
      ${field("What it rests on", line("source", 1_000))}`;
    const cancel =
      draft.id || draft.trace
        ? button(draft.id ? "Stop editing" : "Another question", () => this.open(this.#empty()))
        : nothing;
    const note = this.given
      ? "It comes in place of the model's answer when this question is asked again, also in other words, with your name and the date."
      : "Answers of people are switched off (ask.people=false): they are kept, but given to nobody.";
    return html`${this.form.card(draft.id ? "Edit the answer" : "Answer a question", fields, { words: draft.id ? "Save" : "Keep the answer", disabled: false, note: [note, " ", cancel] })}<p class="cx-hint" role="status">${this.said}</p>`;
  }

  #list() {
    if (!this.answers.length) return alarm(this.failed);
    const told = (/** @type {Answer} */ each) =>
      html`<span>${this.#question(each.question)}</span><span class="cx-sub cx-said">${written(each.answer)}</span>${each.source ? html`<span class="cx-sub">${written(each.source)}</span>` : nothing}`;
    const state = (/** @type {Answer} */ { state, expires }) =>
      html`${badge(...STATES[state])}${state === "given" && expires ? html`<span class="cx-sub">until ${expires}</span>` : nothing}`;
    const columns = [
      column("question", "Question and answer", told, { head: true }),
      column(
        "author",
        "By",
        (/** @type {Answer} */ { author, at }) =>
          html`${written(author)}<span class="cx-sub">${when(at)}</span>`,
      ),
      column("state", "State", state),
      column("act", unseen("Actions"), (/** @type {Answer} */ each) => this.#actions(each)),
    ];
    return html`<section class="cx-card" aria-label="People's answers"><header class="cx-head"><h2 class="cx-title">People's answers</h2></header>${alarm(this.failed)}${this.confirmation.view()}
      ${table({ kind: "cx-given", columns, rows: this.answers, key: ({ id }) => id })}</section>`;
  }

  /** @param {Answer} each */
  #actions(each) {
    const of = each.question ?? each.answer;
    const edit = () => this.open({ ...this.#empty(), ...each, trace: "", question: each.question ?? "" });
    const withdraw = () => this.#change("withdraw", each);
    return html`<span class="cx-row tight">${iconButton("edit", `Edit the answer to ${of}`, edit, { title: each.state === "withdrawn" ? "Edit, and give it again" : "Edit" })}
      ${iconButton("skip", `Withdraw the answer to ${of}`, withdraw, { title: "Withdraw: give it no more", disabled: each.state === "withdrawn" })}
      ${iconButton("close", `Delete the answer to ${of}`, () => this.#remove(each), { title: "Delete for good" })}</span>`;
  }

  /** @param {string} call @param {Answer} each */
  async #change(call, { id }) {
    const { error } = await this.call(call, { id });
    await this.look();
    if (error) this.set({ failed: error.message });
    return error?.message ?? null;
  }

  /** @param {Answer} each */
  #remove(each) {
    this.confirmation.open({
      question: html`Delete the answer <strong>${written(each.answer)}</strong> for good?`,
      yes: "Delete",
      doing: "Deleting …",
      run: () => this.#change("delete", each),
      back: () => this.focus(".cx-given button", "textarea[name=question]"),
    });
  }

  /** @param {string | null} question */
  #question(question) {
    return question ? written(question) : muted("the question was not saved");
  }
}
