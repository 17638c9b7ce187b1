"""What a probe reads of an answer, worked out by hand, and which of several judges a question."""

from __future__ import annotations

from dataclasses import replace
from math import exp

import numpy as np
import pytest

from codex.signals.probes import Pooling, Probe, Probes, fold_of, pooled
from codex.types import HiddenStates, Observation, ProbeTarget
from tests.support.observations import make_generation, make_passage, make_token

QUESTION = "What is the capital of Oman?"
PIECES = ["It", " is", " Mus", "cat", "."]
MASK = [False, False, True, True, False]
STATES = HiddenStates(
    (2, 4),
    np.array([[1, 0], [0, 8]], np.float16),
    np.array([[[9, 9], [9, 9], [1, 2], [3, 4], [9, 9]], [[0, 0]] * 5], np.float16),
)


def observed(states: HiddenStates | None = STATES, passages: bool = False) -> Observation:
    generation = make_generation([make_token(piece) for piece in PIECES])
    return Observation(
        QUESTION,
        replace(generation, hidden_states=states),
        passages=(make_passage("Muscat", dense=0.5),) if passages else (),
    )


def probe(
    target: ProbeTarget = "answer", pooling: Pooling = "mean", *weights: float, layer: int = 2
) -> Probe:
    return Probe.of(target, layer, pooling, np.array(weights or (1, -1), np.float32), 0.5)


def probes(*folds: tuple[Probe, ...]) -> Probes:
    return Probes(name="probe", model="a", folds=folds, runs=(), datasets=(), questions=40, accuracy=0.5)


@pytest.mark.parametrize(
    ("pooling", "vector"),
    [("prompt", [1, 0]), ("mean", [2, 3]), ("last", [3, 4]), ("mean and last", [2, 3, 3, 4])],
)
def test_states_are_pooled_over_the_focus(pooling: Pooling, vector: list[float]) -> None:
    found = pooled(STATES, 2, MASK, pooling)
    assert found is not None
    assert found.tolist() == vector
    assert pooled(STATES, 3, MASK, pooling) is None


def test_the_last_token_of_a_cancelled_answer_may_be_missing() -> None:
    short = replace(STATES, answer=STATES.answer[:, :3])
    found = pooled(short, 2, MASK, "mean")
    assert found is not None
    assert found.tolist() == [1, 2]
    assert pooled(replace(STATES, answer=STATES.answer[:, :2]), 2, MASK, "last") is None


def test_a_probe_tells_a_probability() -> None:
    # (2, 3) @ (1, -1) + 0.5 = -0.5
    assert probe().probability(STATES, MASK) == pytest.approx(1 / (1 + exp(0.5)))
    assert probe("answer", "mean", 1, 2, 3).probability(STATES, MASK) is None
    huge = probe("answer", "mean", 1e30, 1e30).probability(STATES, MASK)
    assert huge == pytest.approx(1.0)


def test_probes_survive_json() -> None:
    made = probes((probe(), probe("question", "prompt")), (probe(layer=4), probe("question", "prompt")))
    again = Probes.model_validate_json(made.model_dump_json())
    assert again == made
    assert again.version == made.version
    assert replace_name(made).version.partition("@")[2] == made.version.partition("@")[2]


def replace_name(made: Probes) -> Probes:
    return made.model_copy(update={"name": "other"})


def test_a_question_is_judged_by_the_fold_it_is_in() -> None:
    made = probes(*((probe(layer=layer),) for layer in (2, 4, 2, 4, 2)))
    own = fold_of(QUESTION, 5)
    assert made.of(QUESTION) == made.folds[own]
    assert made.layers(QUESTION) == ((2, 4)[own % 2],)
    assert fold_of("what is  the capital of OMAN", 5) == own
    folds = [fold_of(f"Question {at}?", 5) for at in range(200)]
    assert {folds.count(each) > 20 for each in range(5)} == {True}


def test_p_ik_is_read_where_no_passage_is_in_the_prompt() -> None:
    made = probes((probe(), probe("question", "prompt")))
    read = made.read(observed())
    assert read
    assert read.probe == made.version
    assert read.values == {
        "answer": pytest.approx(1 / (1 + exp(0.5))),
        "question": pytest.approx(1 / (1 + exp(-1.5))),
    }
    with_passages = made.read(observed(passages=True))
    assert with_passages
    assert with_passages.values.keys() == {"answer"}


def test_without_the_states_nothing_is_read() -> None:
    assert probes((probe(),)).read(observed(None)) is None
    assert probes((probe(layer=3),)).read(observed()) is None
