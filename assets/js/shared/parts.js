// The small parts that all views are made of. Text from a model or a document is only ever bound as text.

import { html, live, nothing } from "./lit.js";
import { actionWords, moment, number, revealed, share } from "./words.js";

/** @import {Value} from "./words.js" */
/** @typedef {unknown} Content  What stands between two tags: text, a template, a node, or a list of these. */

const ICONS = {
  answer: "M5 12.5l4.5 4.5L19 7.5",
  defer: "M12 11.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM5 20c.6-3.8 3.4-6 7-6s6.4 2.2 7 6",
  abstain: "M8.5 9a3.5 3.5 0 1 1 5.2 3c-1.2.7-1.7 1.3-1.7 2.6M12 18.4v.1",
  copy: "M9 9h10v11H9zM5 15V4h10",
  copyAll: "M9 9h10v11H9zM5 15V4h10M11.5 13h5M11.5 16h5",
  up: "M7 11v9H4v-9zM7 11l4-7c1.6 0 2.4 1 2.2 2.6L12.8 9H19l-1.6 11H7",
  down: "M7 13V4H4v9zM7 13l4 7c1.6 0 2.4-1 2.2-2.6l-.4-2.4H19L17.4 4H7",
  link: "M10 14a4 4 0 0 0 5.7 0l3-3A4 4 0 0 0 13 5.3l-1 1M14 10a4 4 0 0 0-5.7 0l-3 3A4 4 0 0 0 11 18.7l1-1",
  share: "M12 15V4M7.5 8.5L12 4l4.5 4.5M6 12v8h12v-8",
  edit: "M4 20l1-4L16 5l3 3L8 19z",
  close: "M6 6l12 12M18 6L6 18",
  plus: "M12 5v14M5 12h14",
  branch: "M7 4v16M7 14c0-4 10-2 10-8M14 8l3-3 3 3",
  theme: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13zM15.5 15.5L20 20",
  document: "M7 3.5h7l4 4v13H7zM14 3.5v4h4M10 12h5M10 16h5",
  go: "M5 12h13M13 6l6 6-6 6",
  rise: "M12 19V5M6 11l6-6 6 6",
  menu: "M4 7h16M4 12h16M4 17h16",
  upload: "M12 16V5M7.5 9L12 4.5 16.5 9M5 15v4h14v-4",
  clock: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM12 8v4.5l3 1.5",
  skip: "M12 20a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM6.5 6.5l11 11",
  refresh: "M19 12a7 7 0 1 1-2.2-5.1M19 4v4h-4",
  alert: "M12 4.5l9 15.5H3zM12 10.5v4M12 17v.1",
  pause: "M9 6v12M15 6v12",
  back: "M14 6l-6 6 6 6",
  next: "M10 6l6 6-6 6",
};
/** @typedef {keyof typeof ICONS} Icon */

/** A line icon; decoration, so it is hidden from screen readers. @param {Icon} name */
export function icon(name) {
  return html`<svg viewBox="0 0 24 24" class="cx-icon" aria-hidden="true"><path d=${ICONS[name]}></path></svg>`;
}

/** Text as it is, with every character that hides or reorders its neighbours shown by name. @param {string} text */
export function reveal(text) {
  const named = (/** @type {{name: string, code: string}} */ { name, code }) =>
    html`<span class="cx-hidden" title="${code}, a character that cannot be seen">${name}</span>`;
  return revealed(text).map((part) => (typeof part === "string" ? part : named(part)));
}

/** Text that people or models wrote, as it is. @param {string} text */
export function written(text) {
  return html`<bdi>${reveal(text)}</bdi>`;
}

/** Parts of a text, of which some are marked. @param {[string, boolean][]} parts */
export function marked(parts) {
  return parts.map(([text, mark]) => (mark ? html`<mark>${reveal(text)}</mark>` : reveal(text)));
}

/** A token alone, where its spaces and line ends matter: both shown. @param {string} text */
export function token(text) {
  const shown = text.replaceAll(" ", "\u2423").replaceAll("\n", "\u23ce").replaceAll("\t", "\u21e5");
  return html`<bdi class="cx-token">${reveal(shown)}</bdi>`;
}

/** Words for a number, with the exact value on hover. @param {Value} value @param {Content} words */
export function exact(value, words, title = String(value)) {
  const known = value !== null && value !== undefined;
  return html`<span class="cx-num" title=${known ? title : "not available"}>${words}</span>`;
}

/** A number with its exact value on hover. @param {Value} value */
export function metric(value, unit = "") {
  return exact(value, number(value), `${value} ${unit}`.trim());
}

/** A share as a percentage with its interval, both exact on hover. @param {Value} value @param {number[] | null} [interval] */
export function percent(value, interval) {
  return measured(value, interval, share);
}

/** A metric with its interval, both exact on hover. @param {Value} value @param {number[] | null} [interval] @param {(value: Value) => string} words */
export function measured(value, interval, words = number) {
  if (!interval) return exact(value, words(value));
  return exact(
    value,
    [words(value), range(interval, words)],
    `${value}, 95% interval ${interval.join(" to ")}`,
  );
}

/** The ends of an interval. @param {number[]} interval @param {(value: Value) => string} words */
export function range(interval, words = number) {
  return muted(` [${interval.map(words).join(", ")}]`, "cx-num cx-interval");
}

/** A fact: a text, or a moment. @param {import("./types").Fact} fact */
export function told(fact) {
  return typeof fact === "string" ? written(fact) : when(fact.at);
}

/** A moment: the time if it is today's, else the day; whole on hover. @param {string} iso */
export function when(iso) {
  const at = new Date(iso);
  return html`<time class="cx-num" datetime=${iso} title=${at.toLocaleString()}>${moment(at)}</time>`;
}

/** A horizontal bar. @param {number} share in [0, 1] */
export function bar(share, kind = "") {
  const width = `width:${(100 * Math.min(1, Math.max(0, share))).toFixed(1)}%`;
  return html`<span class="cx-bar ${kind}" aria-hidden="true"><span style=${width}></span></span>`;
}

/** A state as colour, icon and word. @param {string} kind @param {Icon | null} shape @param {Content} words */
export function badge(kind, shape, words) {
  return html`<span class="cx-badge ${kind}">${shape && icon(shape)}${words}</span>`;
}

/** A decision as colour, icon and what to do. @param {Icon} action */
export function decision(action, large = false) {
  return badge(`${action}${large ? " large" : ""}`, action, html`<span>${actionWords(action)}</span>`);
}

/** What went wrong, said aloud; nothing where it is empty. @param {Content} message */
export function alarm(message) {
  return message ? html`<p class="cx-error" role="alert">${message}</p>` : nothing;
}

/** What went wrong, with what can be done about it. @param {Content} message @param {Content} actions */
export function alarmWith(message, actions) {
  return html`<div class="cx-error cx-row wrap" role="alert"><span class="cx-grow">${message}</span>${actions}</div>`;
}

/** Words in small grey type. @param {Content} words */
export function hint(words) {
  return html`<p class="cx-hint">${words}</p>`;
}

/** Words in grey. @param {Content} words */
export function muted(words, kind = "") {
  return html`<span class="cx-muted ${kind}">${words}</span>`;
}

/** What is only for screen readers. @param {Content} words */
export function unseen(words) {
  return html`<span class="cx-sr">${words}</span>`;
}

/** What is being worked on, or nothing. @param {Content} words */
export function working(words) {
  return words ? html`<span class="cx-progress">${words}</span>` : nothing;
}

/**
 * A button.
 * @param {Content} words @param {(event: MouseEvent) => unknown} press
 * @param {{kind?: string, title?: string, label?: string, disabled?: boolean, act?: string}} options
 */
export function button(words, press, { kind = "small", title, label, disabled = false, act } = {}) {
  return html`<button type="button" class="cx-button ${kind}" title=${title ?? nothing} aria-label=${label ?? nothing}
    data-act=${act ?? nothing} ?disabled=${disabled} @click=${press}>${words}</button>`;
}

/**
 * A button that shows an icon alone; its name says what it does. pressed, about: aria-pressed and aria-describedby.
 * @param {Icon} shape @param {string} name @param {(event: MouseEvent) => unknown} press
 * @param {{title?: string, disabled?: boolean, act?: string, pressed?: boolean, about?: string}} options
 */
export function iconButton(shape, name, press, options = {}) {
  const { title = name, disabled = false, act, pressed, about } = options;
  return html`<button type="button" class="cx-icon-button" title=${title} aria-label=${name} data-act=${act ?? nothing}
    aria-pressed=${pressed === undefined ? nothing : String(pressed)} aria-describedby=${about ?? nothing}
    ?disabled=${disabled} @click=${press}>${icon(shape)}</button>`;
}

/**
 * One of few, side by side.
 * @param {{name: string, legend: string, options: [value: string, words: Content, title?: string][], value: string | null,
 *   change: (value: string) => unknown, note?: string, disabled?: boolean}} given
 */
export function segments({ name, legend, options, value, change, note, disabled = false }) {
  /** @param {[value: string, words: Content, title?: string]} option */
  const one = ([
    key,
    words,
    title,
  ]) => html`<label title=${title ?? nothing}><input type="radio" name=${name} value=${key}
    aria-describedby=${note ?? nothing} .checked=${live(key === value)} @change=${() => change(key)}><span>${words}</span></label>`;
  return html`<fieldset class="cx-segments" ?disabled=${disabled}><legend class="cx-sr">${legend}</legend>${options.map(one)}</fieldset>`;
}

/** Facts, each a name and a value. @param {[string, Content, string?][]} facts name, value, class of the line */
export function facts(facts, kind = "") {
  return html`<dl class="cx-facts ${kind}">${facts.map(([name, value, line]) => html`<div class=${line ?? ""}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** Copy text. Away from localhost and without TLS a page has no clipboard of its own. @param {string} text */
export async function copied(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const box = document.createElement("textarea");
  box.value = text;
  document.body.append(box);
  box.select();
  document.execCommand("copy");
  box.remove();
}
