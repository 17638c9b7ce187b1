"""Which words and tokens carry the answer."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codex.signals import View, answer_groups, focus_mask
from codex.signals.focus import focus_text, token_mask
from codex.signals.view import Group
from codex.types import Generation
from tests.support.observations import make_generation, make_token, observe, said


@pytest.mark.parametrize(
    ("question", "answer", "focus"),
    [
        ("What is the capital of Oman?", "The capital of Oman is Muscat.", "Muscat"),
        ("WHAT IS THE CAPITAL OF OMAN", "the Capital of OMAN is Muscat", "Muscat"),
        ("What is Korea's capital?", "Korea’s capital is Seoul.", "Seoul"),
        ("What is the two-letter code?", "The two letter code is VC.", "VC"),
        ("What is the code?", "The code is X-Y-the-Z.", "X-Y-the-Z"),
        ("Who wrote it?", "It was written by José Ortega y Gasset.", "written José Ortega y Gasset"),
        ("What is 8387 plus 6876?", "8387 plus 6876 is 15,263.", "15,263"),
        ("What is 1000 plus 1?", "1,000 + 1 = 1,001", "1,001"),
        ("What is 2 minus 5?", "2 minus 5 = -3", "-3"),
        ("What share?", "The share is 50%.", "50%"),
        ("Which language?", "The language is C++.", "C++"),
        ("Which letter is it?", "The answer is A.", "A"),
        ("Which country?", "The country is the US.", "US"),
        ("Who sang this?", "This was sung by The Who.", "sung Who"),
    ],
)
def test_the_words_of_the_question_and_stop_words_fall_away(question: str, answer: str, focus: str) -> None:
    assert focus_text(question, answer) == focus


@pytest.mark.parametrize(
    ("question", "answer", "focus"),
    [
        ("Is Oman landlocked?", "No, Oman is not landlocked.", "No"),
        ("Is Oman landlocked?", "Oman is not landlocked.", "not"),
        ("Is Oman landlocked?", "Oman isn't landlocked.", "isn't"),
        ("Is Oman landlocked? Answer yes or no.", "Yes.", "Yes"),
        ("Is it true or false that Oman is landlocked?", "It is false.", "false"),
        ("Has it ever been so?", "It has never been so.", "never"),
    ],
)
def test_yes_no_and_negation_carry_the_answer_once(question: str, answer: str, focus: str) -> None:
    assert focus_text(question, answer) == focus


@pytest.mark.parametrize(
    ("question", "answer", "focus"),
    [
        ("Is Paris or Rome bigger?", "Paris is bigger.", "Paris"),
        ("Is the Moon or the Sun bigger?", "The Sun is bigger than the Moon.", "Sun Moon"),
        ("In which region (Africa, Americas or Asia) is Mali?", "Mali is in Africa.", "Africa"),
        ("In Mali, is French or Bambara spoken?", "In Mali French is spoken.", "French"),
    ],
)
def test_what_the_question_offers_with_or_is_not_given(question: str, answer: str, focus: str) -> None:
    assert focus_text(question, answer) == focus


@pytest.mark.parametrize(
    ("question", "answer", "focus"),
    [
        ("日本の首都はどこですか?", "日本の首都は東京です。", "東京"),
        ("京都はどこの都市ですか?", "東京", "東京"),
        ("中国的首都是哪里?", "中国的首都是北京。", "北京"),
        ("Ποια είναι η πρωτεύουσα της Ελλάδας;", "Η πρωτεύουσα της Ελλάδας είναι η Αθήνα.", "Αθήνα"),
        ("ما هي عاصمة مصر؟", "عاصمة مصر هي القاهرة.", "القاهرة"),
        ("भारत की राजधानी क्या है?", "भारत की राजधानी नई दिल्ली है।", "नई दिल्ली"),
        ("เมืองหลวงชื่ออะไร", "เมืองหลวงคือกรุงเทพ", "เมืองหลวงคือกรุงเทพ"),
    ],
)
def test_other_scripts_keep_what_the_question_does_not_say(question: str, answer: str, focus: str) -> None:
    assert focus_text(question, answer) == focus


@pytest.mark.parametrize("answer", ["Oman", "It is.", "!?", "", "the capital of Oman"])
def test_the_whole_answer_is_its_focus_when_nothing_is_left(answer: str) -> None:
    assert focus_text("What is the capital of Oman?", answer) == answer


def mask_of(question: str, *pieces: str | bytes) -> str:
    """The mask as a word of x (focus) and - (not), one for each token."""
    observation = observe(question, [make_token(piece) for piece in pieces])
    return "".join("x" if held else "-" for held in focus_mask(observation))


def test_a_word_is_taken_with_all_its_tokens_and_without_punctuation() -> None:
    assert mask_of("What is the capital of Oman?", "The", " capital", " is", " Mus", "cat", ".") == "---xx-"


def test_the_hyphens_and_commas_inside_a_word_belong_to_it() -> None:
    assert mask_of("What is the code?", "The", " code", " is", " Port", "-", "au", "-", "1", ",", "000") == (
        "---" + "x" * 7
    )


def test_a_token_of_space_alone_is_not_focus() -> None:
    assert mask_of("What is it?", "It", " is", " ", "4", "2") == "---xx"


def test_a_character_split_over_tokens_is_taken_whole() -> None:
    tokyo = "東京".encode()
    assert mask_of("日本の首都は?", "日本の", "首都は", tokyo[:2], tokyo[2:5], tokyo[5:], "。") == "--xxx-"


def test_a_character_cut_off_at_the_end_harms_nothing() -> None:
    assert mask_of("Where is Oman?", "Oman", " is", " in", " Asia", " ", "東".encode()[:2]) == "---x--"


def test_punctuation_is_focus_only_when_the_answer_is_nothing_else() -> None:
    assert mask_of("Which sign?", "<") == "x"
    assert mask_of("Which sign?", "...", "!") == "xx"
    assert mask_of("Which sign?") == ""


def test_what_lies_behind_a_stop_string_is_not_part_of_the_answer() -> None:
    tokens = tuple(make_token(piece) for piece in ("It", " is", " Rome", ".", "\nQ: Next"))
    cut = Generation("It is Rome.\n", tokens, "stop", prompt_tokens=1, seconds=0.0)
    assert token_mask("Where?", cut) == (False, False, True, False, False)


@given(st.text(max_size=30), st.text(max_size=30), st.data())
def test_the_mask_does_not_depend_on_how_bytes_are_cut_into_tokens(
    question: str, answer: str, data: st.DataObject
) -> None:
    raw = answer.encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=6)))
    edges = list(zip([0, *cuts], [*cuts, len(raw)], strict=True))
    by_token = token_mask(question, make_generation([make_token(raw[a:b]) for a, b in edges]))
    by_byte = token_mask(question, make_generation([make_token(raw[i : i + 1]) for i in range(len(raw))]))
    if not all(by_byte):
        assert by_token == tuple(any(by_byte[a:b]) for a, b in edges)
    assert any(by_token)


@given(st.text(max_size=60), st.text(max_size=60))
def test_the_focus_is_made_of_the_answers_characters_in_order(question: str, answer: str) -> None:
    left = iter(answer)
    assert all(character in left for character in focus_text(question, answer) if character != " ")


def test_the_focus_view_sees_the_same_words_in_answer_and_samples() -> None:
    observation = observe(
        "What is the capital of Oman?",
        [make_token("Oman's capital is"), make_token(" Muscat.")],
        ["The capital of Oman is Muscat.", "Muscat", "It is Salalah"],
    )
    view = View.focus(observation)
    assert view.answer == "Muscat"
    assert view.samples == ("Muscat", "Muscat", "Salalah")
    assert [token.text for token in view.tokens] == [" Muscat."]


def test_samples_are_grouped_by_what_they_say_largest_first() -> None:
    observation = observe(
        "What is the capital of Oman?",
        [make_token("Muscat")],
        ["It is Salalah", "muscat", "The capital of Oman is Muscat.", "Nizwa", "Muscat"],
    )
    assert answer_groups(observation) == [
        Group("Muscat", (1, 2, 4), contains_answer=True),
        Group("Salalah", (0,), contains_answer=False),
        Group("Nizwa", (3,), contains_answer=False),
    ]


def test_without_samples_there_are_no_groups() -> None:
    assert answer_groups(observe("Where?", [make_token("Rome")])) == []
    assert View.whole(observe("Where?", said("Rome").tokens)).groups == []
