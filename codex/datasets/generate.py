"""Makes the sets that ship, from facts and by chance: `python -m codex.datasets.generate`."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

from codex.datasets import invented
from codex.datasets.cards import card
from codex.datasets.library import SHIPPED
from codex.datasets.paired import SHARES, pairs
from codex.grading.number_words import word_of
from codex.items import GraderName, Item, content_id

SEED = 0
"""Of every draw."""

# Digits of the two numbers, and how many questions.
SIZES = {
    "+": ((1, 1, 24), (2, 2, 24), (3, 3, 24), (4, 4, 24)),
    "-": ((1, 1, 20), (2, 2, 24), (3, 3, 24), (4, 4, 24)),
    "×": ((1, 1, 24), (2, 1, 24), (2, 2, 24), (3, 2, 24)),
    "÷": ((1, 1, 20), (2, 1, 24)),
}
SPOKEN = {"+": "plus", "-": "minus", "×": "times", "÷": "divided by"}


def arithmetic() -> list[Item]:
    """Sums of two numbers, from one digit up; in figures, in signs and in words."""
    chance, made = random.Random(SEED), dict[str, Item]()
    for sign, sizes in SIZES.items():
        for first, second, count in sizes:
            wanted = len(made) + count
            while len(made) < wanted:
                left, right, result = _sum(sign, first, second, chance)
                item = _item(_worded(left, sign, right, chance), _number(result), "arithmetic", "numeric")
                made.setdefault(item.id, item)
    return list(made.values())


def capitals() -> list[Item]:
    """Capitals and currencies of countries."""
    made = []
    for country in facts("countries"):
        name = country["country"]
        if country["capitals"]:
            made.append(_item(f"What is the capital of {name}?", country["capitals"], "capitals", "contains"))
        if country["currencies"]:
            asked = f"What is the currency of {name}? Give its full name."
            made.append(_item(asked, country["currencies"], "capitals", "contains"))
    return made


def elements() -> list[Item]:
    """Names, symbols and atomic numbers of the chemical elements."""
    made = []
    for element in facts("elements"):
        number, symbol, names = element["number"], element["symbol"], element["names"]
        name = names.split("|")[0]
        made.append(_item(f"Which chemical element has the symbol {symbol}?", names, "elements", "contains"))
        made.append(
            _item(f"Which chemical element has the atomic number {number}?", names, "elements", "contains")
        )
        made.append(
            _item(f"What is the atomic number of {name}?", _number(int(number)), "elements", "contains")
        )
    return made


def newcomers() -> list[Item]:
    """What people type first: general knowledge, sums, words."""
    return [_item(fact["question"], fact["answers"], "newcomers") for fact in facts("newcomers")]


def unanswerable() -> list[Item]:
    """Questions that nobody can answer: only a refusal is right."""
    return [
        Item(content_id(question), question, (), "unanswerable", answerable=False, grader="refusal")
        for question in invented.questions(random.Random(SEED))
    ]


SETS: dict[str, Callable[[], list[Item]]] = {
    "arithmetic": arithmetic,
    "capitals": capitals,
    "elements": elements,
    "newcomers": newcomers,
    "unanswerable": unanswerable,
}


def contents(name: str) -> tuple[str, str]:
    """The set as JSONL, in order of id so that its beginning is a fair sample, and its card."""
    made = sorted(SETS[name](), key=lambda item: item.id)
    lines = (json.dumps(item.as_row(name), ensure_ascii=False) for item in made)
    return "".join(f"{line}\n" for line in lines), card(name, len(made), SEED)


def labelled_answers() -> str:
    """The answers that verifiers are measured on, as JSONL."""
    sets = {name: sorted(SETS[name](), key=lambda item: item.id) for name in SHARES}
    return "".join(f"{json.dumps(pair, ensure_ascii=False)}\n" for pair in pairs(sets))


def facts(name: str) -> Iterator[dict[str, str]]:
    """The rows of datasets/facts/NAME.csv."""
    with (SHIPPED / "facts" / f"{name}.csv").open(encoding="utf-8", newline="") as lines:
        yield from csv.DictReader(lines)


def write(folder: Path = SHIPPED) -> None:
    """Write every set and its card into the folder, and the answers that verifiers are measured on."""
    (folder / "judging" / "answers.jsonl").write_text(labelled_answers(), encoding="utf-8")
    for name in SETS:
        rows, card = contents(name)
        (folder / f"{name}.jsonl").write_text(rows, encoding="utf-8")
        (folder / f"{name}.md").write_text(card, encoding="utf-8")


def _sum(sign: str, first: int, second: int, chance: random.Random) -> tuple[int, int, int]:
    left, right = _drawn(first, chance), _drawn(second, chance)
    if sign == "+":
        return left, right, left + right
    if sign == "-":
        left, right = max(left, right), min(left, right)
        return left, right, left - right
    if sign == "×":
        return left, right, left * right
    # Of a division the digits are those of the quotient and of the divisor.
    return left * max(right, 1), max(right, 1), left


def _drawn(digits: int, chance: random.Random) -> int:
    return chance.randrange(10 ** (digits - 1) if digits > 1 else 0, 10**digits)


def _worded(left: int, sign: str, right: int, chance: random.Random) -> str:
    spoken = SPOKEN[sign]
    wordings = [
        f"What is {left} {sign} {right}?",
        f"What is {left} {spoken} {right}?",
        f"{left} {sign} {right} = ?",
    ]
    if word_of(left) and word_of(right):
        wordings.append(f"What is {word_of(left)} {spoken} {word_of(right)}?")
    return chance.choice(wordings)


def _number(value: int) -> str:
    """The accepted wordings of a whole number, joined by bars."""
    wordings = [str(value)]
    if value >= 1000:
        wordings.append(f"{value:,}")
    if word := word_of(value):
        wordings.append(word)
    return "|".join(wordings)


def _item(question: str, answers: str, group: str, grader: GraderName | None = None) -> Item:
    return Item(content_id(question), question, tuple(answers.split("|")), group, grader=grader)


if __name__ == "__main__":
    write()
