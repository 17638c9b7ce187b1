"""How fast stored answers are scored: their signals alone, and all of `codex evaluate --generations`.

python -m tests.bench.evaluation --data FOLDER
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from codex.signals import compute
from codex.types import Alternative, Generation, Observation, Token, Verdict
from tests.bench.line import Line
from tests.support.frozen import FILES
from tests.support.shared_data import add_option, shared_data

OBSERVATIONS, SAMPLES, TOKENS = 10_000, 10, 24
"""An answer of 24 tokens is the longest among the stored ones."""
MEASURED = 1000
"""Observations that are timed; each is new, so no cache helps from one to the next."""


def measure(home: Path) -> Iterator[Line]:
    """Every line; the second one only where the stored answers are at hand."""
    yield signals()
    if all(shared_data("frozen", f"{name}.jsonl.gz").exists() for name in FILES):
        yield evaluate(shared_data("frozen"), home)


def signals() -> Line:
    """All signals of answers in one process."""
    observations = list(_observations(MEASURED))
    begin = time.perf_counter()
    for observation in observations:
        compute(observation)
    seconds = (time.perf_counter() - begin) * OBSERVATIONS / MEASURED
    how = f"{MEASURED} different ones of {TOKENS} tokens, times {OBSERVATIONS // MEASURED}; one process"
    return Line(f"signals of {OBSERVATIONS:,} answers with {SAMPLES} samples", 60, seconds, "s", how)


def evaluate(folder: Path, home: Path) -> Line:
    """The command, from its start to its last figure: reading, signals, cross-fitting, intervals."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "all.jsonl.gz"
        rows = _joined(folder, path)
        command = [sys.executable, "-m", "codex", "evaluate", "--generations", str(path), "--json"]
        begin = time.perf_counter()
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, env=os.environ | {"CODEX_HOME": str(home)}
        )
        seconds = time.perf_counter() - begin
    how = f"{json.loads(done.stdout)['n']} answers of four files in one, start of Python included"
    return Line(f"codex evaluate --generations, {rows:,} stored answers", 10, seconds, "s", how)


def _joined(folder: Path, path: Path) -> int:
    """The files in one, each row under an id of its own; returns how many rows."""
    count = 0
    with gzip.open(path, "wt", encoding="utf-8") as out:
        for name in FILES:
            with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
                for line in lines:
                    row = json.loads(line)
                    out.write(json.dumps(row | {"id": f"{name}/{row['id']}", "set": name}) + "\n")
                    count += 1
    return count


def _observations(n: int) -> Iterator[Observation]:
    """Answers of made-up words, each sample with other words in a third of the places."""
    chance = random.Random(0)
    syllables = ["ka", "lo", "mi", "ru", "ten", "sol", "var", "dis", "pe", "an"]
    words = ["".join(chance.choices(syllables, k=chance.randint(1, 4))) for _ in range(5000)]
    common = ["The", "of", "is", "capital", "in", "and"]

    def told(texts: list[str]) -> Generation:
        tokens = tuple(
            Token(i, f" {text}".encode(), logprob, alternatives=_alternatives(text, logprob))
            for i, text in enumerate(texts)
            for logprob in (-chance.expovariate(2),)
        )
        return Generation(" " + " ".join(texts), tokens, "stop", prompt_tokens=20, seconds=0.0)

    likely = (Alternative(0, b"True", -0.5), Alternative(1, b"False", -1.0))
    for _ in range(n):
        base = chance.choices(words + common * 500, k=TOKENS)
        samples = (
            [chance.choice(words) if chance.random() < 1 / 3 else word for word in base]
            for _ in range(SAMPLES)
        )
        question = f"What is the {' '.join(chance.choices(words, k=6))} of {base[0]}?"
        verdict = Verdict(likely, "plain", "", 0.0)
        yield Observation(question, told(base), tuple(map(told, samples)), verdict=verdict)


def _alternatives(text: str, logprob: float) -> tuple[Alternative, ...]:
    return (Alternative(0, text.encode(), logprob), Alternative(1, b" other", -3.0))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.bench.evaluation", description=__doc__)
    add_option(parser, "frozen")
    parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for line in measure(Path(folder)):
            print(f"{line.name}: {line.shown} ({line.asked}); {line.how}")
