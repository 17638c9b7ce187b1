// The Evidence tab: what the documents say of each sentence of the answer. Passages are untrusted: text nodes only.

import { figure, h, icon, reveal } from "./dom.js";

/** How each stance is shown beside its colour. */
export const STANCES = {
  supported: { icon: "answer", name: "supported" },
  "not found": { icon: "abstain", name: "not-found" },
  contradicted: { icon: "close", name: "contradicted" },
};

/** A stance as colour, icon and word. */
export function stance(of) {
  return h("span", { class: `cx-stance ${STANCES[of].name}` }, icon(STANCES[of].icon), of);
}

/**
 * The panel. trace: what is looked at, or null while `live`, the passages found so far, is all there is.
 * sentence: index of the one that was pointed at, or null. lookup: {documents, again} or what may be done now.
 */
export function evidencePanel({ trace, live, sentence, lookup, options }) {
  const { passages, sentences, judge, note, looked } = trace?.last.evidence ?? {
    passages: live,
    sentences: [],
    judge: null,
    note: "",
    looked: true,
  };
  if (!passages.length) return nothing({ note, looked }, lookup, options);
  return [
    note ? h("p.cx-hint", `${capital(note)}.`) : null,
    trace && !sentences.length
      ? h("p.cx-hint", "Nobody judged whether these passages support the answer.")
      : null,
    sentences.length
      ? h(
          "ol.cx-sentences",
          { "aria-label": "Sentences of the answer" },
          sentences.map((one, i) => sentenceItem(one, i, { passages, sentence, options })),
        )
      : null,
    judge ? h("p.cx-muted", `Judged by ${judge}.`) : null,
    h("h3", `${passages.length === 1 ? "The passage" : `The ${passages.length} passages`} in the prompt`),
    h(
      "ol.cx-passages",
      passages.map((passage, i) => passageItem(passage, i, { sentences, sentence })),
    ),
  ];
}

function nothing({ note, looked }, { documents, again }, options) {
  if (!documents)
    return [
      h("p.cx-hint", note ? `${capital(note)}.` : "There are no documents to look things up in."),
      h("p", h("a.cx-button.small", { href: address("documents") }, icon("plus"), "Add documents")),
      h("p.cx-hint", "Their passages then stand here, with the words that support each sentence."),
    ];
  return [
    h("p.cx-hint", looked ? `${capital(note)}.` : "This answer was given without looking anything up."),
    again
      ? h(
          "p",
          h(
            "button.cx-button.small",
            { onclick: () => options.onlookup() },
            icon("search"),
            looked ? "Look again" : "Look it up now",
          ),
        )
      : h("p.cx-hint", "The question was not kept; ask it again with the switch at look up first."),
  ];
}

function sentenceItem(one, i, { passages, sentence, options }) {
  const here = i === sentence;
  const passage = one.passage === null ? null : passages[one.passage];
  return h(
    "li",
    { class: here ? "here" : null },
    h(
      "button.cx-sentence",
      {
        "aria-pressed": String(here),
        title: "Show it in the answer and in its passage",
        onclick: () => options.onsentence(here ? null : i),
      },
      h(
        "span.cx-sentence-head",
        stance(one.stance),
        one.stance === "contradicted" && one.contradiction !== null
          ? [h("span.cx-muted", "contradiction"), figure(one.contradiction)]
          : null,
        h("span.cx-muted", "support"),
        figure(one.probability),
      ),
      h("bdi", ...reveal(one.text)),
    ),
    one.excerpt
      ? h(
          "blockquote",
          { class: `cx-quote ${one.stance === "not found" ? "quiet" : ""}` },
          h(
            "bdi",
            one.excerpt.map(([text, quoted]) => (quoted ? h("mark", ...reveal(text)) : reveal(text))),
          ),
        )
      : null,
    passage
      ? h(
          "button.cx-link.cx-source",
          { title: "Show the whole passage", onclick: (event) => unfold(event.target, one.passage) },
          one.stance === "not found" ? "closest words: " : null,
          `[${one.passage + 1}] `,
          place(passage),
        )
      : null,
  );
}

function unfold(from, index) {
  const passage = from.closest(".cx-panel").querySelectorAll(".cx-passages details")[index];
  passage.open = true;
  passage.querySelector("summary").focus({ preventScroll: true });
  passage.scrollIntoView({ block: "nearest" });
}

function passageItem(passage, i, { sentences, sentence }) {
  const cited = passage.cited.map((n) => sentences[n].stance);
  const picked = sentence !== null && sentences[sentence].passage === i;
  const open = picked || (sentence === null && (cited.length > 0 || (i === 0 && !sentences.length)));
  return h(
    "li",
    { class: picked ? "here" : null },
    h(
      "details",
      { open: open || null },
      h(
        "summary",
        h("span.cx-passage-name", h("span.cx-num", `[${i + 1}] `), place(passage)),
        cited.map((of) =>
          h(
            "span",
            { class: `cx-cited ${STANCES[of].name}`, title: of },
            icon(STANCES[of].icon),
            h("span.cx-sr", of),
          ),
        ),
      ),
      passage.heading ? h("p.cx-muted", h("bdi", ...reveal(passage.heading))) : null,
      h("div.cx-passage", text(passage, sentence === null ? passage.cited : [sentence])),
      h(
        "p.cx-passage-foot.cx-muted",
        passage.scores.map(({ label, meaning, value }) =>
          h("span", { title: meaning }, `${label} `, figure(value)),
        ),
        h("a", { href: opened(passage, picked ? sentences[sentence].span : null) }, "open in Documents"),
      ),
    ),
  );
}

// The words that a sentence comes closest to are underlined; those of `shown`, sentences by their index, marked.
function text(passage, shown) {
  if (!passage.parts.length)
    return h("p.cx-hint", "The text of this passage was not kept, and the document is gone.");
  return h(
    "bdi",
    passage.parts.map(([part, held]) =>
      held.length
        ? h("mark", { class: held.some((n) => shown.includes(n)) ? null : "quiet" }, ...reveal(part))
        : reveal(part),
    ),
  );
}

function place({ document, page }) {
  return [h("bdi", ...reveal(document)), page === null ? null : `, page ${page}`];
}

// The Documents page, open at a passage, or at the words of it that are meant.
function opened(passage, span) {
  const [start, end] = span ?? [passage.start, passage.end];
  return `${address("documents")}?${new URLSearchParams({ open: passage.document_id, start, end })}`;
}

/** A page of Codex, wherever it is served. */
export function address(page) {
  return new URL(page, document.baseURI).href;
}

function capital(words) {
  return words.charAt(0).toUpperCase() + words.slice(1);
}
