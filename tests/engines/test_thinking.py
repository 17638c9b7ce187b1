"""Reasoning that a server leaves in the text of an answer."""

from __future__ import annotations

import pytest

from codex.engines.openai_api.shapes import Entry
from codex.engines.openai_api.thinking import Thinking


def parted(*pieces: str, expected: bool = True) -> tuple[str, list[tuple[str, float | None]]]:
    """The reasoning, and the tokens of the answer; the tokens' log-probabilities are -1, -2, ..."""
    thinking = Thinking(expected)
    entries = [Entry(at, piece.encode(), -float(at)) for at, piece in enumerate(pieces, 1)]
    found = [it for entry in entries for it in thinking.take(entry)] + thinking.end()
    return thinking.text, [(it.bytes.decode(), it.logprob) for it in found]


@pytest.mark.parametrize(
    ("pieces", "thought", "answer"),
    [
        (("<think>", "2 and", " 2", "</think>", "\n\n", "4", "."), "2 and 2", [("4", -6.0), (".", -7.0)]),
        (("\n<th", "ink>", "ah</thi", "nk>", "4"), "ah", [("4", -5.0)]),
        (("<think>", "x", "</think>4", "!"), "x", [("4", None), ("!", -4.0)]),
        (("<think>", "x", "</think>", " 4"), "x", [("4", -4.0)]),
        (("<think>\n\n</think>\n\n", "4"), "", [("4", -2.0)]),
        (("<think>", "and on", " and on"), "and on and on", []),
        (("<", "b>", "4"), "", [("<", -1.0), ("b>", -2.0), ("4", -3.0)]),
        (("<thi",), "", [("<thi", -1.0)]),
        (("4", "<think>", "no"), "", [("4", -1.0), ("<think>", -2.0), ("no", -3.0)]),
        ((), "", []),
    ],
    ids=[
        *("tokens", "divided tags", "answer in the tag's token", "white space before the answer"),
        *("empty", "never closed", "another tag", "begun tag", "in the answer", "nothing"),
    ],
)
def test_reasoning_is_parted_from_the_answer(
    pieces: tuple[str, ...], thought: str, answer: list[tuple[str, float | None]]
) -> None:
    assert parted(*pieces) == (thought, answer)


def test_an_answer_that_has_begun_holds_no_reasoning() -> None:
    assert parted("<think>", "4", expected=False) == ("", [("<think>", -1.0), ("4", -2.0)])
