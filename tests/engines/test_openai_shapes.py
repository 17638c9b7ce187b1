"""Responses of servers with OpenAI's interface, by their documented shapes, as tokens."""

from __future__ import annotations

import math

import pytest

from codex.engines.openai_api.shapes import (
    LOWEST_LOGPROB,
    Delta,
    Entry,
    Spelling,
    chat_deltas,
    completion_deltas,
    entries,
    nameless,
    prompt_tokens,
)
from codex.engines.openai_api.trust import distrusted
from codex.types import Alternative, Token
from tests.support.openai_server import entry


def spelled(*pieces: str, logprob: float = -0.5) -> tuple[Entry, ...]:
    return tuple(Entry(-1, piece.encode(), logprob) for piece in pieces)


def texts(found: list[Entry]) -> list[str]:
    return [it.bytes.decode() for it in found]


def test_a_chunk_of_llama_server() -> None:
    said = {
        "choices": [
            {
                "delta": {"content": "Os"},
                "index": 0,
                "finish_reason": None,
                "logprobs": {"content": [entry("Os", -0.25, {"Os": -0.25, "B": -2.0}, id=17)]},
            }
        ],
        "object": "chat.completion.chunk",
    }
    (delta,) = chat_deltas(said)
    assert (delta.text, delta.finish, delta.row) == ("Os", None, 0)
    token = delta.entries[0].token(1000)
    assert (token.id, token.bytes, token.logprob, token.rank) == (17, b"Os", -0.25, 1)


def test_a_whole_response_of_vllm_with_reasoning() -> None:
    said = {
        "choices": [
            {"index": 1, "message": {"content": "4", "reasoning": "2 and 2"}, "finish_reason": "stop"},
        ],
        "usage": {"prompt_tokens": 12, "completion_tokens": 5},
    }
    assert chat_deltas(said) == [Delta(row=1, text="4", reasoning="2 and 2", finish="stop")]
    assert prompt_tokens(said) == 12
    assert prompt_tokens({"usage": None}) is None


def test_the_older_shape_of_completions_by_columns() -> None:
    said = {
        "choices": [
            {
                "index": 0,
                "text": " Oslo.",
                "finish_reason": "length",
                "logprobs": {
                    "tokens": [" Oslo", "."],
                    "token_logprobs": [-0.5, None],
                    "top_logprobs": [{" Bergen": -2.0, " Oslo": -0.5}, None],
                    "text_offset": [10, 15],
                },
            }
        ]
    }
    (delta,) = completion_deltas(said)
    assert [(it.bytes, it.logprob) for it in delta.entries] == [(b" Oslo", -0.5), (b".", None)]
    assert [it.bytes for it in delta.entries[0].others] == [b" Oslo", b" Bergen"]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        (-0.5, -0.5),
        (0.0, 0.0),
        (1e-7, 0.0),
        (0.5, None),
        (-9999.0, None),
        (-math.inf, None),
        (math.nan, None),
        (None, None),
        ("-1", None),
        (-3.4028234663852886e38, LOWEST_LOGPROB),
    ],
)
def test_what_stands_for_not_known_is_missing(sent: object, kept: float | None) -> None:
    (found,) = entries({"content": [{"token": "a", "bytes": [97], "logprob": sent}]})
    assert found.logprob == kept


def test_a_token_without_bytes_is_spelled_by_its_text() -> None:
    (found,) = entries({"content": [{"token": "é", "bytes": None, "logprob": -1.0}]})
    assert found.bytes == "é".encode()


def test_the_chosen_token_is_put_among_the_alternatives() -> None:
    (found,) = entries({"content": [entry("x", -5.0, {"a": -0.1, "b": -3.0})]})
    token = found.token(1000)
    assert token.rank is None
    assert [it.bytes for it in token.alternatives] == [b"a", b"b", b"x"]


def test_alternatives_that_are_not_known_are_left_out() -> None:
    (found,) = entries({"content": [entry("a", -0.1, {"a": -0.1, "b": -9999.0})]})
    assert [it.bytes for it in found.token(1000).alternatives] == [b"a"]


@pytest.mark.parametrize(
    ("deltas", "pieces", "lost"),
    [
        pytest.param([Delta(text="ab", entries=spelled("a", "b"))], ["a", "b"], False, id="plain"),
        pytest.param(
            [Delta(entries=spelled("a")), Delta(text="ab", entries=spelled("b"))],
            ["a", "b"],
            False,
            id="late",
        ),
        pytest.param([Delta(text="aa", entries=spelled("a", "a"))], ["a", "a"], False, id="twice the same"),
        pytest.param(
            [Delta(text="4", reasoning="2+2", entries=spelled("2", "+", "2", "4", "<end>"))],
            ["4"],
            False,
            id="tokens of the reasoning before and of the end after",
        ),
        pytest.param(
            [Delta(reasoning="hm 4", entries=spelled("hm", " 4")), Delta(text="4", entries=spelled("4"))],
            ["4"],
            False,
            id="reasoning of its own chunk",
        ),
        pytest.param(
            [Delta(text="a"), Delta(text="b", entries=spelled("b"))], ["a", "b"], True, id="without tokens"
        ),
        pytest.param([Delta(text="ab", entries=spelled("a", "x"))], ["a", "b"], True, id="other tokens"),
        pytest.param([Delta(text="abc", entries=spelled("ab"))], ["ab", "c"], True, id="too few tokens"),
        pytest.param([Delta(text="a", entries=spelled("", "a"))], ["a"], False, id="a token of no bytes"),
    ],
)
def test_the_text_is_spelled_by_its_tokens(deltas: list[Delta], pieces: list[str], lost: bool) -> None:
    spelling, found = Spelling(), []
    for delta in deltas:
        found += spelling.take(delta)
    found += spelling.take(Delta(), last=True)
    assert texts(found) == pieces
    assert spelling.lost == lost


def test_a_text_without_tokens_has_no_log_probabilities() -> None:
    spelling = Spelling(expected=False)
    assert spelling.take(Delta(text="abc")) == [nameless(b"abc", None)]


def test_half_a_character_waits_for_its_text() -> None:
    spelling = Spelling()
    first, second = Entry(1, b"\xf0\x9f", -1.0), Entry(2, b"\x98\x80", -0.1)
    assert spelling.take(Delta(entries=(first,))) == []
    assert spelling.take(Delta(text="😀", entries=(second,))) == [first, second]


def told(logprob: float | None, *others: float) -> Token:
    alternatives = [Alternative(at, b"x", value) for at, value in enumerate(others)]
    return Token(0, b"a", logprob, alternatives=tuple(alternatives))


@pytest.mark.parametrize(
    ("tokens", "why"),
    [
        ([told(-0.1, -0.1, -3.0)] * 20, None),
        ([told(0.0, 0.0)] * 7, None),
        ([told(0.0, 0.0)] * 8, "in a row"),
        ([told(-0.5, -0.5), *[told(0.0)] * 8], "in a row"),
        ([*[told(0.0, 0.0)] * 7, told(-0.1, -0.1)] * 3, None),
        # A model can be that sure: the others have next to nothing.
        ([told(0.0, 0.0, -18.0)] * 30, None),
        # Another token has a probability of its own beside one of 1.
        ([told(0.0, 0.0, -1.0)], "sum to 1.37"),
        ([told(None)] * 20, None),
        ([], None),
    ],
)
def test_log_probabilities_that_cannot_be_are_not_trusted(tokens: list[Token], why: str | None) -> None:
    said = distrusted(tokens)
    assert (said is None) if why is None else (said is not None and why in said)


def test_tokens_without_ids_can_be_told_apart() -> None:
    (found,) = entries({"content": [entry("a", -0.1, {"a": -0.1, "b": -3.0, "c": -4.0})]})
    token = found.token(1000)
    assert len({it.id for it in token.alternatives}) == 3
    assert token.id == token.alternatives[0].id < 0
