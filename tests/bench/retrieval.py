"""How well and how fast the index finds, and what it costs to fill."""

from __future__ import annotations

import gc
import gzip
import json
import random
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import psutil
from numpy.typing import NDArray

from codex.retrieval import Index, lexical
from codex.retrieval.config import RetrievalConfig
from codex.retrieval.content import Content, FileStamp, StoredChunk, register, write_content
from codex.retrieval.embedding import Embedding
from tests.bench.line import Line, median, ratio
from tests.support.shared_data import shared_data

RANKS = (1, 5, 10)
LARGE = 100_000
"""Chunks of the large index."""
FEW = 600
"""Passages of one round of indexing."""
QUERIES = 300
Rankings = list[list[int]]
"""For each question chunks, best first."""


def measure(home: Path) -> Iterator[Line]:
    """Recall on the Natural Questions passages, throughput, and search over many chunks."""
    asked = _asked()
    if asked is None:
        print("retrieval is not measured: it takes --data FOLDER with nq_gold_passage")
        return
    passages = list(dict.fromkeys(passage for _, passage in asked))
    embedding = Embedding(RetrievalConfig())
    with tempfile.TemporaryDirectory(dir=home) as folder:
        work = Path(folder)
        questions = embedding.encode([question for question, _ in asked])
        index = Index(RetrievalConfig(), work / "home", embedding=embedding)
        index.add([_written(passages, work / "passages")])
        index.run()
        yield from _recall(index, asked, questions)
        vectors = np.concatenate([block for _, block in index._catalogue.blocks(only_unwritten=False)])
        index.close()
        yield _throughput(passages, work, embedding)
    with tempfile.TemporaryDirectory(dir=home) as folder:
        large = Index(RetrievalConfig(), Path(folder), embedding=embedding)
        _fill(large, passages, vectors)
        yield from _large(large, [question for question, _ in asked], questions)
        large.close()
    embedding.close()


def _asked() -> list[tuple[str, str]] | None:
    """Questions, each with the passage that answers it."""
    path = shared_data("nq_gold_passage", "questions.jsonl.gz")
    if not path.exists():
        return None
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [(row["question"], row["context"]) for row in rows]


def _written(passages: Sequence[str], folder: Path) -> Path:
    folder.mkdir(parents=True)
    for number, passage in enumerate(passages):
        (folder / f"{number}.txt").write_text(passage, encoding="utf-8")
    return folder


def _recall(index: Index, asked: Sequence[tuple[str, str]], questions: NDArray[np.float32]) -> Iterator[Line]:
    """The share of questions whose passage is among the first 1, 5, 10 chunks.

    Held out: the half of the questions that the fusion was not chosen on.
    """
    blocks = list(index._catalogue.blocks(only_unwritten=False))
    ids = np.concatenate([block for block, _ in blocks])
    cosines = questions @ np.concatenate([vectors for _, vectors in blocks]).T
    exact = [ids[np.argsort(-row, kind="stable")[:50]].tolist() for row in cosines]
    dense = [[id_ for id_, _ in index._mirror.nearest(vector, 50)] for vector in questions]
    words = [[id_ for id_, _ in index._catalogue.lexical(lexical.match(q) or "", 50)] for q, _ in asked]
    hybrid = [[int(it.id) for it in index.search(question, 10)] for question, _ in asked]
    every = index._catalogue.chunks(ids.tolist())
    document = {id_: int(chunk.name.removesuffix(".txt")) for id_, chunk in every.items()}
    numbers = {passage: number for number, passage in enumerate(dict.fromkeys(p for _, p in asked))}
    gold = [numbers[passage] for _, passage in asked]

    def recall(rankings: Rankings, k: int, half: slice = slice(None)) -> float:
        chosen = list(zip(rankings, gold, strict=True))[half]
        found = [correct in (document[id_] for id_ in ranking[:k]) for ranking, correct in chosen]
        return 100 * statistics.mean(found)

    for k in RANKS:
        shares = {
            name: recall(rankings, k)
            for name, rankings in (("hybrid", hybrid), ("dense", dense), ("BM25", words), ("exact", exact))
        }
        held_out = slice(1, None, 2)
        how = (
            f"hybrid {shares['hybrid']:.1f} %, dense {shares['dense']:.1f} %, BM25 {shares['BM25']:.1f} %; "
            f"held out {recall(hybrid, k, held_out):.1f} %, {recall(dense, k, held_out):.1f} %, "
            f"{recall(words, k, held_out):.1f} %"
        )
        best = max(shares["dense"], shares["BM25"])
        yield Line(f"hybrid recall@{k}", best, shares["hybrid"], "%", how, at_least=True)
        how = "Chroma beside the comparison with every vector"
        yield Line(f"dense recall@{k}", shares["exact"], shares["dense"], "%", how, at_least=True)


def _throughput(passages: Sequence[str], work: Path, embedding: Embedding) -> Line:
    """Reading, cutting, embedding and writing over nothing but embedding, of the same chunks."""
    folder = _written(passages[:FEW], work / "few")
    texts: list[str] = []

    def whole() -> float:
        home = work / "throughput"
        fresh = Index(RetrievalConfig(), home, embedding=embedding)
        fresh.add([folder])
        started = time.perf_counter()
        report = fresh.run()
        seconds = time.perf_counter() - started
        texts[:] = [
            chunk.text
            for block, _ in fresh._catalogue.blocks(only_unwritten=False)
            for chunk in fresh._catalogue.chunks(block.tolist()).values()
        ]
        assert report.chunks == len(texts) >= FEW
        fresh.close()
        shutil.rmtree(home)
        return seconds

    def plain() -> float:
        started = time.perf_counter()
        # On the embedding's own thread, so that both have the same compute threads.
        embedding._worker.submit(
            embedding._model.encode,
            texts,
            batch_size=RetrievalConfig().batch_size,
            normalize_embeddings=True,
            show_progress_bar=False,
        ).result()
        return time.perf_counter() - started

    how = f"Index.run over SentenceTransformer.encode of the same chunks, {FEW} files, in turn; 1.18 is 85 %"
    return ratio("indexing over plain encoding", 1 / 0.85, how, whole, plain, rounds=3)


def _fill(index: Index, passages: Sequence[str], vectors: NDArray[np.float32]) -> None:
    """LARGE chunks: sentences of the passages in another order, vectors near those of the passages."""
    chance, noise = random.Random(0), np.random.default_rng(0)
    sentences = [sentence for passage in passages for sentence in passage.split(". ")]
    with index._mirror.writing():
        for number in range(LARGE // 1000):
            chosen = noise.integers(0, len(vectors), 1000)
            near = vectors[chosen] + noise.normal(0, 0.035, (1000, vectors.shape[1])).astype(np.float32)
            near /= np.linalg.norm(near, axis=1, keepdims=True)
            texts = [". ".join(chance.choices(sentences, k=5)) for _ in range(1000)]
            chunks = [StoredChunk(0, len(text), None, "", text) for text in texts]
            with index._catalogue.write() as db:
                id_ = register(db, Path(f"/{number}.txt"), FileStamp(0, 0), "")
                write_content(db, id_, Content("", (), "", chunks, near), FileStamp(0, 0), "")
            index._mirror.write_out()


def _large(index: Index, asked: Sequence[str], questions: NDArray[np.float32]) -> Iterator[Line]:
    """Searches whose question is embedded already, one after another, over 100,000 chunks."""
    embedding, known = index._embedding, dict(zip(asked, questions, strict=True))
    chosen = random.Random(0).sample(list(asked), QUERIES)
    process = psutil.Process()

    class Known:
        identity = embedding.identity

        def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
            return np.stack([known[text] for text in texts])

    def search(question: str) -> float:
        started = time.perf_counter()
        index.search(question)
        return 1000 * (time.perf_counter() - started)

    index._embedding = Known()  # type: ignore[assignment]
    for question in chosen[:20]:
        search(question)
    figures = [search(question) for question in chosen]
    how = f"Index.search beyond the embedding, {LARGE} chunks (vectors near real ones), {QUERIES} questions"
    yield median("search, p50", 50, "ms", how, figures)
    p95 = float(np.percentile(figures, 95))
    yield Line("search, p95", 200, p95, "ms", how)
    exact = [set(index_ids) for index_ids in _exact(index, np.stack([known[q] for q in chosen[:100]]))]
    found = [{id_ for id_, _ in index._mirror.nearest(known[q], 10)} for q in chosen[:100]]
    missed = 100 * (1 - statistics.mean(len(a & b) / len(a) for a, b in zip(exact, found, strict=True)))
    yield Line("nearest 10 of 100,000 missed", 1, missed, "%", "beside exact comparison, 100 questions")
    gc.collect()
    before = process.memory_info().rss
    for turn in range(1000):
        search(chosen[turn % QUERIES])
    gc.collect()
    grown = (process.memory_info().rss - before) / 2**20
    yield Line("memory grown by 1,000 searches", 10, grown, "MB", "resident set, after 320 searches")
    index._embedding = embedding


def _exact(index: Index, questions: NDArray[np.float32]) -> Rankings:
    blocks = list(index._catalogue.blocks(only_unwritten=False))
    ids = np.concatenate([block for block, _ in blocks])
    cosines = questions @ np.concatenate([vectors for _, vectors in blocks]).T
    return [ids[np.argsort(-row)[:10]].tolist() for row in cosines]
