"""Secrets in made texts are found, and nothing in innocent ones."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from codex.redaction import masked, secrets
from codex.redaction.spans import Span
from tests.redaction.innocent import innocent
from tests.redaction.made import Made, made, private_key


def is_covered(text: Made) -> bool:
    """Whether all of the secret is found."""
    start = text.text.index(text.secret)
    return any(span.start <= start and start + len(text.secret) <= span.end for span in secrets(text.text))


def test_of_200_made_secrets_in_texts_that_nothing_was_tuned_on_98_percent_are_found() -> None:
    missed = [each for each in made("second", 200, seed=15) if not is_covered(each)]
    assert len(missed) <= 4, missed


def test_of_2000_innocent_texts_that_nothing_was_tuned_on_at_most_10_are_taken_for_secrets() -> None:
    taken = [text for text in innocent("second", 2000, seed=15) if secrets(text)]
    assert len(taken) <= 10, taken


def test_the_family_that_it_was_tuned_on_is_found_too() -> None:
    assert sum(map(is_covered, made("first", 200, seed=15))) >= 196
    assert not any(map(secrets, innocent("first", 500, seed=15)))


def test_only_the_secret_is_masked() -> None:
    assert masked("postgresql://app:s3cr3tword@db:5432/x and password: hunter2.") == (
        "postgresql://app:[secret]@db:5432/x and password: [secret]."
    )


@pytest.mark.parametrize("password", ["myCat1985", "newt0n42!", "the-Rain7", "secret-4711", "password123"])
def test_a_password_that_begins_as_a_placeholder_is_none(password: str) -> None:
    assert masked(f"password={password}") == "password=[secret]"
    assert masked(f"postgresql://app:{password}@db/x") == "postgresql://app:[secret]@db/x"


@pytest.mark.parametrize(
    "value", ["your_password", "changeme", "<password>", "%(password)s", "sha256", "xxxx"]
)
def test_a_placeholder_is_no_secret(value: str) -> None:
    assert masked(f"password={value}") == f"password={value}"


def test_a_private_key_is_masked_whole_also_where_it_is_cut() -> None:
    whole = private_key(Random(1))
    assert masked(f"Here:\n{whole}\nand more") == "Here:\n[secret]\nand more"
    assert masked(whole.replace("\n", "\\n")) == "[secret]"
    cut = whole[: len(whole) // 2]
    assert masked(cut) == "[secret]"
    told = "It begins with -----BEGIN PRIVATE KEY----- and then the key."  # pragma: allowlist secret
    assert masked(told).count("[secret]") == 0


@pytest.mark.parametrize(
    "text",
    [
        "passw" * 20_000,
        "password=" * 10_000,
        "http://a:" + "b" * 100_000,
        "-----BEGIN PRIVATE KEY-----" * 4_000,  # pragma: allowlist secret
        "eyJaaaaaaaa." * 8_000,
        ("password" + " " * 200) * 500,
    ],
)
def test_a_text_made_to_take_long_is_read_in_linear_time(text: str) -> None:
    """With a form that tries every way to part a name, the first of these took half a minute."""
    assert isinstance(secrets(text), list)


def test_spans_are_in_order_without_overlap() -> None:
    text = 'token = "ghp_' + "a1B2" * 9 + '" password: hunter2 Authorization: Bearer ghp_' + "c3D4" * 9
    found = secrets(text)
    assert len(found) == 3
    assert all(isinstance(each, Span) and each.end <= after.start for each, after in pairwise(found))
