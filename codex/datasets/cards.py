"""The cards of the sets that ship: what each one asks and how it was made."""

from __future__ import annotations

import textwrap
from typing import NamedTuple


class _Made(NamedTuple):
    about: str
    source: str
    how: str
    seed: bool = False
    """Whether anything is drawn by chance."""


_CARD = """# {name}

{about}

- rows: {rows}
- licence: CC0 1.0: no rights reserved
- language: English
- made by: `python -m codex.datasets.generate`, {seed}
- from: {source}

## How it was made

{how}

## Columns

| column | what it is |
| --- | --- |
| `id` | the first 16 hexadecimal digits of the SHA-256 of the question |
| `question` | what is asked |
| `answers` | every accepted wording, the usual one first; none where only a refusal is right |
| `answerable` | false: only a refusal is right |
| `grader` | what it is graded by, where that is not the default |

The rows stand in order of `id`, so that the first hundred are a fair sample.
"""
_MADE = {
    "arithmetic": _Made(
        about="Sums, differences, products and quotients of two whole numbers, from one digit up to four.",
        source="numbers drawn at random",
        how="Of each kind of sum and number of digits some twenty are drawn. A sum is written with signs or "
        "in words at random; numbers up to twenty sometimes in words too. No result is negative, and every "
        "division comes out even.",
        seed=True,
    ),
    "capitals": _Made(
        about="Capitals and currencies of countries.",
        source="`facts/countries.csv`, written by this project",
        how="One question for the capital of each country and one for its currency. Left out are capitals "
        "that are disputed or bear the country's name (an answer that repeats the question would count as "
        "right) and currencies that changed lately. Where a country has several capitals each is accepted. "
        "The full name of a currency is asked, since countries share the names of units: “peso” alone is "
        "not accepted, “yen” is.",
    ),
    "elements": _Made(
        about="Names, symbols and atomic numbers of the 118 chemical elements.",
        source="`facts/elements.csv`, written by this project",
        how="Three questions for each element: which one has this symbol, which one has this atomic number, "
        "and what is its atomic number. British and American spellings and old names are accepted. Symbols "
        "are asked from, not for: many of them are English words (As, I, In, No).",
    ),
    "newcomers": _Made(
        about="Questions that people type first into something that answers questions: general knowledge, "
        "small sums, words.",
        source="`facts/newcomers.csv`, written by this project",
        how="Sixty questions written, with their accepted answers, before any model saw them. The system "
        "prompt was chosen on them among others.",
    ),
    "unanswerable": _Made(
        about="Questions that nobody can answer: right is only to refuse, or to say what is wrong with them.",
        source="`codex/datasets/invented.py`, written by this project",
        how="Five kinds of the same size: invented places, invented people, the future, private facts about "
        "the asker, and false premises about things that are real. Names are put together from syllables "
        "and are those of no place or person that we know of.",
        seed=True,
    ),
}


def card(name: str, rows: int, seed: int) -> str:
    """The card of a set that ships, in Markdown."""
    made = _MADE[name]
    return _CARD.format(
        name=name,
        about=textwrap.fill(made.about, 100),
        rows=rows,
        seed=f"seed {seed}" if made.seed else "nothing is drawn by chance",
        source=made.source,
        how=textwrap.fill(made.how, 100),
    )
