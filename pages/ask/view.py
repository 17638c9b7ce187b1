"""Traces as the page shows them: plain JSON, made without Gradio, a model or a database."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

from codex import signals
from codex.ask.confidence import LikelyAnswers, basis
from codex.ask.explaining import answered_by, plain_line
from codex.calibration.prior import MEANING
from codex.grounding.told import judged_by, verified_by
from codex.pages import JSON, Fact
from codex.pages.ask.copying import as_text
from codex.pages.ask.evidence import compared, evidence_view
from codex.pages.ask.story import first_answer, in_vain, notes, step_story, story_line
from codex.pages.ask.token_texts import token_texts
from codex.signals.text import words
from codex.store import SessionSummary, TraceSummary
from codex.store.codec.nouns import encode
from codex.text import number, percent
from codex.types import (
    Alternative,
    AnsweredBy,
    Generation,
    Observation,
    PredictionSet,
    Sampling,
    Token,
    Trace,
    TraceParams,
)

ALTERNATIVES = 10
"""How many alternatives are shown beside a token; the chosen one is always among them."""

LONGEST_WORDING = 120
"""Characters of what a group of samples is called."""

MEASURED: dict[str, frozenset[str]] = {
    "answer's tokens": frozenset(),
    "samples' agreement": frozenset({"1 sample", "2 samples"}),
    "evidence": frozenset({"passages", "grounding"}),
    "verifier": frozenset({"verdict"}),
}
"""What signals are measured on, by what they need; those of the tokens need none of the others."""


def trace_view(trace: Trace, *, fingerprint: str, correct: bool | None) -> JSON:
    """A trace with everything the page shows of it. fingerprint: the model that is loaded."""
    return {
        **encode(trace, without=("session_id", "parent_id", "steps")),
        "session": trace.session_id,
        "parent": trace.parent_id,
        "branched": _branched(trace),
        "correct": correct,
        "no_branch": _no_branch(trace, fingerprint),
        "person": person_view(trace.params.person),
        "story": story_line(trace.steps),
        "copy": as_text(trace),
        "first_answer": first_answer(trace),
        "steps": [step_story(step, trace.calibrated_on(step)) for step in trace.steps],
        "last": step_view(trace),
        "details": _details(trace),
    }


def person_view(person: AnsweredBy | None) -> JSON | None:
    """A person's answer, with who gave it and when."""
    if person is None:
        return None
    return {"answer": person.answer, "by": answered_by(person), "source": person.source}


def step_view(trace: Trace) -> JSON:
    """The step that was decided on, in full."""
    step = trace.last
    generation = step.observation.generation
    cut = token_texts(generation.tokens, generation.text)
    return {
        **step_story(step, trace.calibrated_on(step)),
        "plain": plain_line(step),
        "tokens": [
            token_view(token, text, given=index < generation.prefix_tokens)
            for index, (token, text) in enumerate(zip(generation.tokens, cut.texts, strict=True))
        ],
        "units": cut.units,
        "words": cut.words,
        "focus": step.focus,
        "weakest": weakest(generation, step.focus),
        "generation": encode(generation, without=("text", "tokens")),
        "samples": samples_view(step.observation, trace.params.prediction_set),
        "signals": signals_view(step.signals),
        "evidence": evidence_view(step.observation, cut.texts)
        | {"note": notes(step.decision), "looked": bool(in_vain(step))},
    }


def weakest(generation: Generation, focus: Sequence[bool]) -> int | None:
    """The model's least likely token among those that carry the answer; of a branch, where it begins."""
    known = [
        (token.logprob, index)
        for index, (token, carries) in enumerate(zip(generation.tokens, focus, strict=True))
        if carries and token.logprob is not None and index >= generation.prefix_tokens
    ]
    if known:
        return min(known)[1]
    return max(0, generation.prefix_tokens - 1) if generation.tokens else None


def token_view(token: Token, text: str, *, given: bool = False) -> JSON:
    """One token of the heatmap, with its alternatives."""
    shown = list(token.alternatives[:ALTERNATIVES])
    shown += [other for other in token.alternatives[ALTERNATIVES:] if other.id == token.id]
    return {
        **encode(token, without=("bytes", "logprob", "alternatives")),
        "text": text,
        "p": _probability(token.logprob),
        "given": given,
        "alternatives": [_alternative(other) for other in shown],
    }


def samples_view(observation: Observation, likely: PredictionSet | None = None) -> JSON:
    """The samples by what they say, largest group first; which of them are in the prediction set."""
    samples = observation.samples
    groups = signals.answer_groups(observation) if samples else []
    inside = set(likely.samples) if likely and not likely.any else set[int]()
    return {
        "likely": str(LikelyAnswers.of(likely)) if likely else None,
        "total": len(samples),
        "compared": compared(observation.similarity),
        "groups": [
            {
                "text": textwrap.shorten(group.text, LONGEST_WORDING, placeholder=" …"),
                "answer": group.contains_answer,
                "inside": not inside.isdisjoint(group.members),
                "members": [
                    {"parts": differing(samples[i].text, observation.generation.text)} for i in group.members
                ],
            }
            for group in groups
        ],
    }


def differing(text: str, other: str) -> list[tuple[str, bool]]:
    """A text in parts, each with whether the other text lacks its words; the parts join to the text."""
    theirs = {word.key for word in words(other)}
    parts: list[tuple[str, bool]] = []
    end = 0
    for word in words(text):
        lacks = word.key not in theirs
        if parts and parts[-1][1] is lacks:
            parts[-1] = (text[end - len(parts[-1][0]) : word.end], lacks)
        else:
            parts += [(text[end : word.start], False), (text[word.start : word.end], lacks)]
        end = word.end
    return [part for part in [*parts, (text[end:], False)] if part[0]]


def signals_view(values: dict[str, float | None]) -> list[JSON]:
    """Every signal of the register, whole answer and focus side by side where it has both forms."""
    rows: dict[str, JSON] = {}
    for signal in signals.REGISTRY.values():
        base = signal.name.removesuffix("_focus")
        row = rows.setdefault(
            base,
            {
                "label": signal.label,
                "meaning": signal.meaning,
                "unit": signal.unit,
                "source": signal.source,
                "falling": not signal.higher_is_confident,
                "scale": signal.scale,
                "of": _measured_on(signal),
                "forms": [],
            },
        )
        title = "whole answer" if signal.form == "whole" else "focus"
        row["forms"].append({"name": signal.name, "title": title, "value": values.get(signal.name)})
    groups = [
        {"title": f"Of the {of}", "rows": [row for row in rows.values() if row["of"] == of]}
        for of in MEASURED
    ]
    return [group for group in groups if group["rows"]]


def _measured_on(signal: signals.Signal) -> str:
    for of, needs in MEASURED.items():
        if signal.needs & needs:
            return of
    return "answer's tokens"


def session_line(session: SessionSummary) -> JSON:
    """One line of the list of sessions."""
    return {
        "id": session.id,
        "title": session.title,
        "used": session.last_used_at.isoformat(),
        "questions": session.questions,
        "action": session.last_action,
    }


def family(traces: Sequence[TraceSummary], trace_id: str | None) -> tuple[TraceSummary, list[TraceSummary]]:
    """The first answer that a trace goes back to, and all that go back to it, oldest first.

    trace_id: None, or one that is not in the session, takes the last question that was asked.
    """
    parents = {trace.id: trace.parent_id for trace in traces}

    def root(trace: TraceSummary) -> str:
        at = trace.id
        while (parent := parents.get(at)) is not None and parent in parents:
            at = parent
        return at

    wanted = next((trace for trace in traces if trace.id == trace_id), None)
    first = root(wanted) if wanted else roots(traces)[-1].id
    members = [trace for trace in traces if root(trace) == first]
    return next(trace for trace in members if trace.id == first), members


def roots(traces: Sequence[TraceSummary]) -> list[TraceSummary]:
    """The questions of a session, without the branches of their answers."""
    known = {trace.id for trace in traces}
    return [trace for trace in traces if trace.parent_id not in known]


def _alternative(other: Alternative) -> JSON:
    text = other.bytes.decode("utf-8", "replace")
    if "\ufffd" in text:
        text = f"⟨{other.bytes.hex(' ').upper()}⟩"
    shown = encode(other, without=("bytes", "logprob"))
    return {**shown, "text": text, "p": _probability(other.logprob)}


def _branched(trace: Trace) -> JSON | None:
    generation = trace.last.observation.generation
    if trace.parent_id is None or not generation.prefix_tokens:
        return None
    position = generation.prefix_tokens - 1
    return {"position": position, "text": generation.tokens[position].text}


def _no_branch(trace: Trace, fingerprint: str) -> str | None:
    if trace.question is None or trace.last.prompt is None:
        return "The text of this question was not kept, so its answer cannot be continued. Ask it again."
    if trace.larger is not None:
        return f"This answer was written by the larger model {trace.larger.model}: it cannot be continued."
    if trace.model != fingerprint:
        return f"This answer was written by {trace.model}; start Codex with that model to continue it."
    return None


def _details(trace: Trace) -> list[Fact]:
    observation = trace.last.observation
    generation = observation.generation
    params = trace.params
    return [
        ("model", trace.model),
        *([("answered by", f"the larger model {trace.larger.model}")] if trace.larger else []),
        ("asked", {"at": trace.created_at.isoformat()}),
        ("took", f"{number(trace.seconds)} s, of which the answer {number(generation.seconds)} s"),
        ("answer", f"{len(generation.tokens)} tokens{_rate(generation)}"),
        ("prompt", f"{generation.prompt_tokens} tokens, template {params.prompt or 'unknown'}"),
        ("log-probabilities", generation.logprobs),
        ("parameters", _words(params.answer)),
        ("samples", f"{_drawn(observation, params)}, compared {compared(observation.similarity)}"),
        ("sampling", _words(params.samples)),
        *_limited(trace),
        *_checks(observation),
        ("confidence", _calibrated(trace) or MEANING),
        ("policy", trace.policy),
        ("session", trace.session_id),
    ]


def _limited(trace: Trace) -> list[tuple[str, str]]:
    """The documents that the search was limited to."""
    chosen = trace.params.evidence.get("documents")
    return [("searched in", ", ".join(map(str, chosen)))] if isinstance(chosen, list) else []


def _calibrated(trace: Trace) -> str:
    """Who made the confidence a probability; "" where nobody did."""
    confidence = trace.last.confidence
    if confidence.unfamiliar:
        return (
            f"{basis(confidence, trace.calibrated_on(trace.last))} by {trace.calibrator_of(trace.last)}: "
            f"{percent(confidence.familiarity or 0)} of the held-out ones are as unlike the others as it"
        )
    if confidence.calibrated is None:
        return ""
    return f"calibrated by {trace.calibrator_of(trace.last) or 'an unknown calibrator'}"


def _checks(observation: Observation) -> list[tuple[str, str]]:
    """Who checked the answer, and how long it took."""
    grounding, verdict = observation.grounding, observation.verdict
    lines = []
    if verdict:
        lines.append(
            ("verifier", f"{verified_by(verdict)}; {verdict.form} prompt, {number(verdict.seconds)} s")
        )
    if grounding:
        lines.append(("judge of evidence", f"{judged_by(grounding)} {number(grounding.seconds)} s"))
    return lines


def _rate(generation: Generation) -> str:
    written = len(generation.tokens) - generation.prefix_tokens
    return f", {number(written / generation.seconds)} a second" if written and generation.seconds else ""


def _drawn(observation: Observation, params: TraceParams) -> str:
    drawn = len(observation.samples)
    if params.adaptive and params.n_samples and drawn < params.n_samples:
        return f"{drawn} of at most {params.n_samples}, which settled it"
    return str(drawn)


def _words(sampling: Sampling) -> str:
    known = [f"{name} {value}" for name, value in encode(sampling).items() if value not in ([], None)]
    return ", ".join(known) or "unknown"


def _probability(logprob: float | None) -> float | None:
    return None if logprob is None else math.exp(min(0.0, logprob))
