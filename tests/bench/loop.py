"""What looking things up is worth, and how much of it the gate keeps, on Natural Questions.

    python -m tests.bench.loop MODEL.gguf [--questions 200] [--keep FILE]

Every distinct passage of nq_gold_passage is a document of one index. Each question is asked without
passages and with those that are found for it, as the product asks; questions come in the order of their
hashes. An answer is correct when it holds an accepted one in whole words. Prints the accuracy without
looking up, with it always, and with the gate deciding by the signals of the first answer; the whole curve
from no look-up to all; and the best that any gate could reach. --keep: answers found there are not asked
again. --skip leaves questions out first: the rule was chosen on the 30 after the first 200.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from codex import prompts, signals
from codex.engines.base import GenerationParams, ModelConfig
from codex.engines.llama_cpp.engine import LlamaCppEngine
from codex.engines.models import Models, default_home
from codex.policy import Rule
from codex.retrieval import Index
from codex.retrieval.config import RetrievalConfig
from codex.signals.text import normalise
from codex.types import Observation
from tests.bench.line import Line
from tests.support.shared_data import add_option, shared_data

QUESTIONS = 200
PASSAGES = 2
"""Passages in a prompt. Of 500 questions the gold one is the first for 0.82, of the first two for 0.88,
of the first four for 0.93."""
NEW_TOKENS = 32
RULE = Rule(signal="min_prob_focus", below=0.55, gate="retrieve")
"""On 30 questions after the first 200 the lowest threshold that kept 0.95 of the gain."""
KEPT, ASKED = 0.95, 0.60
"""The share of the gain to keep, with at most this share of the look-ups."""

Row = dict[str, Any]
"""One question: both answers, whether each is correct, and the signals of the one without passages."""
Flags = NDArray[np.bool_]


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.loop",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", type=Path, help="a GGUF file")
    parser.add_argument("--questions", type=int, default=QUESTIONS)
    parser.add_argument("--skip", type=int, default=0)
    parser.add_argument("--passages", type=int, default=PASSAGES)
    parser.add_argument("--keep", type=Path, help="a JSONL file that the answers are added to")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    add_option(parser, "nq_gold_passage")
    given = parser.parse_args()
    if not data().exists():
        sys.exit(f"There is no {data()}; --data names the folder that holds nq_gold_passage.")
    rows = measured(
        given.model, chosen(given.questions, given.skip), given.threads, given.passages, given.keep
    )
    report(rows)
    return 0 if all(line.reached for line in lines(rows)) else 1


def measure(home: Path) -> Iterator[Line]:
    """The part of `make bench`; CODEX_BENCH_MODEL names the GGUF file, without which it is left out."""
    model = Path(os.environ.get("CODEX_BENCH_MODEL", ""))
    if not model.is_file() or not data().exists():
        print("loop: left out; it takes CODEX_BENCH_MODEL=FILE.gguf and --data FOLDER with nq_gold_passage.")
        return
    yield from lines(measured(model, chosen(QUESTIONS), len(os.sched_getaffinity(0))))


def chosen(questions: int, skip: int = 0) -> list[dict[str, Any]]:
    """Questions in the order of their hashes."""
    every = sorted(_stored(), key=lambda it: hashlib.sha256(it["id"].encode()).hexdigest())
    return every[skip : skip + questions]


def measured(
    model: Path,
    questions: Sequence[dict[str, Any]],
    threads: int,
    passages: int = PASSAGES,
    keep: Path | None = None,
) -> list[Row]:
    """Each question asked both ways."""
    kept: dict[str, Row] = {}
    if keep and keep.exists():
        kept = {row["id"]: row for row in map(json.loads, keep.read_text("utf-8").splitlines())}
    if all(question["id"] in kept for question in questions):
        return [kept[question["id"]] for question in questions]
    config = ModelConfig(model_path=str(model), threads=threads)
    engine = LlamaCppEngine(config, Models(default_home()))
    with tempfile.TemporaryDirectory() as folder:
        index = indexed(Path(folder))
        try:
            for number, question in enumerate(questions, 1):
                if question["id"] in kept:
                    continue
                row = kept[question["id"]] = _asked(engine, index, question, passages)
                print(f"{number}/{len(questions)} {row['without']!r} -> {row['with']!r}", flush=True)
                if keep:
                    with keep.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(row) + "\n")
        finally:
            engine.unload()
            index.close()
    return [kept[question["id"]] for question in questions]


def indexed(home: Path) -> Index:
    """An index of every distinct passage, each a text file under its article's title."""
    for number, (text, title) in enumerate({it["context"]: it["title"] for it in _stored()}.items()):
        folder = home / "passages" / f"{number:04}"
        folder.mkdir(parents=True)
        name = re.sub(r"[^\w ,.()'-]", " ", title)[:60].strip() or "untitled"
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    index = Index(RetrievalConfig(device="cpu"), home)
    index.add([home / "passages"])
    done = index.run()
    print(f"{done.indexed} documents, {done.chunks} chunks, {done.seconds:.0f} s", flush=True)
    return index


def gated(rows: Sequence[Row], rule: Rule = RULE) -> Flags:
    """Which questions the rule looks up; [rows]."""
    return rule.holds(_signal(rows, rule.signal))


def accuracy(rows: Sequence[Row], looked_up: Flags) -> float:
    """The share of correct answers when passages are retrieved for these questions."""
    return float(np.where(looked_up, _correct(rows, "with"), _correct(rows, "without")).mean())


def kept_gain(rows: Sequence[Row], looked_up: Flags) -> float:
    """The share of what looking up always gains that is left when only these questions are."""
    never, always = (accuracy(rows, np.full(len(rows), it)) for it in (False, True))
    return (accuracy(rows, looked_up) - never) / (always - never)


def at_share(rows: Sequence[Row], share: float, name: str = RULE.signal) -> Flags:
    """The share of the questions with the lowest values of a signal; [rows]."""
    order = np.argsort(_signal(rows, name), kind="stable")
    looked_up = np.zeros(len(rows), bool)
    looked_up[order[: round(share * len(rows))]] = True
    return looked_up


def knowing(rows: Sequence[Row], share: float) -> Flags:
    """What a gate that knows both answers would look up with at most this share: those that it mends."""
    mended = _correct(rows, "with") & ~_correct(rows, "without")
    return mended & (np.cumsum(mended) <= share * len(rows))


def report(rows: Sequence[Row]) -> None:
    """The three accuracies, and the curve."""
    console = Console(width=120)
    looked_up = gated(rows)
    never, always = (accuracy(rows, np.full(len(rows), it)) for it in (False, True))
    console.print(
        f"{len(rows)} questions; a gold passage found for {np.mean([row['found'] for row in rows]):.3f}\n"
        f"accuracy without looking up {never:.3f}, always {always:.3f}, gate {accuracy(rows, looked_up):.3f} "
        f"({RULE}; {looked_up.mean():.3f} looked up, {kept_gain(rows, looked_up):.3f} of the gain kept)"
    )
    table = Table("looked up", "accuracy", "gain kept", "knowing gate", "by chance", box=None)
    for tenth in range(11):
        flags, best = at_share(rows, tenth / 10), knowing(rows, tenth / 10)
        table.add_row(
            f"{tenth / 10:.1f}",
            f"{accuracy(rows, flags):.3f}",
            f"{kept_gain(rows, flags):.3f}",
            f"{kept_gain(rows, best):.3f}",
            f"{tenth / 10:.3f}",
        )
    console.print(table)
    for name in ("without", "with"):
        taken = [row["seconds"][name] for row in rows]
        console.print(f"{name} passages: median {np.median(taken):.1f} s a question")


def lines(rows: Sequence[Row]) -> Iterator[Line]:
    """The target of the gate."""
    looked_up = gated(rows)
    never, always = (accuracy(rows, np.full(len(rows), it)) for it in (False, True))
    how = f"{RULE}, {len(rows)} of Natural Questions; accuracy {never:.3f} without, {always:.3f} always"
    yield Line("gain kept by the gate", KEPT, kept_gain(rows, looked_up), "", how, at_least=True)
    yield Line("questions looked up by the gate", ASKED, float(looked_up.mean()), "", how)


def _asked(engine: LlamaCppEngine, index: Index, question: dict[str, Any], passages: int) -> Row:
    params = GenerationParams(max_tokens=NEW_TOKENS)
    found = index.search(question["question"], passages)
    first = engine.chat(prompts.ask(question["question"]), params)
    second = engine.chat(prompts.ask(question["question"], found), params)
    gold = normalise(question["context"])
    return {
        "id": question["id"],
        "question": question["question"],
        "answers": question["answers"],
        "without": first.text,
        "with": second.text,
        "correct": {
            "without": is_correct(first.text, question["answers"]),
            "with": is_correct(second.text, question["answers"]),
        },
        "found": any(normalise(it.text) in gold for it in found),
        "signals": signals.compute(Observation(question["question"], first)),
        "passages": [{"text": it.text, "scores": it.scores} for it in found],
        "seconds": {"without": first.seconds, "with": second.seconds},
    }


def is_correct(answer: str, accepted: Sequence[str]) -> bool:
    """Whether it holds an accepted answer in whole words."""
    said = f" {normalise(answer)} "
    return any(f" {normalise(it)} " in said for it in accepted)


def _correct(rows: Sequence[Row], name: str) -> Flags:
    return np.array([row["correct"][name] for row in rows], bool)


def _signal(rows: Sequence[Row], name: str) -> NDArray[np.float64]:
    """NaN where it is missing."""
    return np.array([np.nan if (v := row["signals"][name]) is None else v for row in rows], float)


def data() -> Path:
    return shared_data("nq_gold_passage", "questions.jsonl.gz")


def _stored() -> list[dict[str, Any]]:
    with gzip.open(data(), "rt", encoding="utf-8") as stored:
        return [json.loads(line) for line in stored]


if __name__ == "__main__":
    sys.exit(main())
