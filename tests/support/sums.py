"""A small set of sums, and a model that answers it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.support.scripted import Script

COUNT = 6


def sums(prompt: str) -> Script:
    """The answer is a formula, so that a table of the answers has one."""
    number = int(prompt.split("What is ")[1].split()[0])
    return Script([f"=1+{number + 1}"], [0.9 - 0.1 * number], samples=[f"{number + 1}", "x"])


def put_sums(home: Path) -> Path:
    """The home, with the set: every second answer of `sums` is correct."""
    (home / "datasets").mkdir(parents=True)
    with (home / "datasets" / "sums.jsonl").open("w") as file:
        for at in range(COUNT):
            accepted = str(at + 1) if at % 2 else "nothing"
            row = {"id": f"q{at}", "question": f"What is {at} and 1?", "answers": [accepted]}
            file.write(json.dumps(row | {"grader": "recall"}) + "\n")
    return home
