"""The confidence that stands in for a calibrated one: from answers of other models to other questions."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.calibration import estimated_confidence, estimated_confidences
from codex.calibration.prior import LIKE, SCALES, SUPPORT, Prior, shipped_prior
from codex.evaluation.generations import read
from codex.paths import resources
from codex.signals import compute
from codex.signals.text import normalise
from codex.text import sha256
from tests.support.frozen import auroc
from tests.support.observations import make_token, observe
from tests.support.prior_answers import PRIOR_ANSWERS, prior_answers

READ = (*SCALES, *LIKE.values(), SUPPORT)
CHANCES = st.floats(0.0, 1.0)
VALUES = {name: st.floats(-20.0, 0.0) if "logprob" in name else CHANCES for name in READ}
SIGNALS = st.fixed_dictionaries({name: st.none() | values for name, values in VALUES.items()})


def test_what_ships_is_what_the_answers_that_ship_make() -> None:
    again, ships = prior_answers().fitted(), shipped_prior()
    assert again.answers == ships.answers
    columns, n = prior_answers().columns, len(prior_answers().correct)
    # Another processor rounds otherwise, and the optimiser stops a little elsewhere.
    assert again.confidences(columns, n) == pytest.approx(ships.confidences(columns, n), abs=1e-3)


def test_it_says_what_it_was_fitted_on() -> None:
    answers = shipped_prior().answers
    assert len({each.model for each in answers}) > 1
    assert len({each.dataset for each in answers}) > 2
    assert sum(each.questions for each in answers) == len(prior_answers().correct)


def test_it_has_not_seen_the_questions_that_ship() -> None:
    """The shipped calibrators are proven on them."""
    with gzip.open(PRIOR_ANSWERS, "rt", encoding="utf-8") as lines:
        seen = {json.loads(line)["question"] for line in lines}
    asked = set()
    for file in resources("datasets").glob("*.jsonl"):
        with file.open(encoding="utf-8") as lines:
            asked |= {sha256(normalise(json.loads(line)["question"])) for line in lines}
    assert len(asked) > 300
    assert not seen & {digest[:16] for digest in asked}


@given(
    st.lists(st.fixed_dictionaries({name: st.none() | values for name, values in VALUES.items()}), max_size=4)
)
def test_a_table_of_answers_gets_what_each_answer_would_get(rows: list[dict[str, float | None]]) -> None:
    columns = {name: [np.nan if (value := row[name]) is None else value for row in rows] for name in READ}
    alone = [np.nan if (value := estimated_confidence(row)) is None else value for row in rows]
    assert estimated_confidences(columns, len(rows)) == pytest.approx(alone, nan_ok=True)


@given(
    SIGNALS,
    st.sampled_from(READ),
    CHANCES,
)
def test_it_lies_in_the_unit_interval_and_rises_with_each_signal(
    signals: dict[str, float | None], moved: str, by: float
) -> None:
    before = estimated_confidence(signals)
    if (value := signals[moved]) is None:
        return
    assert before is not None
    # The support is a probability; the scales of the others end where they end.
    raised = min(value + by, 1.0) if moved == SUPPORT else value + by
    after = estimated_confidence(signals | {moved: raised})
    assert after is not None
    assert 0 <= before <= after + 1e-12 <= 1 + 1e-12


def test_where_a_reliable_judge_read_passages_the_support_counts_a_third() -> None:
    signals = {"min_prob_focus": 0.5, "weighted_similarity_focus": 0.8}
    alone = estimated_confidence(signals)
    assert alone is not None
    assert estimated_confidence(signals | {SUPPORT: 0.2}) == pytest.approx((2 * alone + 0.2) / 3)
    assert estimated_confidence({SUPPORT: 0.2}) == 0.2


def test_what_is_missing_counts_as_what_the_others_say() -> None:
    def confidences(samples: list[str]) -> list[float | None]:
        tokens = [[make_token("It is", 0.1), make_token(" Muscat", p)] for p in (0.05, 0.95)]
        return [estimated_confidence(compute(observe("Where?", each, samples))) for each in tokens]

    low, high = confidences([])
    assert low is not None
    assert high is not None
    # Its range is as wide as that of two signals that agree.
    assert high - low > 0.3


def test_without_log_probabilities_the_agreement_alone_decides() -> None:
    def confidence(samples: list[str]) -> float | None:
        return estimated_confidence(compute(observe("Where?", [make_token("Muscat")], samples)))

    all_agree, some, none = (
        confidence(samples)
        for samples in (["Muscat"] * 4, ["Muscat", "It is Muscat.", "Salalah", "Oslo"], ["Oslo"] * 4)
    )
    assert all_agree is not None
    assert some is not None
    assert none is not None
    assert all_agree > some > none


def test_without_either_there_is_no_confidence() -> None:
    assert estimated_confidence({}) is None
    assert estimated_confidence(compute(observe("Where?", [make_token("Muscat")]))) is None


def test_how_hard_a_set_is_tells_nothing_of_its_answers() -> None:
    def of(sizes: tuple[int, int], shifts: tuple[float, float]) -> Prior:
        rng = np.random.default_rng(0)
        columns: dict[str, list[float]] = {name: [] for name in SCALES}
        correct: list[bool] = []
        for size, easier in zip(sizes, shifts, strict=True):
            known = rng.normal(size=size)
            for name in SCALES:
                value = 1 / (1 + np.exp(-known - rng.normal(size=size)))
                columns[name] += (np.log(value) if "logprob" in name else value).tolist()
            correct += (rng.random(size) < 1 / (1 + np.exp(-2 * known - easier))).tolist()
        sets = np.repeat(["hard", "easy"], sizes).tolist()
        return Prior.of(columns, correct, ["a model"] * sum(sizes), sets)

    alike, harder = of((2000, 2000), (0.0, 0.0)), of((2000, 2000), (-1.5, 1.5))
    for one, other in zip(alike.design.terms, harder.design.terms, strict=True):
        # The standard error of each weight is about 0.06.
        assert one.weight == pytest.approx(other.weight, abs=0.25)
    assert [each.accuracy > 0.5 for each in harder.answers] == [True, False]


def test_it_ranks_answers_that_it_has_not_seen_better_than_a_rule_of_thumb() -> None:
    """On the sets that ship, of which nothing is in it."""
    gains = []
    rows = list(read(resources("datasets") / "answers" / "smollm2-llama_cpp.jsonl.gz"))
    for group in ("arithmetic", "capitals", "elements", "newcomers"):
        inside = [row for row in rows if row.group == group and row.correct is not None]
        signals = [compute(row.observation) for row in inside]
        correct = np.array([bool(row.correct) for row in inside])
        columns = {
            name: np.array([np.nan if (value := row[name]) is None else value for row in signals])
            for name in (*READ, "answer_frequency_focus")
        }
        rule = (columns["min_prob_focus"] + columns["answer_frequency_focus"]) / 2
        gains.append(auroc(estimated_confidences(columns, len(inside)), correct) - auroc(rule, correct))
    # 0.04 when it was fitted.
    assert np.mean(gains) > 0.02
