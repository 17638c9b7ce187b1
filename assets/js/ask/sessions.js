// The list of sessions at the left, and what is kept of a question.

import { followed, link } from "../shared/address.js";
import { html, nothing, repeat } from "../shared/lit.js";
import { Part } from "../shared/page.js";
import { alarm, button, hint, icon, segments, written } from "../shared/parts.js";
import { capital } from "../shared/words.js";

/** @import {About, Level, Open, Session, Sidebar} from "./types" */

/** @extends {Part<import("./page.js").Ask>} */
export class Sessions extends Part {
  /** @type {string | null} */
  failed = null;
  /** @type {string | null} The session that is asked about once more before it is deleted. */
  sure = null;
  /** @type {Level[]} */
  levels = this.page.config.levels;
  /** @type {string | null} What was just chosen to be saved, until the server has heard of it. */
  chosen = null;

  /** @param {Sidebar} state @param {Open | null} open */
  view({ sessions, privacy, under_way }, open) {
    const days = Map.groupBy(sessions, ({ used }) => dayOf(new Date(used)));
    const one = (/** @type {Session} */ session) => this.#session(session, open);
    const list = [...days].map(
      ([day, some]) => html`<h3 class="cx-hint">${day}</h3><ul>${repeat(some, ({ id }) => id, one)}</ul>`,
    );
    const save = segments({
      ...{ name: "cx-privacy", legend: "Save my questions", value: this.chosen ?? privacy?.level ?? null },
      ...{ note: "cx-privacy-note", disabled: Boolean(privacy?.given) },
      options: this.levels.map(({ name, label }) => [name, label]),
      change: async (level) => {
        this.set({ chosen: level });
        await this.page.change("set_privacy", { level });
        this.set({ chosen: null });
      },
    });
    const kept = this.levels.find(({ name }) => name === privacy?.level)?.note;
    const given =
      privacy?.given && html` Set where Codex was started: <code class="cx-mono">${privacy.given}</code>`;
    return html`<div class="cx-row between"><h2>Sessions</h2>${button([icon("plus"), "New"], () => this.page.renew())}</div>
      ${under_way.filter(({ run }) => run !== this.page.run?.id || this.page.run.left).map((about) => this.#underWay(about))}
      <nav aria-label="Sessions">${sessions.length ? list : hint("Your questions are listed here, to open again.")}</nav>
      ${alarm(this.failed)}
      <div class="cx-privacy"><h2 aria-hidden="true">Save my questions</h2>${save}<p class="cx-hint" id="cx-privacy-note">${kept}${given || nothing}</p></div>`;
  }

  /** Asks once, beside the first answer, what is to be saved. @param {string} session */
  first(session) {
    const choose = (/** @type {Level} */ { name, label }) =>
      button(capital(label), () => this.page.change("set_privacy", { level: name, session }));
    const notes = this.levels.map(({ label, note }) => html`<li><b>${capital(label)}:</b> ${note}</li>`);
    return html`<section class="cx-card cx-body cx-save" aria-label="Save my questions?"><div class="cx-row wrap"><h2>Save my questions?</h2>${this.levels.map(choose)}</div>
      <ul class="cx-hint">${notes}</ul>${hint("This answer is saved by what you choose, too. You can change it beside the list of sessions.")}</section>`;
  }

  /** A question that no part of the page shows at the moment. @param {About} about */
  #underWay(about) {
    const { question } = about;
    return html`<button type="button" class="cx-item cx-row tight" @click=${() => this.page.follow(about)}>${icon("clock")}<span
      class="cx-clip cx-grow">Answering: ${question === null ? "a branch" : written(question)}</span></button>`;
  }

  /** @param {Session} session @param {Open | null} open */
  #session({ id, title, questions }, open) {
    const here = id === open?.session;
    const roots = here && open.roots.length > 1 ? open.roots : [];
    const several = html`<span class="cx-hint cx-num" title="${questions} questions">${questions}</span>`;
    const asked = roots.map(
      (
        root,
      ) => html`<li><button type="button" class="cx-item cx-row tight ${root.action}" aria-current=${root.id === open?.root ? "true" : nothing}
        @click=${() => this.page.look({ session: id, trace: root.id })}>${icon(root.action)}<span class="cx-clip cx-grow">${written(root.title)}</span></button></li>`,
    );
    return html`<li class=${here ? "here" : nothing}><div class="cx-session"><a class="cx-item cx-row" href=${link({ session: id })} title=${title}
        aria-current=${here ? "page" : nothing} @click=${followed(() => this.page.look({ session: id, trace: null }))}><span
        class="cx-clip cx-grow">${written(title)}</span>${questions > 1 ? several : nothing}</a>${this.#delete(id, title)}</div>
      ${roots.length ? html`<ul class="cx-asked">${asked}</ul>` : nothing}</li>`;
  }

  // Asks once more, in the place of the button itself; looking away takes it back.
  /** @param {string} id @param {string} title */
  #delete(id, title) {
    const sure = this.sure === id;
    const press = () => (sure ? this.page.change("delete_session", { session: id }) : this.set({ sure: id }));
    return html`<button type="button" class="cx-delete" title="Delete" data-sure=${sure ? "yes" : nothing}
      aria-label=${sure ? `Really delete? ${title}` : `Delete session: ${title}`} @blur=${() => sure && this.set({ sure: null })}
      @click=${press}>${sure ? "Delete?" : icon("close")}</button>`;
  }
}

/** @param {Date} date */
function dayOf(date) {
  const days = Math.round(
    (new Date().setHours(0, 0, 0, 0) - new Date(date).setHours(0, 0, 0, 0)) / 86_400_000,
  );
  if (days <= 0) return "Today";
  if (days === 1) return "Yesterday";
  return date.toLocaleDateString(undefined, { day: "numeric", month: "short", year: "numeric" });
}
