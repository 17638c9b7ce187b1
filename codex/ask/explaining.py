"""Why a decision was made, in one plain line: what the samples said, how likely the weakest word was."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from datetime import datetime

from codex import signals
from codex.text import number
from codex.types import Action, AnsweredBy, Step, Trace

WORD = re.compile(r"\w+")
SHOWN_SAMPLE = 60
"""Characters of a sample's answer in a clarifying question."""
SHOWN = 40
"""Characters of an answer that the line repeats."""


def plain_line(step: Step) -> str:
    """What a decision rests on: "6 of 10 samples said Canberra; the weakest word had 0.53".

    What was not measured is left out. A pure function of the step as it is stored.
    """
    answer = _carried(step)
    if not answer:
        return "the answer is empty"
    parts = [
        _agreement(step, answer),
        _probability(step, "min_prob_focus", "the weakest word had {}"),
        _probability(step, "evidence_support", "the passages support it with {}"),
        _probability(step, "p_true", "the verifier gives it {}"),
    ]
    known = [part for part in parts if part]
    return "; ".join(known) or "there are neither samples nor log-probabilities to go by"


def rationale(trace: Trace) -> str:
    """Why the user is told what they are told, in one line."""
    line = f"{plain_line(trace.last)}; {trace.last.decision.reason}"
    if trace.larger is not None:
        line = f"the larger model {trace.larger.model} answered; {line}"
    person = trace.params.person
    return f"{answered_by(person)}; the model's own answer: {line}" if person else line


def told_user(step: Step) -> str:
    """What the user is told: the answer, or a question back when the decision is to abstain."""
    if step.decision.action is not Action.ABSTAIN:
        return step.observation.generation.text
    total, groups = len(step.observation.samples), signals.answer_groups(step.observation)
    # An answer given once only is chance; it would not help anybody to say more precisely what they mean.
    often = [
        f"“{textwrap.shorten(group.text, SHOWN_SAMPLE, placeholder=' …')}” ({len(group.members)} times)"
        for group in groups[:3]
        if len(group.members) > 1
    ]
    told = f", among them {', '.join(often)}" if often else ""
    seen = f": asked {total} times, I gave {len(groups)} different answers{told}" if len(groups) > 1 else ""
    return f"I am not sure enough to answer{seen}. Could you ask it in other words, or tell me more?"


def answered_by(person: AnsweredBy) -> str:
    """Whose answer it is: "Answered by Ada on 28 November 2026"."""
    to = "" if person.same else ", to the question in other words"
    return f"Answered by {person.author} on {day(person.made_at)}{to}"


def day(at: datetime) -> str:
    """A day in local time: "28 November 2026"."""
    local = at.astimezone()
    return f"{local.day} {local:%B %Y}"


def _carried(step: Step) -> str:
    """The words of the answer that carry it."""
    runs: list[list[bytes]] = [[]]
    for token, carries in zip(step.observation.generation.tokens, step.focus, strict=True):
        if carries:
            runs[-1].append(token.bytes)
        elif runs[-1]:
            runs.append([])
    return _joined([b"".join(run).decode("utf-8", "replace") for run in runs]) or _joined(
        [step.observation.generation.text]
    )


def _joined(parts: Sequence[str]) -> str:
    return " ".join(" ".join(parts).split()).strip(" .,;:!?*\"'")


def _agreement(step: Step, answer: str) -> str | None:
    """How many samples said the answer; for a long one, how many gave the same."""
    samples, share = step.observation.samples, step.signals.get("answer_frequency_focus")
    n = len(samples)
    if not n or share is None:
        return None
    is_short = len(answer) <= SHOWN
    agreeing = sum(_says(sample.text, answer) for sample in samples) if is_short else round(share * n)
    if n == 1:
        return "the one sample said the same" if agreeing else "the one sample said something else"
    said = answer if is_short else "the same"
    if any(mark in said for mark in ",;"):
        said = f"“{said}”"
    return f"{agreeing or 'none'} of {n} samples said {said}"


def _says(text: str, answer: str) -> bool:
    """Whether each word of the answer stands in a text, whatever else it says."""
    words, wanted = (set(WORD.findall(each.casefold())) for each in (text, answer))
    # Scripts without spaces have no words to compare.
    return wanted <= words or (
        len(wanted) == 1 and not answer.isascii() and answer.casefold() in text.casefold()
    )


def _probability(step: Step, signal: str, words: str) -> str | None:
    value = step.signals.get(signal)
    return None if value is None else words.format(number(value))
