// The Label page: the queues, and of the one that is open the answer to judge now.

import { asked, followed, keep, link, returned } from "../shared/address.js";
import { Confirmation } from "../shared/confirmation.js";
import { textOf } from "../shared/events.js";
import { choice, Form, field, numeric, textual } from "../shared/form.js";
import { html, nothing } from "../shared/lit.js";
import { Page } from "../shared/page.js";
import { alarm, bar, hint, iconButton, unseen, written } from "../shared/parts.js";
import { column, table } from "../shared/table.js";
import { count } from "../shared/words.js";
import { Files } from "./files.js";
import { Judging } from "./judging.js";
import { keptKeys } from "./keys.js";

/** @import {Queue} from "./types" */

const LABELLER = "codex.labeller";

/** @param {import("../shared/types").Given} given */
export function mount(given) {
  new Labels(given).start();
}

export class Labels extends Page {
  /** @type {Queue[] | null} */
  queues = null;
  /** @type {[string, string][]} */
  runs = [];
  source = this.config.sources[0][0];
  failed = "";
  labeller = localStorage.getItem(LABELLER) ?? "";
  /** @type {string | null} who has signed in, and labels under no other name */
  you = null;
  confirmation = new Confirmation("Deletion", this.paint);
  keys = keptKeys();
  judging = new Judging(this);
  files = new Files(this);
  form = new Form(this.paint, async (values) => {
    const { value, error } = await this.call("create", values);
    if (error) return error.message;
    await this.look();
    this.open(value.id, value.note);
    return null;
  });

  async start() {
    addEventListener("keydown", (event) => this.judging.pressed(event));
    returned((query) => this.#show(query.get("queue")));
    await this.look();
    this.#show(asked().get("queue"));
  }

  async look() {
    const { value, error } = await this.call("look");
    if (value?.you) this.labeller = value.you;
    this.set({ ...(value ?? {}), failed: error?.message ?? "" });
  }

  /** @param {string} queue @param {string} note */
  open(queue, note = "") {
    keep({ queue });
    this.#show(queue, note);
  }

  close() {
    keep({ queue: null });
    this.#show(null);
  }

  /** @param {string | null} queue @param {string} note */
  #show(queue, note = "") {
    this.judging.show(this.queues?.find(({ id }) => id === queue) ?? null, note);
    if (!queue) this.look();
  }

  /** @param {string} labeller */
  name(labeller) {
    localStorage.setItem(LABELLER, labeller.trim());
    this.set({ labeller: labeller.trim() });
  }

  view() {
    const shown = this.judging.queue
      ? this.judging.view()
      : [alarm(this.failed), this.#list(), this.#new(), this.files.view()];
    return html`<div class="cx-page cx-label cx-column"><h1 class="cx-sr">Label</h1>${shown}</div>`;
  }

  #list() {
    if (!this.queues?.length)
      return html`<section class="cx-empty"><h2>Build a calibration set</h2>
        <p>Judge answers one after another. What you say recalibrates the confidence, and tells how often the model is correct, with an interval that shrinks as you go.</p></section>`;
    const name = (/** @type {Queue} */ { id, name, about }) =>
      html`<a class="cx-link" href=${link({ queue: id })} @click=${followed(() => this.open(id))}>${written(name)}</a><span class="cx-sub">${about}</span>`;
    const done = (/** @type {Queue} */ { labelled, answers }) =>
      html`${count(labelled)} of ${count(answers)}${bar(answers ? labelled / answers : 0)}`;
    const remove = (/** @type {Queue} */ queue) =>
      iconButton("close", `Delete ${queue.name}`, () => this.#remove(queue), { title: "Delete" });
    const columns = [
      column("name", "Queue", name, { head: true }),
      column("labelled", "Labelled", done, { number: true }),
      column("act", unseen("Delete"), remove),
    ];
    const lines = table({ kind: "cx-queues", columns, rows: this.queues, key: ({ id }) => id });
    return html`<section class="cx-card" aria-label="Queues"><header class="cx-head"><h2 class="cx-title">Queues</h2></header>${this.confirmation.view()}${lines}</section>`;
  }

  /** @param {Queue} queue */
  #remove(queue) {
    this.confirmation.open({
      question: html`Delete the queue <strong>${queue.name}</strong>? Its labels stay.`,
      yes: "Delete",
      doing: "Deleting …",
      run: async () => {
        const { error } = await this.call("delete", { queue: queue.id });
        await this.look();
        return error?.message ?? null;
      },
      back: () => this.focus(".cx-queues a"),
    });
  }

  #new() {
    const { sources, orders, labellers } = this.config;
    const change = (/** @type {string} */ source) => this.set({ source });
    const runs = this.runs.length
      ? choice(this.runs, { name: "run" })
      : hint("There is no run yet: start one on the Evaluate page.");
    const you = html`<input class="cx-input" type="text" maxlength="64" .value=${this.labeller} placeholder="you" autocomplete="off" ?disabled=${this.you !== null}
      @change=${(/** @type {Event} */ event) => this.name(textOf(event))}>`;
    const fields = html`<div class="cx-pair">${field("Answers", choice(sources, { name: "source", value: this.source, change }))}${
      this.source === "run" ? field("Run", runs) : nothing
    }</div>
      <div class="cx-pair">${field("Order", choice(orders, { name: "order" }))}${field("Labellers for each answer", numeric("overlap", { value: 1, min: 1, max: labellers, step: 1 }))}</div>
      <div class="cx-pair">${field("Name", textual("name", { maxlength: 80, placeholder: this.source }))}${field("Your name", you)}</div>
      ${hint("Only a random or a mixed order tells how often the model is correct on all of these answers.")}`;
    const disabled = this.source === "run" && !this.runs.length;
    return this.form.card("New queue", fields, { words: "Start labelling", disabled, note: "" });
  }
}
