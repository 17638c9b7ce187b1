"""Cutting an answer into what its tokens show."""

from __future__ import annotations

from codex.pages.ask.token_texts import token_texts
from codex.types import Token


def tokens(*parts: str | bytes) -> list[Token]:
    return [Token(i, p.encode() if isinstance(p, str) else p, -0.1) for i, p in enumerate(parts)]


def test_the_parts_of_a_word_belong_together_and_punctuation_stands_alone() -> None:
    cut = token_texts(tokens("It", " is", " Can", "ber", "ra", "."), "It is Canberra.")
    assert cut.units == (1, 2, 3, 4, 5, 6)
    assert cut.words == (1, 2, 5, 6)


def test_a_character_that_is_split_over_tokens_shows_once_and_whole() -> None:
    whole = "😀".encode()
    cut = token_texts(tokens("Hi ", whole[:1], whole[1:3], whole[3:], "!"), "Hi 😀!")
    assert cut.texts == ("Hi ", "", "", "😀", "!")
    assert cut.units == (1, 4, 5)


def test_a_character_that_is_never_completed_shows_as_a_replacement() -> None:
    cut = token_texts(tokens("a", "é".encode()[:1]), "a\ufffd")
    assert cut.texts == ("a", "\ufffd")
    assert cut.units[-1] == 2


def test_what_the_last_token_holds_past_a_stop_string_is_not_shown() -> None:
    cut = token_texts(tokens("Paris", ".\n\nQuestion"), "Paris.")
    assert "".join(cut.texts) == "Paris."


def test_tokens_without_text_belong_to_what_they_stand_beside() -> None:
    cut = token_texts(tokens("", "Yes", ""), "Yes")
    assert cut.units == (3,)
    assert cut.words == (3,)


def test_an_answer_without_tokens_has_no_pieces() -> None:
    cut = token_texts([], "")
    assert (cut.texts, cut.units, cut.words) == ((), (), ())
