"""What is no number is said under the label that the field has on the page, whatever was typed."""

from __future__ import annotations

from math import inf
from pathlib import Path

import pytest

from codex.errors import InvalidInput
from codex.pages.calibrate.page import LEVELS, _level
from codex.pages.tune.target import share
from codex.pages.typed import FIELDS, needed, optional

BAD = ["-1", "five", "nan", "inf", "1e999", "½", -1, float("nan"), "1" * 40]
SCRIPTS = Path(__file__).parents[2] / "assets/js"


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("typed", BAD)
def test_a_field_is_named_as_on_the_page(name: str, typed: object) -> None:
    field = FIELDS[name]
    if typed == "1" * 40 and field.high == inf:
        return
    with pytest.raises(InvalidInput) as caught:
        optional({name: typed}, name)
    message = str(caught.value)
    assert message == f"{field.label} must be {field.bounds}, not {str(typed)!r}."
    assert name not in message
    assert caught.value.fields == (name,)


@pytest.mark.parametrize("name", FIELDS)
def test_an_empty_field_is_none_or_said_where_it_is_needed(name: str) -> None:
    for form in ({}, {name: None}, {name: " "}):
        assert optional(form, name) is None
        with pytest.raises(InvalidInput, match=f"^{FIELDS[name].label} is empty: type a "):
            needed(form, name)
    assert needed({name: "1"}, name) == 1


@pytest.mark.parametrize("name", LEVELS)
@pytest.mark.parametrize("typed", ["", None, "-1", "a lot", "nan", "0", "1", 3])
def test_a_level_is_named_as_on_the_page(name: str, typed: object) -> None:
    with pytest.raises(InvalidInput) as caught:
        _level({name: typed}, name)
    assert str(caught.value).startswith(f"{LEVELS[name]} must be a number above 0 and below 1, not ")


@pytest.mark.parametrize("typed", ["", None, "-1", "a lot", "nan", "0", "101"])
def test_a_target_is_named_as_on_the_page(typed: object) -> None:
    shown = (SCRIPTS / "tune/target.js").read_text("utf-8")
    for label in ("Incorrect answers allowed, α", "Questions answered, at least", "Confidence level"):
        assert label in shown
        with pytest.raises(InvalidInput, match=f"^{label} must be a percentage"):
            share({"it": typed}, "it", label)


@pytest.mark.parametrize(
    ("name", "script"),
    [
        *((name, "ask/composer.js") for name in ("n_samples", "sample_temperature", "max_tokens", "seed")),
        ("more", "evaluate/page.js"),
        ("sets", "calibrate/guarantees.js"),
        *((name, "evaluate/form.js") for name in ("n_samples", "sample_temperature", "max_tokens", "limit")),
    ],
)
def test_the_labels_are_those_of_the_forms(name: str, script: str) -> None:
    label = LEVELS[name] if name in LEVELS else FIELDS[name].label
    assert f'"{label}"' in (SCRIPTS / script).read_text("utf-8")
