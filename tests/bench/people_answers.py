"""Whether a person's answer is found for reworded questions, not for near-misses, and how fast.

    python -m tests.bench people_answers [--data FOLDER]

The pairs are those of `tests.support.question_pairs`; thresholds and word lists were set on the half
"development" alone. What is found is found among 100,000 answers: the pairs' own and made-up ones. With the
folder of public sets, questions of TriviaQA, Natural Questions, PopQA and SQuAD are compared with each other:
each pair that shares no answer and is matched is a false match.
"""

from __future__ import annotations

import gzip
import itertools
import json
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from codex.ask.people.answers import LEAST_SIMILARITY, PeoplesAnswers, spelled_words
from codex.ask.people.question_form import Form, are_alike, form, normalised
from codex.retrieval.config import RetrievalConfig
from codex.retrieval.embedding import Embedding
from codex.store import Store
from codex.store.labelling.people import PersonsAnswer
from codex.text import sha256
from tests.bench.line import Line, median
from tests.support.question_pairs import Half, Pair, pairs
from tests.support.shared_data import shared_data

HALVES: tuple[Half, Half] = ("development", "held-out")
BANK = 100_000
TOPICS = "price height age weight population area author owner colour origin length depth".split()  # noqa: SIM905
PUBLIC = ("triviaqa", "popqa", "nq_gold_passage", "evouna", "squad2_dev")


def measure(home: Path | None = None) -> Iterator[Line]:
    """Lines for each half, for the lookup, and for the public sets; `home` is not used."""
    embedding = Embedding(RetrievalConfig())
    try:
        for half in HALVES:
            yield from _half(half, embedding)
        with tempfile.TemporaryDirectory() as folder:
            yield from _bank(Path(folder), embedding)
        if shared_data(PUBLIC[0]).exists():
            yield from _public()
    finally:
        embedding.close()


def _half(half: Half, embedding: Embedding) -> Iterator[Line]:
    """Each pair alone: the first question's answer is there, and the second question comes."""
    found = {
        like: [_matched(pair, embedding) for pair in pairs(half) if pair.like is like]
        for like in (True, False)
    }
    for like, name, bound in ((True, "found", 0.8), (False, "false matches", 0.01)):
        told = found[like]
        kind = "reworded questions" if like else "near-misses"
        yield Line(
            f"{half}: {name}",
            bound,
            float(np.mean(told)),
            "",
            f"{sum(told)} of {len(told)} {kind}",
            at_least=like,
        )


def _matched(pair: Pair, embedding: Embedding) -> bool:
    vectors = embedding.encode([pair.first, pair.second])
    return float(vectors[0] @ vectors[1]) >= LEAST_SIMILARITY and _alike(pair.first, pair.second)


def _alike(one: str, other: str) -> bool:
    known = spelled_words()
    first, second = form(one, known), form(other, known)
    return first is not None and second is not None and are_alike(first, second, known)


def _bank(folder: Path, embedding: Embedding) -> Iterator[Line]:
    """All pairs' first questions among 100,000 answers."""
    asked = [pair for half in HALVES for pair in pairs(half)]
    own = list(dict.fromkeys(pair.first for pair in asked))
    made = (f"What is the {topic} of item {n}?" for n in itertools.count() for topic in TOPICS)
    questions = [*own, *itertools.islice(made, BANK - len(own))]
    vectors = np.concatenate(
        [embedding.encode(own), _made_vectors(len(questions) - len(own), own, embedding)]
    )
    now = datetime.now(UTC)
    with Store(folder / "codex.duckdb", "full") as store:
        store.people.add_all(
            (
                PersonsAnswer(
                    str(n), question, sha256(normalised(question)), question, "Ada", "", None, True, now
                ),
                vector,
            )
            for n, (question, vector) in enumerate(zip(questions, vectors, strict=True))
        )
        seconds = {"embed": 0.0}

        def embed(texts: object) -> np.ndarray:
            started = time.perf_counter()
            made = embedding.encode(texts)  # type: ignore[arg-type]
            seconds["embed"] = time.perf_counter() - started
            return made

        people = PeoplesAnswers(store, embed)
        started = time.perf_counter()
        people.load_quietly()
        loaded = time.perf_counter() - started
        people.find("warm up?")
        taken, hits, wrong = [], 0, 0
        for pair in asked:
            seconds["embed"] = 0.0
            started = time.perf_counter()
            found = people.find(pair.second)
            taken.append(1_000 * (time.perf_counter() - started - seconds["embed"]))
            hits += pair.like and found is not None and found.answer == pair.first
            wrong += not pair.like and found is not None and found.answer == pair.first
    like = sum(pair.like for pair in asked)
    p95 = statistics.quantiles(taken, n=20)[-1]
    how = f"{len(taken)} questions among {BANK:,} answers, without the embedding; p95 {p95:.0f} ms"
    yield median("lookup of a person's answer, p50", 50, "ms", how, taken)
    yield Line("reading them at the start", 20, loaded, "s", f"{BANK:,} answers with their vectors")
    yield Line(
        f"found among {BANK:,}", 0.8, hits / like, "", f"{hits} of {like} reworded questions", at_least=True
    )
    near = len(asked) - like
    yield Line(f"false matches among {BANK:,}", 0.01, wrong / near, "", f"{wrong} of {near} near-misses")


def _made_vectors(n: int, like: list[str], embedding: Embedding) -> np.ndarray:
    """Vectors as crowded as those of real questions: theirs, each moved a little, so that many are near."""
    chance = np.random.default_rng(0)
    base = embedding.encode(like)
    moved = base[chance.integers(len(base), size=n)]
    moved = moved + chance.normal(scale=0.04, size=moved.shape).astype(np.float32)
    made: np.ndarray = (moved / np.linalg.norm(moved, axis=1, keepdims=True)).astype(np.float32)
    return made


def _public() -> Iterator[Line]:
    """Of all pairs with the same words, those that are matched though they share no answer.

    Their vectors are not compared, so it is at most as many.
    """
    answers, known = _public_questions(), spelled_words()
    alike: defaultdict[tuple[str, ...], list[tuple[str, Form]]] = defaultdict(list)
    for question in answers:
        found = form(question, known)
        if found is not None:
            alike[tuple(sorted(word for word in found.words if word.isalnum()))].append((question, found))
    pairs = [
        (one, other)
        for group in alike.values()
        for (one, first), (other, second) in itertools.combinations(group, 2)
        if are_alike(first, second, known)
    ]
    false = [pair for pair in pairs if not answers[pair[0]] & answers[pair[1]]]
    yield Line(
        "public questions: false matches a question",
        0.01,
        len(false) / len(answers),
        "",
        f"{len(false)} of {len(pairs)} matched pairs share no answer, of {len(answers):,} questions",
    )


def _public_questions() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for name in PUBLIC:
        for path in sorted(shared_data(name).rglob("*.jsonl*")):
            opened = gzip.open if path.suffix == ".gz" else open
            with opened(path, "rt", encoding="utf-8") as lines:
                for line in lines:
                    row = json.loads(line)
                    accepted = row.get("answers") or row.get("golds") or row.get("answer")
                    if isinstance(row.get("question"), str) and accepted:
                        listed = accepted if isinstance(accepted, list) else [accepted]
                        found.setdefault(row["question"].strip(), {str(each).lower() for each in listed})
    return found
