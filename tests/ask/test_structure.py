"""The values of a JSON answer: where they stand, and how sure the model was of them."""

from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex.ask.structure import fields, leaves, values_only
from codex.calibration import estimated_confidence
from codex.types import Generation, Observation, Token


def written(*pieces: tuple[str, float]) -> Generation:
    """Tokens with their probabilities."""
    tokens = tuple(Token(at, text.encode(), math.log(p), rank=1) for at, (text, p) in enumerate(pieces))
    return Generation("".join(text for text, _ in pieces), tokens, "stop", 1, 0.0)


ANSWER = written(
    ('{"', 0.01), ("city", 0.02), ('": "', 0.03), ("Can", 0.9), ("berra", 0.5), ('", "n', 0.04),
    ('": ', 0.05), ("4", 0.8), ("5", 0.7), ("}", 0.06),
)  # fmt: skip


def test_a_field_has_the_probability_of_the_tokens_that_spell_it() -> None:
    told = fields(Observation("Where?", ANSWER))
    assert told is not None
    city, number = told
    assert (city.pointer, city.value, city.agreement) == ("/city", "Canberra", None)
    assert city.probability == pytest.approx(0.45)
    assert city.min_prob == pytest.approx(0.5)
    assert city.confidence == pytest.approx(estimated_confidence({"min_prob_focus": 0.5}))
    assert (number.pointer, number.value) == ("/n", 45)
    assert number.probability == pytest.approx(0.56)


def test_samples_agree_by_value_whatever_their_spacing_and_order() -> None:
    samples = tuple(
        written((text, 0.5))
        for text in ('{"n":45.0,"city":"Canberra"}', '{"city": "Perth", "n": 45}', '{"city": "Canb', "[]")
    )
    told = fields(Observation("Where?", ANSWER, samples))
    assert told is not None
    assert [each.agreement for each in told] == [0.25, 0.5]
    both = {"min_prob_focus": 0.5, "greedy_similarity_focus": 0.25}
    assert told[0].confidence == pytest.approx(estimated_confidence(both))


def test_true_is_not_one() -> None:
    told = fields(Observation("?", written(('{"x": 1}', 0.5)), (written(('{"x": true}', 0.5)),)))
    assert told is not None
    assert told[0].agreement == 0


def test_signals_see_the_values_alone() -> None:
    seen = values_only(Observation("Where?", ANSWER)).generation
    assert [token.text for token in seen.tokens] == ["Can", "berra", "4", "5"]
    assert seen.text == "Canberra, 45"


def test_a_cut_answer_has_no_fields() -> None:
    cut = Observation("?", written(('{"city": "Can', 0.5)))
    assert fields(cut) is None
    assert values_only(cut) == cut


def test_a_value_of_parts_of_characters_and_an_empty_one() -> None:
    raw = '{"a": "é", "b": ""}'.encode()
    tokens = [
        Token(at, each, math.log(0.5)) for at, each in enumerate([raw[:7], raw[7:8], raw[8:9], raw[9:]])
    ]
    told = fields(Observation("?", Generation(raw.decode(), tuple(tokens), "stop", 1, 0.0)))
    assert told is not None
    assert (told[0].value, told[0].probability) == ("é", pytest.approx(0.25))
    assert (told[1].value, told[1].probability) == ("", pytest.approx(0.5))


NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=40)
@given(NESTED, st.sampled_from([None, 1]), st.booleans())
def test_every_leaf_is_found_where_it_stands(value: object, indent: int | None, ascii_only: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    for leaf in leaves(text):
        found: object = value
        for part in leaf.pointer.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            found = found[int(key)] if isinstance(found, list) else found[key]  # type: ignore[index]
        assert found == leaf.value
        quoted = isinstance(leaf.value, str)
        assert json.loads(text[leaf.start - quoted : leaf.end + quoted]) == leaf.value


@pytest.mark.parametrize(
    "text", ["", "{", '{"a" 1}', "[1,]", '{"a": 1} x', "nul", "{1: 2}", "[" * 1000, '"a']
)
def test_what_is_no_json_is_said_so(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - a ValueError is all that is told
        leaves(text)
