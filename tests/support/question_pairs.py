"""Pairs of questions for the match of people's answers: reworded ones, and ones that only look alike.

Both come from the questions in `datasets/`. Each half has 200 pairs of either kind, with templates, families
of questions and entities of its own: thresholds and word lists are set on the half "development", and the
half "held-out" tells how well that carries over. Nothing is drawn by chance.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from codex.paths import resources

Half = Literal["development", "held-out"]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two questions, and whether an answer to the one answers the other."""

    first: str
    second: str
    like: bool
    kind: str


@cache
def pairs(half: Half) -> tuple[Pair, ...]:
    """200 pairs that are alike, then 200 near-misses."""
    found = (*_alike(half), *_near(half))
    assert [sum(pair.like is like for pair in found) for like in (True, False)] == [200, 200]
    return found


@cache
def _written(half: Half) -> Any:
    """What was written by hand for a half.

    ways: of each relation, how people put it. signs: of sums. families: of the set `unanswerable`, a pattern,
    how people reword it, and near-misses. newcomers: questions of that set, each reworded and as a near-miss.
    swaps: of each relation, questions about the same entity that have another answer.
    """
    return json.loads(Path(__file__).with_suffix(".json").read_text("utf-8"))[half]


def _alike(half: Half) -> Iterator[Pair]:
    written = _written(half)
    ways, signs = written["ways"], written["signs"]
    for relation, n in (("capital", 50), ("currency", 30), ("number", 30), ("symbol", 20)):
        for (question, entity), way in zip(_entities(half, relation)[:n], itertools.cycle(ways[relation])):
            yield Pair(question, way.format(entity), True, relation)
    for at, (question, (left, sign, right)) in enumerate(_sums(half)[:20]):
        shown = signs[sign][at % len(signs[sign])]
        yield Pair(question, ways["sum"][at % len(ways["sum"])].format(left, shown, right), True, "sum")
    for question, reworded, _ in _families(half, 30):
        yield Pair(question, reworded, True, "unanswerable")
    for question, reworded, _ in written["newcomers"]:
        yield Pair(question, reworded, True, "newcomers")


def _near(half: Half) -> Iterator[Pair]:
    written = _written(half)
    ways, signs = written["ways"], written["signs"]
    for relation, others, swaps in (
        ("capital", 30, 15),
        ("currency", 15, 9),
        ("number", 20, 9),
        ("symbol", 12, 6),
    ):
        entities = _entities(half, relation)
        for at, (question, entity) in enumerate(entities[:others]):
            other = _lookalike(entity, [name for _, name in entities])
            yield Pair(question, ways[relation][at % len(ways[relation])].format(other), False, relation)
        for (question, entity), swap in zip(
            entities[others : others + swaps], itertools.cycle(written["swaps"][relation])
        ):
            yield Pair(question, swap.format(entity), False, f"{relation}, other relation")
    for at, (question, (left, sign, right)) in enumerate(_sums(half)[20:54]):
        other = _other_sum(at, left, sign, right)
        shown = signs[other[1]][at % len(signs[other[1]])]
        yield Pair(
            question, ways["sum"][at % len(ways["sum"])].format(other[0], shown, other[2]), False, "sum"
        )
    for question, _, near in _families(half, 30):
        yield Pair(question, near, False, "unanswerable")
    for question, _, near in written["newcomers"]:
        yield Pair(question, near, False, "newcomers")


PATTERNS = {
    "capital": ("capitals", re.compile(r"What is the capital of (.+)\?")),
    "currency": ("capitals", re.compile(r"What is the currency of (.+)\? Give its full name\.")),
    "number": ("elements", re.compile(r"What is the atomic number of (.+)\?")),
    "symbol": ("elements", re.compile(r"Which chemical element has the symbol (.+)\?")),
}


@cache
def _questions(dataset: str, half: Half) -> tuple[str, ...]:
    """The questions of a set that belong to a half, by a hash of their entity-bearing text."""
    lines = (resources("datasets") / f"{dataset}.jsonl").read_text("utf-8").splitlines()
    return tuple(each for each in (json.loads(line)["question"] for line in lines) if _half(each) == half)


def _half(text: str) -> Half:
    return "held-out" if hashlib.sha256(text.encode()).digest()[0] % 2 else "development"


def _entities(half: Half, relation: str) -> list[tuple[str, str]]:
    """Question and entity; an entity belongs to one half, whatever is asked of it."""
    dataset, pattern = PATTERNS[relation]
    every = itertools.chain(_questions(dataset, "development"), _questions(dataset, "held-out"))
    found = [(each, match[1]) for each in every if (match := pattern.fullmatch(each))]
    return sorted((each for each in found if _half(each[1]) == half), key=lambda each: each[0])


def _sums(half: Half) -> list[tuple[str, tuple[str, str, str]]]:
    signs = {"plus": "plus", "+": "plus", "minus": "minus", "-": "minus", "times": "times", "×": "times"}
    signs |= {"divided by": "over"}
    found = []
    for question in _questions("arithmetic", half):
        match = re.search(r"(\d+) (plus|\+|minus|-|times|×|divided by) (\d+)", question)
        if match and match[1] != match[3]:
            found.append((question, (match[1], signs[match[2]], match[3])))
    return found


def _other_sum(at: int, left: str, sign: str, right: str) -> tuple[str, str, str]:
    """The sum with its operands swapped where that counts, a digit off, or another sign."""
    changes: list[Callable[[], tuple[str, str, str]]] = [
        lambda: (right, sign, left) if sign in ("minus", "over") else (left + "0", sign, right),
        lambda: (str(int(left) + 1), sign, right),
        lambda: (left, {"plus": "minus", "minus": "plus", "times": "over", "over": "times"}[sign], right),
        lambda: (left, sign, str(int(right) + 10)),
    ]
    return changes[at % len(changes)]()


def _lookalike(entity: str, others: Sequence[str]) -> str:
    """Of the other entities the one that is spelled most alike."""
    from rapidfuzz.distance import OSA

    rest = [other for other in others if other != entity]
    return min(rest, key=lambda other: (OSA.normalized_distance(entity, other), other))


def _families(half: Half, n: int) -> list[tuple[str, str, str]]:
    """Of each family in turn a question, reworded, and a near-miss of it."""
    every = [*_questions("unanswerable", "development"), *_questions("unanswerable", "held-out")]
    lists: list[list[tuple[str, str, str]]] = []
    for pattern, reworded, near in _written(half)["families"]:
        matched = [(each, match[1]) for each in every if (match := re.fullmatch(pattern, each))]
        names = [name for _, name in matched]
        lists.append([])
        for at, (question, name) in enumerate(matched):
            others = [
                *(template.format(name) for template in near),
                question.replace(name, names[(at + 1) % len(names)]),
            ]
            lists[-1].append((question, reworded[at % len(reworded)].format(name), others[at % len(others)]))
    mixed = [each for row in itertools.zip_longest(*lists) for each in row if each is not None]
    return mixed[:n]
