"""Which form of the verifier's prompt ranks better: plain, or with the sampled answers as candidates.

    python -m tests.bench.verifier MODEL.gguf [--questions 100] [--keep FILE]

Both forms judge the same greedy answers (Kadavath et al. 2022, arXiv:2207.05221), given with their passage
to questions of SQuAD 2.0, half of which it does not answer, and of Natural Questions. Prints the AUROC of
p_true for "the answer is correct" of each set and of both, with 95 % intervals from a bootstrap that draws
whole passages. --keep: answers found there are not asked again.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from codex import prompts, signals
from codex.engines.base import Finished, GenerationParams, ModelConfig, seeded
from codex.engines.llama_cpp.engine import LlamaCppEngine
from codex.engines.models import Models, default_home
from codex.grounding.verifier import verify
from codex.types import Observation, Passage
from tests.bench import grounding, loop
from tests.bench.grounding import Row
from tests.bench.line import Line
from tests.support.frozen import auroc
from tests.support.shared_data import add_option

QUESTIONS = 100
"""Of each set."""
SAMPLES = 5
FORMS = ("plain", "candidates")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.verifier",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", type=Path, help="a GGUF file")
    parser.add_argument("--questions", type=int, default=QUESTIONS, help="of each set")
    parser.add_argument("--keep", type=Path, help="a JSONL file that the answers are added to")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    add_option(parser, "squad2_dev and nq_gold_passage")
    given = parser.parse_args()
    if not all(each.data().exists() for each in (grounding, loop)):
        sys.exit("squad2_dev or nq_gold_passage is missing; --data names the folder of both.")
    rows = list(measured(given.model, given.questions, given.threads, given.keep))
    report(rows)
    return 0 if all(line.reached for line in lines(rows)) else 1


def measure(home: Path) -> Iterator[Line]:
    """The part of `make bench`; CODEX_BENCH_MODEL names the GGUF file, without which it is left out."""
    model = Path(os.environ.get("CODEX_BENCH_MODEL", ""))
    if not model.is_file() or not all(each.data().exists() for each in (grounding, loop)):
        print("verifier: left out; it takes CODEX_BENCH_MODEL=FILE.gguf and --data FOLDER.")
        return
    yield from lines(list(measured(model, QUESTIONS, len(os.sched_getaffinity(0)))))


def measured(model: Path, questions: int, threads: int, keep: Path | None = None) -> Iterator[Row]:
    """Each question answered with its passage, and the answer judged in both forms."""
    kept: dict[str, Row] = {}
    if keep and keep.exists():
        kept = {row["id"]: row for row in map(json.loads, keep.read_text("utf-8").splitlines())}
    engine = LlamaCppEngine(ModelConfig(model_path=str(model), threads=threads), Models(default_home()))
    wanted = chosen(questions)
    try:
        with grounding.passages_read_once():
            for number, question in enumerate(wanted, 1):
                if (row := kept.get(question["id"])) is None:
                    row = _asked(engine, question)
                    print(f"{number} of {len(wanted)}: {row['answer']!r}", flush=True)
                    if keep:
                        with keep.open("a", encoding="utf-8") as file:
                            file.write(json.dumps(row) + "\n")
                yield row
    finally:
        engine.unload()


def chosen(questions: int) -> list[dict[str, Any]]:
    """The questions of both sets, each with the passage that is said to answer it."""
    squad = [
        {
            **it,
            "set": "squad2",
            "title": it["passage"]["title"].replace("_", " "),
            "text": it["passage"]["text"],
        }
        for it in grounding.chosen(questions)
    ]
    natural = [{**it, "set": "nq", "pid": it["id"], "text": it["context"]} for it in loop.chosen(questions)]
    return [*squad, *natural]


def report(rows: Sequence[Row]) -> None:
    """AUROC of both forms, and how far the plain one leads, with 95 % intervals."""
    console = Console(width=140)
    table = Table("set", "questions", "correct", *FORMS, "plain leads by", "95 %", box=None)
    for name, of in _sets(rows).items():
        leads = grounding.resampled(
            rows, of, lambda at: _figure(rows, at, "plain") - _figure(rows, at, "candidates")
        )
        figures = [_figure(rows, of, form) for form in FORMS]
        correct = np.mean([rows[at]["correct"] for at in of])
        table.add_row(
            name,
            str(len(of)),
            f"{correct:.3f}",
            *(f"{it:.3f}" for it in figures),
            f"{figures[0] - figures[1]:+.3f}",
            grounding.interval(leads),
        )
    console.print(table)
    for form in FORMS:
        console.print(f"{form}: median {1000 * np.median([row['seconds'][form] for row in rows]):.0f} ms")


def lines(rows: Sequence[Row]) -> Iterator[Line]:
    """What the default rests on: the plain form ranks at least as well on both sets together."""
    plain, candidates = (_figure(rows, np.arange(len(rows)), form) for form in FORMS)
    how = f"AUROC of p_true {plain:.3f} and {candidates:.3f}, {len(rows)} questions of SQuAD 2.0 and NQ"
    yield Line("plain verifier leads candidates", 0.0, plain - candidates, "", how, at_least=True)


def _asked(engine: LlamaCppEngine, question: dict[str, Any]) -> Row:
    passages = (
        Passage(
            question["pid"], question["pid"], question["title"], question["text"], 0, len(question["text"])
        ),
    )
    prompt = prompts.ask(question["question"], passages)
    params = GenerationParams(max_tokens=grounding.NEW_TOKENS)
    decoded = [params, *seeded(params.model_copy(update={"temperature": 1.0}), SAMPLES)]
    done = {it.row: it.generation for it in engine.decode(prompt, decoded) if isinstance(it, Finished)}
    answer, *samples = (done[row] for row in range(len(decoded)))
    observation = Observation(question["question"], answer, tuple(samples), passages)
    verdicts = {form: verify(engine, observation, prompt, form) for form in FORMS}
    return {
        "id": question["id"],
        "pid": question["pid"],
        "set": question["set"],
        "question": question["question"],
        "answer": answer.text,
        "samples": [it.text for it in samples],
        "correct": grounding.is_correct(answer.text, question["answers"]),
        "p_true": {
            form: signals.compute(replace(observation, verdict=verdict))["p_true"]
            for form, verdict in verdicts.items()
        },
        "seconds": {form: verdict.seconds for form, verdict in verdicts.items()},
    }


def _figure(rows: Sequence[Row], of: np.ndarray, form: str) -> float:
    """AUROC over those rows; an answer without a verdict counts as least sure."""
    scores = np.array([-np.inf if (v := rows[at]["p_true"][form]) is None else v for at in of])
    return auroc(scores, np.array([rows[at]["correct"] for at in of]))


def _sets(rows: Sequence[Row]) -> dict[str, np.ndarray]:
    names = np.array([row["set"] for row in rows])
    return {name: np.flatnonzero(names == name) for name in dict.fromkeys(names)} | {
        "both": np.arange(len(rows))
    }


if __name__ == "__main__":
    sys.exit(main())
