"""Graders: whether an answer is correct, given the accepted ones."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import duckdb

from codex import plugins
from codex.errors import InvalidInput
from codex.grading import boolean, choice, dates, numeric, short_answer
from codex.grading.added import added_grader
from codex.grading.kinds import grader_of
from codex.grading.word_recall import contains, word_recall
from codex.grading.wording import plain, refuses
from codex.items import GRADERS, GraderName, Item, graders, named
from codex.prompts import judging
from codex.signals import label_probability
from codex.text import nearest

if TYPE_CHECKING:
    from rouge_score.rouge_scorer import RougeScorer

    from codex.engines.base import Engine

# Recall: more than half of an answer's words. Half would agree with people more often (mean AC1 0.89 instead
# of 0.86), but only where three answers of four are correct, as there: it accepts twice as many incorrect
# answers, such as the franc of the neighbouring country. ROUGE-L as in Kuhn et al. 2023, arXiv:2302.09664.
ABOVE: dict[GraderName, float] = {"short": 0.5, "recall": 0.5, "f1": 0.5, "rouge_l": 0.3}
"""The score above which an answer is correct; of the other graders it is 0 or 1."""

AGREEMENT: dict[str, tuple[float, float]] = {
    "auto": (0.884, 0.951),
    "short": (0.884, 0.951),
    "numeric": (0.903, 0.954),
    "recall": (0.880, 0.949),
    "contains": (0.831, 0.915),
    "refusal": (0.733, 0.849),
    "rouge_l": (0.506, 0.550),
    "f1": (0.408, 0.411),
    "exact": (0.388, 0.364),
}
"""Share of the answers on which a grader and people agree: of 15,098 to NQ and of 9,690 to TriviaQA, by five
systems, judged by people in EVOUNA (Wang et al. 2023, arXiv:2305.12421); of numeric, the 1,185 and 390 of
them whose accepted answers are numbers. By `codex evaluate graders`."""


@dataclass(frozen=True, slots=True)
class Grade:
    """What a grader says of an answer."""

    correct: bool | None
    """None: the grader could not tell."""
    score: float
    """In [0, 1]; NaN where it could not tell."""
    grader: GraderName


def grade(item: Item, text: str, grader: str | None = None, engine: Engine | None = None) -> Grade:
    """Grade an answer by the grader named, else the item's own, else the one of its kind of answer.

    An item that cannot be answered is graded by whether the answer refuses, whatever is named.
    engine: the judge, which only the grader "judge" asks. Raises InvalidInput for an unknown name,
    PluginError.
    """
    name = known(grader or grader_of(item))
    if not item.answerable:
        name = "refusal"
    if name == "judge":
        return _judged(item, text, engine)
    above = ABOVE.get(name, 0.5)
    if name in _SCORES:
        score = float(_SCORES[name](item, text))
    else:
        added = added_grader(name)
        score, above = added.score(item, text), added.above
    if math.isnan(score):
        return Grade(None, score, name)
    return Grade(score > above, score, name)


def known(name: str) -> GraderName:
    """The name as a grader's; one of a plug-in is imported. Raises InvalidInput, PluginError.

    A `module:object` is known only where it was taken.
    """
    if grader := named(name):
        if grader not in GRADERS:
            added_grader(grader)
        return grader
    there = graders()
    why = ": a module:object works on the command line alone, while no workbench runs." if ":" in name else ""
    raise InvalidInput(
        f"There is no grader {name!r}{why or nearest(name, there)} There are: {', '.join(there)}.", ["grader"]
    )


def taken(name: str) -> GraderName:
    """As `known`, and a `module:object` is taken. For the command line of this machine alone."""
    if plugins.is_target(name):
        plugins.take("graders", name)
    return known(name)


def _exact(item: Item, text: str) -> float:
    said = plain(text)
    return any(said == plain(answer) for answer in item.answers)


def _contains(item: Item, text: str) -> float:
    return any(contains(answer, text) for answer in item.answers)


def _recall(item: Item, text: str) -> float:
    return word_recall(item.question, item.answers, text)


def _f1(item: Item, text: str) -> float:
    said = plain(text).split()
    return max((token_f1(said, plain(answer).split()) for answer in item.answers), default=0.0)


def token_f1(said: Sequence[str], accepted: Sequence[str]) -> float:
    """F1 of the words of two texts, in [0, 1]; Rajpurkar et al. 2016, arXiv:1606.05250."""
    both = sum((Counter(said) & Counter(accepted)).values())
    return 2 * both / (len(said) + len(accepted)) if both else 0.0


def _rouge_l(item: Item, text: str) -> float:
    said = plain(text)
    return max((_rouge().score(plain(a), said)["rougeL"].fmeasure for a in item.answers), default=0.0)


@lru_cache
def _rouge() -> RougeScorer:
    # Seconds: it brings all of NLTK.
    from rouge_score.rouge_scorer import RougeScorer

    return RougeScorer(["rougeL"])


def _regex(item: Item, text: str) -> float:
    """Whether one of the answers, each a regular expression of RE2, is found. Raises InvalidInput."""
    said = text.encode("utf-8", "replace").decode()
    return any(_is_found(answer, said) for answer in item.answers)


def _is_found(pattern: str, text: str) -> bool:
    # DuckDB searches with RE2, whose time grows with the text alone, whatever the pattern.
    try:
        found = _duckdb().cursor().execute("SELECT regexp_matches($1, $2)", [text, pattern]).fetchone()
    except duckdb.Error as wrong:
        why = str(wrong).splitlines()[0]
        raise InvalidInput(f"{pattern[:80]!r} is not a regular expression: {why}", ["answers"]) from wrong
    return bool(found and found[0])


@lru_cache
def _duckdb() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def _refusal(item: Item, text: str) -> float:
    return refuses(text) is not item.answerable


def _judged(item: Item, text: str, engine: Engine | None) -> Grade:
    if engine is None:
        raise InvalidInput(
            "The grader judge needs an engine: give one, or choose another grader.", ["grader"]
        )
    prompt = judging.grade(item.asked, item.answers, text)
    probability = label_probability(engine.next_token(prompt).alternatives, "True", "False")
    if probability is None:
        return Grade(None, math.nan, "judge")
    return Grade(probability >= 0.5, probability, "judge")


_SCORES: dict[GraderName, Callable[[Item, str], float]] = {
    "exact": _exact,
    "contains": _contains,
    "recall": _recall,
    "f1": _f1,
    "rouge_l": _rouge_l,
    "short": short_answer.score,
    "numeric": numeric.score,
    "date": dates.score,
    "boolean": boolean.score,
    "choice": choice.score,
    "regex": _regex,
    "refusal": _refusal,
}
