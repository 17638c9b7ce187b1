"""Label probabilities against answers of which every probability is known."""

from __future__ import annotations

import random

import pytest

from codex.classify.label_probabilities import NEGLIGIBLE, Classified, classify
from codex.classify.labels import LabelSet
from codex.classify.usage import Spent
from codex.errors import CapabilityError
from codex.types import Message
from tests.support.spelled import Answers, SpelledEngine

PROMPT = [Message("user", "Which?")]


def measured(answers: Answers, *labels: str, spent: Spent | None = None, **options: object) -> Classified:
    engine = SpelledEngine(answers=lambda _: answers, **options)  # type: ignore[arg-type]
    return classify(
        engine, PROMPT, LabelSet(labels), n_samples=10, max_tokens=None, seed=0, spent=spent or Spent()
    )


def test_a_label_of_several_tokens_counts_by_all_of_them() -> None:
    found = measured(
        {("very", " good"): 0.3, ("very", " bad"): 0.1, ("so", "-so"): 0.4, ("who", " knows"): 0.2},
        "very good",
        "very bad",
        "so-so",
    )
    assert found.probabilities == pytest.approx((0.3 / 0.8, 0.1 / 0.8, 0.4 / 0.8))
    assert found.mass == pytest.approx(0.8)
    assert found.source == "tokens"


def test_every_spelling_and_every_cut_into_tokens_counts() -> None:
    answers = {
        ("Pos", "itive"): 0.1,
        (" positive",): 0.2,
        ("POSITIVE", "."): 0.1,
        ('"', "positive", '"'): 0.05,
        ("negative",): 0.15,
        ("The", " text"): 0.4,
    }
    found = measured(answers, "positive", "negative")
    assert found.probabilities == pytest.approx((0.45 / 0.6, 0.15 / 0.6))


def test_where_one_label_begins_another_the_shorter_has_what_the_longer_leaves() -> None:
    answers = {("spam",): 0.5, ("spam", " folder"): 0.2, ("spam", "!"): 0.1, ("ham",): 0.2}
    found = measured(answers, "spam", "spam folder", "ham")
    assert found.probabilities == pytest.approx((0.6, 0.2, 0.2))


def test_another_word_that_begins_with_a_label_is_not_the_label() -> None:
    found = measured({("business",): 0.5, ("bus",): 0.1, ("car",): 0.4}, "bus", "car")
    assert found.probabilities == pytest.approx((0.2, 0.8))


def test_a_label_of_bytes_that_are_half_a_character_each() -> None:
    found = measured({("好",): 0.7, ("坏",): 0.3}, "好", "坏")
    assert found.probabilities == pytest.approx((0.7, 0.3))


def test_a_label_that_is_not_among_the_likeliest_has_at_most_what_the_least_of_them_has() -> None:
    found = measured({("a",): 0.6, ("b",): 0.3, ("other",): 0.1}, "a", "b", "c")
    assert 0 < found.probabilities[2] <= 0.1
    assert sum(found.probabilities) == pytest.approx(1)


@pytest.mark.parametrize("seed", range(8))
def test_labels_cut_anyhow_are_summed_exactly_but_for_what_is_negligible(seed: int) -> None:
    """Labels of which some begin others, cut in up to four ways; what is under 0.01 is not followed."""
    draw = random.Random(seed)
    labels = list(dict.fromkeys("".join(draw.choices("ab", k=draw.randint(1, 4))) for _ in range(5)))
    weights: dict[tuple[str, ...], float] = {("zzz",): draw.random(), ("The", " text"): draw.random()}
    of_label = dict.fromkeys(labels, 0.0)
    for label in labels * 4:
        at = draw.randint(1, len(label))
        cut = tuple(filter(None, [label[:at], label[at:], draw.choice(["", ".", " because"])]))
        weight = draw.random()
        weights[cut] = weights.get(cut, 0.0) + weight
        of_label[label] += weight
    total = sum(weights.values())
    found = measured({cut: weight / total for cut, weight in weights.items()}, *labels)
    exact = [of_label[label] / sum(of_label.values()) for label in labels]
    assert found.probabilities == pytest.approx(exact, abs=len(weights) * NEGLIGIBLE)


def test_where_the_engine_takes_no_prefix_the_likeliest_answer_alone_is_followed() -> None:
    answers = {("very", " good"): 0.6, ("very", " bad"): 0.2, ("no", "thing"): 0.1, ("no", "ne"): 0.1}
    found = measured(answers, "very good", "very bad", "none", continues=False, brings=4)
    # "no" is not followed: all of its 0.2 may become "none".
    assert found.probabilities == pytest.approx((0.6, 0.2, 0.2))


def test_one_request_brings_the_likeliest_label_whole() -> None:
    spent = Spent()
    found = measured({("po", "si", "tive"): 0.9, ("neg",): 0.1}, "positive", "neg", brings=8, spent=spent)
    assert found.probabilities == pytest.approx((0.9, 0.1))
    assert spent.usage().requests == 1


def test_a_server_without_log_probabilities_is_asked_for_samples() -> None:
    answers = {("I think", " positive"): 0.5, ("negative",): 0.3, ("who knows",): 0.2}
    found = measured(answers, "positive", "negative", logprobs="none")
    assert found.source == "samples"
    assert found.probabilities == pytest.approx((5 / 8, 3 / 8))
    assert found.mass == pytest.approx(0.8)


def test_samples_are_drawn_too_where_no_label_is_among_the_likeliest_tokens() -> None:
    found = measured({("The label is", " good"): 0.7, ("It is", " bad"): 0.3}, "good", "bad")
    assert (found.source, found.probabilities) == ("samples", pytest.approx((0.7, 0.3)))


def test_a_model_that_names_no_label_is_an_error_with_its_words() -> None:
    with pytest.raises(CapabilityError, match="names none of the labels; it says 'I cannot tell'"):
        measured({("I cannot", " tell"): 1.0}, "good", "bad")
