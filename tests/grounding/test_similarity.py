"""Meaning of answer and samples: by embeddings, and by the judge in both directions."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from codex.errors import Cancelled
from codex.grounding.similarity import by_embedding, by_judge, complete_classes
from codex.retrieval.config import RetrievalConfig
from codex.retrieval.embedding import Embedding
from codex.signals import compute
from codex.types import Generation, Observation
from tests.support.scripted import Script, ScriptedEngine

QUESTION = "What did they sign in 1918?"


def observation(answer: str, *samples: str) -> Observation:
    def written(text: str) -> Generation:
        return Generation(text, (), "stop", 7, 0.1)

    return Observation(QUESTION, written(answer), tuple(map(written, samples)))


def judging(says_same: object) -> ScriptedEngine:
    return ScriptedEngine(lambda prompt: Script(["x"]), judgement=says_same)  # type: ignore[arg-type]


class TestEmbedding:
    def test_answers_that_mean_the_same_are_one_class(self) -> None:
        """With the packaged embedding: other words for one thing lie at 0.8 and more, other things below."""
        embed = Embedding(RetrievalConfig(device="cpu")).encode
        seen = observation("A ceasefire.", "an armistice, a ceasefire", "A bank loan.", "A ceasefire")
        similarity = by_embedding(seen, embed, 0.6)
        assert similarity.method == "embedding"
        assert similarity.classes == (0, 0, 1, 0)
        matrix = np.array(similarity.matrix)
        assert np.allclose(matrix, matrix.T)
        assert np.all(np.diag(matrix) == 1.0)
        assert matrix[0, 3] == 1.0
        assert matrix.min() >= 0.0

    def test_what_is_worded_the_same_is_embedded_once(self) -> None:
        asked: list[Sequence[str]] = []

        def embed(texts: Sequence[str]) -> NDArray[np.float32]:
            asked.append(texts)
            return np.eye(len(texts), dtype=np.float32)

        assert by_embedding(observation("Peace.", "peace", "PEACE!"), embed, 0.9).classes == (0, 0, 0)
        assert asked == []
        by_embedding(observation("Peace.", "peace", "War"), embed, 0.9)
        assert [len(texts) for texts in asked] == [2]

    def test_agreement_signals_become_signals_of_meaning(self) -> None:
        def embed(texts: Sequence[str]) -> NDArray[np.float32]:
            return np.ones((len(texts), 1), np.float32)

        plain = observation("Peace.", "a truce", "an armistice")
        meant = replace(plain, similarity=by_embedding(plain, embed, 0.9))
        assert compute(plain)["semantic_entropy"] != pytest.approx(compute(meant)["semantic_entropy"])
        assert compute(meant)["degmat"] == pytest.approx(1.0)


class TestJudge:
    def test_both_directions_are_asked_and_their_mean_taken(self) -> None:
        engine = judging(lambda prompt: 0.9 if "First answer: a truce" in prompt else 0.5)
        similarity = by_judge(observation("a truce", "a peace"), engine, 0.6)
        assert len(engine.judged) == 2
        assert similarity.matrix == pytest.approx(np.array([[1.0, 0.7], [0.7, 1.0]]))
        assert similarity.classes == (0, 0)

    def test_equal_texts_cost_nothing(self) -> None:
        engine = judging(lambda prompt: 0.1)
        similarity = by_judge(observation("A truce.", "a truce", "peace", "A TRUCE", "peace."), engine, 0.6)
        assert len(engine.judged) == 2
        assert similarity.classes == (0, 0, 1, 0, 1)

    def test_it_can_be_cancelled(self) -> None:
        cancel = threading.Event()

        def says(prompt: str) -> float:
            cancel.set()
            return 0.5

        engine = judging(says)
        with pytest.raises(Cancelled):
            by_judge(observation("a", "b", "c", "d"), engine, 0.6, cancel)
        assert len(engine.judged) == 1


class TestClasses:
    def test_a_chain_of_small_steps_is_not_one_class(self) -> None:
        chain = np.array([[1.0, 0.9, 0.1], [0.9, 1.0, 0.8], [0.1, 0.8, 1.0]])
        assert complete_classes(chain, 0.7) == [0, 0, 1]

    def test_the_closest_two_come_first(self) -> None:
        pairs = np.array([[1.0, 0.8, 0.1], [0.8, 1.0, 0.9], [0.1, 0.9, 1.0]])
        assert complete_classes(pairs, 0.7) == [0, 1, 1]

    @settings(max_examples=60, deadline=None)
    @given(st.integers(1, 8), st.integers(0, 2**32 - 1), st.sampled_from([0.2, 0.5, 0.9, 1.0]))
    def test_every_two_of_a_class_are_alike_and_no_two_classes_could_be_one(
        self, n: int, seed: int, same_above: float
    ) -> None:
        drawn = np.random.default_rng(seed).random((n, n)).round(1)
        pairs = np.maximum(drawn, drawn.T)
        np.fill_diagonal(pairs, 1.0)
        classes = complete_classes(pairs, same_above)
        members = [[i for i in range(n) if classes[i] == c] for c in range(max(classes) + 1)]
        assert [group[0] for group in members] == sorted(group[0] for group in members)
        for a, one in enumerate(members):
            assert pairs[np.ix_(one, one)].min() >= same_above
            for other in members[:a]:
                assert pairs[np.ix_(one, other)].min() < same_above
