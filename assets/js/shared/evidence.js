// The Evidence tab: what the documents say of each sentence of the answer. Passages are untrusted: text alone.

import { link, place } from "./address.js";
import { all } from "./events.js";
import { html, keyed, nothing } from "./lit.js";
import { button, hint, icon, marked, metric, muted, reveal, unseen, written } from "./parts.js";
import { capital } from "./words.js";

/** @import {EvidenceShown, Evidence, PromptPassage, Sentence, Stance} from "./types" */

/** How each stance is shown beside its colour. @type {Record<Stance, {icon: import("./parts.js").Icon, name: string}>} */
export const STANCES = {
  supported: { icon: "answer", name: "supported" },
  "not found": { icon: "abstain", name: "not-found" },
  contradicted: { icon: "close", name: "contradicted" },
};

/** The panel. @param {EvidenceShown} shown */
export function evidencePanel(shown) {
  const { trace, live, sentence } = shown;
  const { alone = false } = shown.options;
  const none = { sentences: [], judged: null, note: "", looked: true };
  const evidence = trace?.last.evidence ?? { passages: live ?? [], ...none };
  const { passages, sentences, judged, note } = evidence;
  if (!passages.length) return nothingFound(evidence, shown);
  const list = html`<ol class="cx-list" aria-label="Sentences of the answer">${sentences.map((one, i) => sentenceItem(one, i, evidence, shown))}</ol>`;
  return html`${note ? hint(`${capital(note)}.`) : nothing}
    ${trace && !sentences.length ? hint("No judge checked whether these passages support the answer.") : nothing}
    ${judged ? html`<p class="cx-hint">${written(judged)}</p>` : nothing}${sentences.length ? list : nothing}
    <h3>${passages.length === 1 ? "The passage" : `The ${passages.length} passages`} in the prompt</h3>
    ${keyed(sentence, html`<ol class="cx-list cx-passages">${passages.map((one, i) => passageItem(one, i, evidence, sentence, alone))}</ol>`)}`;
}

/** @param {Evidence} evidence @param {EvidenceShown} shown */
function nothingFound({ note, looked }, { lookup: { documents, again }, options }) {
  if (!documents)
    return html`${hint(note ? `${capital(note)}.` : "There are no documents to retrieve passages from.")}
      <p><a class="cx-button small" href=${place("documents")}>${icon("plus")}Add documents</a></p>
      ${hint("Their passages then show here, with the words that support each sentence.")}`;
  const action = html`<p>${button([icon("search"), looked ? "Search again" : "Search the documents"], options.onlookup)}</p>`;
  return html`${hint(looked ? `${capital(note)}.` : "This answer was given without evidence.")}
    ${again ? action : hint("The question was not saved; ask it again with “Use my documents” set to “always”.")}`;
}

/** @param {Sentence} one @param {number} i @param {Evidence} evidence @param {EvidenceShown} shown */
function sentenceItem(one, i, { passages }, { sentence, options }) {
  const here = i === sentence;
  const { stance } = one;
  const quiet = !stance || stance === "not found";
  const said = stance
    ? html`<span class="cx-stance ${STANCES[stance].name}">${icon(STANCES[stance].icon)}${stance}</span>`
    : muted("not judged");
  const support = stance ? [muted("support"), metric(one.probability)] : nothing;
  const at = one.passage ?? 0;
  const contradiction =
    stance === "contradicted" && one.contradiction !== null
      ? [muted("contradiction"), metric(one.contradiction)]
      : nothing;
  const source = html`<button type="button" class="cx-link cx-source" title="Show the whole passage"
    @click=${(/** @type {Event} */ event) => unfold(event, at)}>${quiet ? "closest words: " : nothing}[${at + 1}] ${passages[at] && where(passages[at])}</button>`;
  return html`<li class="cx-column tight ${here ? "here" : ""}">
    <button type="button" class="cx-item cx-sentence" aria-pressed=${String(here)} title="Show it in the answer and in its passage"
      @click=${() => options.onsentence(here ? null : i)}><span class="cx-row tight cx-small">${said}${contradiction}${support}</span>${written(one.text)}</button>
    ${one.excerpt ? html`<blockquote class="cx-quote ${quiet ? "quiet" : ""}"><bdi>${marked(one.excerpt)}</bdi></blockquote>` : nothing}
    ${one.passage === null ? nothing : source}</li>`;
}

/** @param {Event} event @param {number} index */
function unfold(event, index) {
  const panel = /** @type {Element} */ (/** @type {Element} */ (event.target).closest(".cx-panel"));
  const passage = /** @type {HTMLDetailsElement} */ (all(panel, ".cx-passages details")[index]);
  passage.open = true;
  passage.querySelector("summary")?.focus({ preventScroll: true });
  passage.scrollIntoView({ block: "nearest" });
}

/** @param {PromptPassage} passage @param {number} i @param {Evidence} evidence @param {number | null} sentence @param {boolean} alone */
function passageItem(passage, i, { sentences }, sentence, alone) {
  const cited = passage.cited.flatMap((n) => sentences[n].stance ?? []);
  const picked = sentence !== null && sentences[sentence].passage === i;
  const open = picked || (sentence === null && (cited.length > 0 || (i === 0 && !sentences.length)));
  const [start, end] = (picked && sentences[sentence ?? 0].span) || [passage.start, passage.end];
  // The Documents page, open at the passage, or at the words of it that are meant.
  const opened = link({ open: passage.document_id, start, end }, place("documents"));
  const leads = html`<a class="cx-link" href=${opened}>open in Documents</a>`;
  const cites = cited.map(
    (of) =>
      html`<span class="cx-cited ${STANCES[of].name}" title=${of}>${icon(STANCES[of].icon)}${unseen(of)}</span>`,
  );
  return html`<li class=${picked ? "here" : nothing}><details ?open=${open}>
    <summary class="cx-row tight cx-small"><span class="cx-grow cx-strong"><span class="cx-num">[${i + 1}] </span>${where(passage)}</span>${cites}</summary>
    ${passage.heading ? html`<p class="cx-muted">${written(passage.heading)}</p>` : nothing}
    <div class="cx-passage">${text(passage, sentence === null ? passage.cited : [sentence], alone)}</div>
    <p class="cx-passage-foot cx-row wrap cx-muted">${passage.scores.map(({ label, meaning, value }) => html`<span title=${meaning}>${label} ${metric(value)}</span>`)}${alone ? nothing : leads}</p></details></li>`;
}

/** The words that a sentence comes closest to are underlined; those of `shown`, sentences by their index, marked. @param {PromptPassage} passage @param {number[]} shown @param {boolean} alone */
function text({ parts }, shown, alone) {
  if (!parts.length)
    return hint(`The text of this passage was not saved${alone ? "" : ", and the document is gone"}.`);
  const quiet = (/** @type {number[]} */ held) => (held.some((n) => shown.includes(n)) ? nothing : "quiet");
  return html`<bdi>${parts.map(([part, held]) => (held.length ? html`<mark class=${quiet(held)}>${reveal(part)}</mark>` : reveal(part)))}</bdi>`;
}

/** @param {PromptPassage} passage */
function where({ document, page }) {
  return [written(document), page === null ? null : `, page ${page}`];
}
