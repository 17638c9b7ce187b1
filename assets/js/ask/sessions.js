// The list of sessions at the left, and what is kept of a question.

import { followed, link } from "../shared/address.js";
import { html, nothing, repeat } from "../shared/lit.js";
import { alarm, button, icon, segmentsAlone, written } from "../shared/parts.js";

/** @import {Level, Open, Session, Sidebar} from "./types" */

export class Sessions {
  /** @type {string | null} */
  failed = null;
  /** @type {string | null} The session that is asked about once more before it is deleted. */
  sure = null;

  /**
   * @param {() => void} paint @param {Level[]} levels
   * @param {{open: (session: string, trace: string | null) => unknown, fresh: () => void, remove: (session: string) => unknown,
   *   privacy: (level: string) => unknown}} options
   */
  constructor(paint, levels, options) {
    this.paint = paint;
    this.levels = levels;
    this.options = options;
  }

  /** @param {Sidebar} state @param {Open | null} open */
  view({ sessions, privacy }, open) {
    /** @type {Map<string, Session[]>} */
    const days = new Map();
    for (const session of sessions) {
      const day = dayOf(new Date(session.used));
      days.set(day, [...(days.get(day) ?? []), session]);
    }
    const level = this.levels.find(({ name }) => name === privacy);
    const list = [...days].map(
      ([day, some]) =>
        html`<h3>${day}</h3><ul>${repeat(
          some,
          ({ id }) => id,
          (session) => this.#session(session, open),
        )}</ul>`,
    );
    return html`<div class="cx-side-head"><h2>Sessions</h2>${button([icon("plus"), "New"], this.options.fresh)}</div>
      <nav aria-label="Sessions">${sessions.length ? list : html`<p class="cx-hint">What you ask is listed here, to be opened again.</p>`}</nav>
      ${alarm(this.failed)}
      <fieldset class="cx-privacy"><legend>Kept of a question</legend><div class="cx-segments">${segmentsAlone(
        {
          name: "cx-privacy",
          options: this.levels.map(({ name, label }) => [name, label]),
          value: privacy,
          change: this.options.privacy,
          note: "cx-privacy-note",
        },
      )}</div><p class="cx-muted" id="cx-privacy-note">${level?.note}</p></fieldset>`;
  }

  /** @param {Session} session @param {Open | null} open */
  #session({ id, title, questions }, open) {
    const here = id === open?.session;
    const roots = here && open.roots.length > 1 ? open.roots : [];
    return html`<li class=${here ? "here" : nothing}><div class="cx-session"><a href=${link({ session: id })} title=${title}
        aria-current=${here ? "page" : nothing} @click=${followed(() => this.options.open(id, null))}>${written(title)}${
          questions > 1
            ? html`<span class="cx-count" title="${questions} questions">${questions}</span>`
            : nothing
        }</a>${this.#delete(id, title)}</div>
      ${
        roots.length
          ? html`<ul class="cx-asked">${roots.map(
              (
                root,
              ) => html`<li><button type="button" class="cx-link ${root.action}" aria-current=${root.id === open?.root ? "true" : nothing}
                @click=${() => this.options.open(id, root.id)}>${icon(root.action)}${written(root.title)}</button></li>`,
            )}</ul>`
          : nothing
      }</li>`;
  }

  // Asks once more, in the place of the button itself; looking away takes it back.
  /** @param {string} id @param {string} title */
  #delete(id, title) {
    const sure = this.sure === id;
    const set = (/** @type {string | null} */ now) => {
      this.sure = now;
      this.paint();
    };
    return html`<button type="button" class="cx-delete" title="Delete" data-sure=${sure ? "yes" : nothing}
      aria-label=${sure ? `Really delete? ${title}` : `Delete session: ${title}`} @blur=${() => sure && set(null)}
      @click=${() => (sure ? this.options.remove(id) : set(id))}>${sure ? "Delete?" : icon("close")}</button>`;
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
