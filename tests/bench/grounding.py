"""How well the checks of an answer tell right from wrong, on SQuAD 2.0 with the passage given.

    python -m tests.bench.grounding MODEL.gguf [--questions 300] [--keep FILE]

Half of the questions cannot be answered from their passage, and there only a refusal is correct. They are
three and three of as many passages as it takes, passages and questions in the order of their hashes.
Prints the AUROC of each signal for "the answer is correct", with intervals from a bootstrap that draws
whole passages, and how far evidence_support leads. --keep: answers found there are not asked again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from codex import prompts, signals
from codex.engines.base import GenerationParams, ModelConfig
from codex.engines.llama_cpp import engine as llama_cpp
from codex.engines.llama_cpp.engine import LlamaCppEngine
from codex.engines.models import Models, default_home
from codex.grounding.config import GroundingConfig
from codex.grounding.grounder import Grounder
from codex.retrieval.config import RetrievalConfig
from codex.retrieval.embedding import Embedding
from codex.signals.text import normalise
from codex.types import Observation, Passage
from tests.bench.line import Line
from tests.support.frozen import auroc
from tests.support.reliable import trust
from tests.support.shared_data import add_option, shared_data

OF_EACH = 3
"""Questions of a passage that it answers, and that it does not."""
NEW_TOKENS = 48
LEAD = 0.03
"""By which evidence_support should rank better than each of BASELINES."""
BASELINES = ("evidence_overlap", "p_true", "avg_logprob")
SHOWN = (
    "evidence_support",
    *BASELINES,
    "evidence_overlap_focus",
    "avg_logprob_focus",
    "min_prob_focus",
)
RESAMPLES = 2000

_REFUSAL = re.compile(
    r"""
      \b(?:passages?|text|context|documents?)\b.{0,40}(?:\b(?:not|no|nothing)\b|n't\b)
    | \bnot\ (?:mentioned|provided|specified|stated|given|found|available|clear|explicit|known|enough)
    | \bno\ (?:information|mention|specific|answer)
    | \b(?:unknown|cannot|can't|unable|don't\ know|do\ not\ know)\b
    """,
    re.IGNORECASE | re.VERBOSE,
)

Row = dict[str, Any]
"""One question: what was answered, whether it is correct, and every signal."""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.grounding",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", type=Path, help="a GGUF file")
    parser.add_argument("--questions", type=int, default=300)
    parser.add_argument("--keep", type=Path, help="a JSONL file that the answers are added to")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    add_option(parser, "squad2_dev")
    given = parser.parse_args()
    if not data().exists():
        sys.exit(f"There is no {data()}; --data names the folder that holds squad2_dev.")
    rows = list(measured(given.model, given.questions, given.threads, given.keep))
    report(rows)
    return 0 if all(line.reached for line in lines(rows)) else 1


def measure(home: Path) -> Iterator[Line]:
    """The part of `make bench`; CODEX_BENCH_MODEL names the GGUF file, without which it is left out."""
    model = Path(os.environ.get("CODEX_BENCH_MODEL", ""))
    if not model.is_file() or not data().exists():
        print("grounding: left out; it takes CODEX_BENCH_MODEL=FILE.gguf and --data FOLDER with squad2_dev.")
        return
    yield from lines(list(measured(model, 300, len(os.sched_getaffinity(0)))))


def measured(model: Path, questions: int, threads: int, keep: Path | None = None) -> Iterator[Row]:
    """Each question asked with its passage and checked, as the product does it."""
    kept = {}
    if keep and keep.exists():
        kept = {row["id"]: row for row in map(json.loads, keep.read_text("utf-8").splitlines())}
    wanted = chosen(questions)
    if all(question["id"] in kept for question in wanted):
        yield from (kept[question["id"]] for question in wanted)
        return
    shelf = Models(default_home())
    engine = LlamaCppEngine(ModelConfig(model_path=str(model), threads=threads), shelf)
    embedding = Embedding(RetrievalConfig(device="cpu"))
    try:
        # What the model says is wanted here whether or not it is reliable.
        with tempfile.TemporaryDirectory() as folder, passages_read_once():
            grounder = Grounder(
                GroundingConfig(verifier_form="plain"),
                engine,
                Models(trust(Path(folder), engine.fingerprint)),
                embedding.encode,
                lambda: embedding.identity,
            )
            for number, question in enumerate(wanted, 1):
                row = kept.get(question["id"]) or _asked(engine, grounder, question)
                if question["id"] not in kept:
                    print(f"{number} of {questions}: {row['answer']!r}", flush=True)
                    if keep:
                        with keep.open("a", encoding="utf-8") as file:
                            file.write(json.dumps(row) + "\n")
                yield row
    finally:
        engine.unload()


def chosen(questions: int) -> list[dict[str, Any]]:
    """The questions with their passages."""
    texts = {it["pid"]: it for it in _lines("contexts.jsonl")}
    by_passage = defaultdict(list)
    for question in _lines("questions.jsonl"):
        by_passage[question["pid"]].append(question)
    found: list[dict[str, Any]] = []
    for passage in sorted(by_passage, key=_hash, reverse=True):
        every = sorted(by_passage[passage], key=lambda it: _hash(it["id"]))
        halves = [[it for it in every if it["answerable"] is held][:OF_EACH] for held in (True, False)]
        if all(len(half) == OF_EACH for half in halves):
            found += [{**it, "passage": texts[passage]} for half in halves for it in half]
        if len(found) >= questions:
            break
    return found[:questions]


def is_correct(answer: str, accepted: Sequence[str]) -> bool:
    """Whether it holds an accepted answer in whole words; without any, whether it says that there is none."""
    said = f" {normalise(answer)} "
    return any(f" {normalise(it)} " in said for it in accepted) if accepted else refuses(answer)


def refuses(answer: str) -> bool:
    """Whether it says that the passage does not tell."""
    return _REFUSAL.search(answer) is not None


def report(rows: Sequence[Row]) -> None:
    """Base rates, AUROCs with 95 % intervals of all and of the answered ones, and the leads."""
    correct, refused, answerable = (
        np.array([row[name] for row in rows]) for name in ("correct", "refused", "answerable")
    )
    console = Console(width=140)
    console.print(
        f"{len(rows)} questions; correct {correct.mean():.3f}; "
        f"of the answerable {correct[answerable].mean():.3f}, of the others "
        f"{correct[~answerable].mean():.3f}; refused {refused.mean():.3f}"
    )
    shown = [name for name in SHOWN if all(name in row["signals"] for row in rows)]
    table = Table("signal", "AUROC", "95 %", "answered only", "95 %", "missing", box=None)
    given = np.flatnonzero(~refused)
    for name in shown:
        scores, missing = _scores(rows, name)
        figures = [
            column
            for of in (np.arange(len(rows)), given)
            for column in (
                f"{auroc(scores[of], correct[of]):.3f}",
                interval(resampled(rows, of, lambda at, s=scores: auroc(s[at], correct[at]))),
            )
        ]
        table.add_row(name, *figures, str(missing))
    console.print(table)
    support = _scores(rows, "evidence_support")[0]
    table = Table("evidence_support leads", "by", "95 %", box=None)
    for name in shown[1:]:
        other = _scores(rows, name)[0]
        leads = resampled(
            rows,
            np.arange(len(rows)),
            lambda at, o=other: auroc(support[at], correct[at]) - auroc(o[at], correct[at]),
        )
        table.add_row(name, f"{auroc(support, correct) - auroc(other, correct):+.3f}", interval(leads))
    console.print(table)
    for name in rows[0]["seconds"]:
        taken = [row["seconds"][name] * 1000 for row in rows if name in row["seconds"]]
        console.print(f"{name}: median {np.median(taken):.0f} ms, 90 % {np.quantile(taken, 0.9):.0f} ms")


def lines(rows: Sequence[Row]) -> Iterator[Line]:
    """The target: evidence_support leads each of the others."""
    correct = np.array([row["correct"] for row in rows])
    support = auroc(_scores(rows, "evidence_support")[0], correct)
    for name in BASELINES:
        other = auroc(_scores(rows, name)[0], correct)
        how = f"AUROC {support:.3f} and {other:.3f} for 'correct', {len(rows)} questions of SQuAD 2.0"
        yield Line(f"evidence_support leads {name}", LEAD, support - other, "", how, at_least=True)


def _asked(engine: LlamaCppEngine, grounder: Grounder, question: dict[str, Any]) -> Row:
    title, text = question["passage"]["title"].replace("_", " "), question["passage"]["text"]
    passages = (Passage(question["pid"], question["pid"], title, text, 0, len(text)),)
    prompt = prompts.ask(question["question"], passages)
    params = GenerationParams(max_tokens=NEW_TOKENS)
    generation = engine.chat(prompt, params)
    observation = grounder.check(Observation(question["question"], generation, (), passages), prompt)
    verdict, grounding = observation.verdict, observation.grounding
    assert verdict is not None
    assert grounding is not None
    values: dict[str, float | None] = dict(signals.compute(observation))
    seconds = {
        "answer": generation.seconds,
        "verifier": verdict.seconds,
        "judge, a sentence": grounding.seconds / len(grounding.sentences),
    }
    answer = generation.text
    return {
        "id": question["id"],
        "pid": question["pid"],
        "question": question["question"],
        "answer": answer,
        "answerable": question["answerable"],
        "correct": is_correct(answer, question["answers"]),
        "refused": refuses(answer),
        "sentences": [(it.probability, it.contradiction) for it in grounding.sentences],
        "signals": values,
        "seconds": seconds,
    }


@contextmanager
def passages_read_once() -> Iterator[None]:
    """A question's first request uses the cache too, so that the questions of one passage share its cells.

    Reading it for every one of them would take minutes longer.
    """
    request = llama_cpp._request
    with mock.patch.object(llama_cpp, "_request", lambda rows, cached, context: request(rows, True, context)):
        yield


def _scores(rows: Sequence[Row], name: str) -> tuple[NDArray[np.float64], int]:
    """The signal of each row, and how many lack it; these count as least sure."""
    values = np.array([np.nan if (v := row["signals"][name]) is None else v for row in rows], float)
    missing = np.isnan(values)
    values[missing] = -np.inf
    return values, int(missing.sum())


def resampled(
    rows: Sequence[Row], of: NDArray[np.int64], figure: Callable[[NDArray[np.int64]], float]
) -> NDArray[np.float64]:
    """The figure over draws of whole passages with replacement; of: the rows that count."""
    places = defaultdict(list)
    for at in of.tolist():
        places[rows[at]["pid"]].append(at)
    groups, rng = [np.array(it) for it in places.values()], np.random.default_rng(0)
    draws = (rng.integers(len(groups), size=len(groups)) for _ in range(RESAMPLES))
    return np.array([figure(np.concatenate([groups[i] for i in draw])) for draw in draws])


def interval(figures: NDArray[np.float64]) -> str:
    low, high = np.nanquantile(figures, [0.025, 0.975])
    return f"[{low:.3f}, {high:.3f}]"


def _hash(text: str) -> str:
    return hashlib.sha256(f"codex{text}".encode()).hexdigest()


def data() -> Path:
    return shared_data("squad2_dev")


def _lines(name: str) -> Iterator[dict[str, Any]]:
    with (data() / name).open(encoding="utf-8") as file:
        yield from map(json.loads, file)


if __name__ == "__main__":
    sys.exit(main())
