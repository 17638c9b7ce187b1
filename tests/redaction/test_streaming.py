"""Tokens of a stream: nothing of a secret is shown, and all else as soon as it is settled."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random

import pytest

from codex.redaction import masked
from codex.redaction.observed import HIDDEN
from codex.redaction.streaming import Settling
from codex.types import Alternative, Token
from tests.redaction.innocent import answers
from tests.redaction.made import Family, made, private_key


def cut(text: str, rng: Random, longest: int = 7) -> list[Token]:
    """A text in tokens of a few bytes, also within characters."""
    data, tokens = text.encode(), []
    while data:
        size = rng.randrange(1, longest)
        tokens.append(Token(len(tokens), data[:size], -1.0, alternatives=(Alternative(7, b"x", -1.0),)))
        data = data[size:]
    return tokens


def shown(tokens: Iterable[Token], before: str = "") -> list[list[Token]]:
    """What is shown after each token, and at the end."""
    settling = Settling(before)
    return [*(settling.push(token) for token in tokens), settling.end()]


def spelled(tokens: Iterable[Token]) -> str:
    return b"".join(token.bytes for token in tokens).decode()


@pytest.mark.parametrize("family", ["first", "second"])
def test_a_stream_shows_what_the_masked_text_is(family: Family) -> None:
    rng = Random(5)
    for each in made(family, 160, seed=3):
        text = f"Hello there, {each.text} and more — 日本語。"
        tokens = cut(text, rng)
        told = [token for some in shown(tokens) for token in some]
        assert spelled(told) == masked(text)
        assert [token.logprob for token in told] == [token.logprob for token in tokens]


def test_at_no_time_is_a_part_of_a_secret_shown() -> None:
    rng = Random(6)
    key = private_key(rng)
    for secret in ("ghp_" + "a1B2" * 9, key, "postgresql://app:s3cr3tw0rd@db/x", "hunter2hunter2"):
        text = f"the password: {secret}"
        for tokens in (cut(text, rng), cut(text, rng, 2)):
            settling, told = Settling(), ""
            for token in tokens:
                told += spelled(settling.push(token))
                assert masked(text).startswith(told.removesuffix("[secret]"))


def test_a_masked_token_keeps_its_numbers_and_loses_what_tells_its_text() -> None:
    tokens = cut("x ghp_" + "a1B2" * 9 + " y", Random(1))
    told = [token for some in shown(tokens) for token in some]
    hidden = [token for token in told if token.id == HIDDEN]
    assert len(told) == len(tokens)
    assert hidden
    assert not any(token.alternatives for token in hidden)
    assert {token.logprob for token in hidden} == {-1.0}
    assert {token.id for token in told} == {HIDDEN, 0, tokens[-1].id}


def test_words_come_one_word_behind_and_scripts_without_spaces_at_once() -> None:
    pieces = ["The", " capital", " of", " France", " is", " Paris", ".", "巴黎", "是"]
    settled = shown([Token(1, piece.encode(), -1.0) for piece in pieces])
    assert [len(some) for some in settled] == [0, 1, 1, 1, 1, 1, 0, 3, 1, 0]


def test_what_stands_before_a_branch_says_what_it_is() -> None:
    (told,) = [some for some in shown([Token(1, b"hunter2x", -1.0)], "the password: ") if some]
    assert spelled(told) == "[secret]"


def test_innocent_answers_are_shown_as_they_are() -> None:
    rng = Random(7)
    for text in answers()[:200]:
        tokens = cut(text, rng)
        assert [token for some in shown(tokens) for token in some] == tokens
