// The Evidence tab: what the documents say of each sentence of the answer. Passages are untrusted: text alone.

import { link, place } from "./address.js";
import { html, keyed, nothing } from "./lit.js";
import { button, figure, icon, marked, reveal, unseen, written } from "./parts.js";
import { capital } from "./words.js";

/** @import {PromptPassage, Sentence, Stance, Trace} from "./types" */
/** @typedef {{onsentence: (index: number | null) => void, onlookup: () => void}} Options */

/** How each stance is shown beside its colour. @type {Record<Stance, {icon: import("./parts.js").Icon, name: string}>} */
export const STANCES = {
  supported: { icon: "answer", name: "supported" },
  "not found": { icon: "abstain", name: "not-found" },
  contradicted: { icon: "close", name: "contradicted" },
};

/**
 * The panel. trace: what is looked at, or null while `live`, the passages found so far, is all there is.
 * sentence: index of the one that was pointed at, or null. lookup: {documents, again} or what may be done now.
 * @param {{trace: Trace | null, live: PromptPassage[] | null, sentence: number | null, lookup: {documents: boolean, again: boolean}, options: Options}} shown
 */
export function evidencePanel({ trace, live, sentence, lookup, options }) {
  const { passages, sentences, judge, note, looked } = trace?.last.evidence ?? {
    ...{ passages: live ?? [], sentences: [], judge: null, note: "", looked: true },
  };
  if (!passages.length) return none({ note, looked }, lookup, options);
  return html`${note ? hint(`${capital(note)}.`) : nothing}
    ${trace && !sentences.length ? hint("Nobody judged whether these passages support the answer.") : nothing}
    ${
      sentences.length
        ? html`<ol class="cx-sentences" aria-label="Sentences of the answer">${sentences.map((one, i) => sentenceItem(one, i, { passages, sentence, options }))}</ol>`
        : nothing
    }
    ${judge ? html`<p class="cx-muted">Judged by ${judge}.</p>` : nothing}
    <h3>${passages.length === 1 ? "The passage" : `The ${passages.length} passages`} in the prompt</h3>
    ${keyed(sentence, html`<ol class="cx-passages">${passages.map((passage, i) => passageItem(passage, i, { sentences, sentence }))}</ol>`)}`;
}

/** @param {unknown} words */
function hint(words) {
  return html`<p class="cx-hint">${words}</p>`;
}

/** @param {{note: string, looked: boolean}} found @param {{documents: boolean, again: boolean}} lookup @param {Options} options */
function none({ note, looked }, { documents, again }, options) {
  if (!documents)
    return html`${hint(note ? `${capital(note)}.` : "There are no documents to look things up in.")}
      <p><a class="cx-button small" href=${place("documents")}>${icon("plus")}Add documents</a></p>
      ${hint("Their passages then stand here, with the words that support each sentence.")}`;
  return html`${hint(looked ? `${capital(note)}.` : "This answer was given without looking anything up.")}
    ${
      again
        ? html`<p>${button([icon("search"), looked ? "Look again" : "Look it up now"], options.onlookup)}</p>`
        : hint("The question was not kept; ask it again with the switch at look up first.")
    }`;
}

/** @param {Sentence} one @param {number} i @param {{passages: PromptPassage[], sentence: number | null, options: Options}} shown */
function sentenceItem(one, i, { passages, sentence, options }) {
  const here = i === sentence;
  const { icon: shape, name } = STANCES[one.stance];
  const quiet = one.stance === "not found";
  const passage = one.passage === null ? null : passages[one.passage];
  return html`<li class=${here ? "here" : nothing}>
    <button type="button" class="cx-sentence" aria-pressed=${String(here)} title="Show it in the answer and in its passage"
      @click=${() => options.onsentence(here ? null : i)}><span class="cx-sentence-head"><span class="cx-stance ${name}">${icon(shape)}${one.stance}</span>${
        one.stance === "contradicted" && one.contradiction !== null
          ? html`<span class="cx-muted">contradiction</span>${figure(one.contradiction)}`
          : nothing
      }<span class="cx-muted">support</span>${figure(one.probability)}</span>${written(one.text)}</button>
    ${one.excerpt ? html`<blockquote class="cx-quote ${quiet ? "quiet" : ""}"><bdi>${marked(one.excerpt)}</bdi></blockquote>` : nothing}
    ${
      passage
        ? html`<button type="button" class="cx-link cx-source" title="Show the whole passage" @click=${(/** @type {Event} */ event) => unfold(event, one.passage ?? 0)}>${
            quiet ? "closest words: " : nothing
          }[${(one.passage ?? 0) + 1}] ${where(passage)}</button>`
        : nothing
    }</li>`;
}

/** @param {Event} event @param {number} index */
function unfold(event, index) {
  const panel = /** @type {HTMLElement} */ (event.target).closest(".cx-panel");
  const passage = /** @type {HTMLDetailsElement} */ (panel?.querySelectorAll(".cx-passages details")[index]);
  passage.open = true;
  passage.querySelector("summary")?.focus({ preventScroll: true });
  passage.scrollIntoView({ block: "nearest" });
}

/** @param {PromptPassage} passage @param {number} i @param {{sentences: Sentence[], sentence: number | null}} shown */
function passageItem(passage, i, { sentences, sentence }) {
  const cited = passage.cited.map((n) => sentences[n].stance);
  const picked = sentence !== null && sentences[sentence].passage === i;
  const open = picked || (sentence === null && (cited.length > 0 || (i === 0 && !sentences.length)));
  const [start, end] = (picked && sentences[sentence ?? 0].span) || [passage.start, passage.end];
  // The Documents page, open at the passage, or at the words of it that are meant.
  const opened = link({ open: passage.document_id, start, end }, place("documents"));
  return html`<li class=${picked ? "here" : nothing}><details ?open=${open}>
    <summary><span class="cx-passage-name"><span class="cx-num">[${i + 1}] </span>${where(passage)}</span>${cited.map(
      (of) =>
        html`<span class="cx-cited ${STANCES[of].name}" title=${of}>${icon(STANCES[of].icon)}${unseen(of)}</span>`,
    )}</summary>
    ${passage.heading ? html`<p class="cx-muted">${written(passage.heading)}</p>` : nothing}
    <div class="cx-passage">${text(passage, sentence === null ? passage.cited : [sentence])}</div>
    <p class="cx-passage-foot cx-muted">${passage.scores.map(
      ({ label, meaning, value }) => html`<span title=${meaning}>${label} ${figure(value)}</span>`,
    )}<a href=${opened}>open in Documents</a></p></details></li>`;
}

/** The words that a sentence comes closest to are underlined; those of `shown`, sentences by their index, marked. @param {PromptPassage} passage @param {number[]} shown */
function text({ parts }, shown) {
  if (!parts.length) return hint("The text of this passage was not kept, and the document is gone.");
  return html`<bdi>${parts.map(([part, held]) =>
    held.length
      ? html`<mark class=${held.some((n) => shown.includes(n)) ? nothing : "quiet"}>${reveal(part)}</mark>`
      : reveal(part),
  )}</bdi>`;
}

/** @param {PromptPassage} passage */
function where({ document, page }) {
  return [written(document), page === null ? null : `, page ${page}`];
}
