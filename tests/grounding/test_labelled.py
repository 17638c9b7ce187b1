"""The labelled answers that ship: how many, of which kinds, and how hard."""

from __future__ import annotations

from collections import Counter

from codex.grounding.judges import LexicalJudge
from codex.grounding.labelled import FOLDER, answers, evidence
from codex.grounding.sentences import parts


def test_a_third_each_is_supported_contradicted_and_neither() -> None:
    cases = evidence().cases
    count = Counter(case.label for case in cases)
    assert sum(count.values()) == 200
    assert all(60 <= each <= 70 for each in count.values()), count
    assert [case.holds for case in cases] == [case.label == "support" for case in cases]
    assert len({(case.question, case.answer, case.passages[0].text) for case in cases}) == 200
    assert len({case.passages[0].text for case in cases}) == 40


def test_answers_are_bare_values_and_sentences() -> None:
    words = [len(case.answer.split()) for case in evidence().cases]
    assert sum(each <= 3 for each in words) >= 60
    assert sum(each >= 6 for each in words) >= 50
    assert all(len(parts(case.answer)) == 1 for case in evidence().cases)


def test_words_alone_do_not_give_the_labels_away() -> None:
    """Most contradicted answers stand in the passage, and many supported ones in other words."""

    def share(label: str) -> list[float]:
        found = (
            LexicalJudge().judge(case.question, case.answer, case.passages).probability
            for case in evidence().cases
            if case.label == label
        )
        return [each or 0.0 for each in found]

    assert sum(each == 1.0 for each in share("contradiction")) >= 35
    assert sum(each <= 0.5 for each in share("support")) >= 17


def test_each_question_has_a_correct_and_an_incorrect_answer() -> None:
    cases = answers().cases
    assert Counter(case.holds for case in cases) == {True: 100, False: 100}
    assert len({case.question for case in cases}) == 100
    assert all(case.answer in case.candidates and len(set(case.candidates)) == 2 for case in cases)


def test_the_card_counts_what_is_there() -> None:
    card = (FOLDER / "README.md").read_text("utf-8")
    count = Counter(case.label for case in evidence().cases)
    said = (
        f"{count['support']} that the passage supports, {count['contradiction']} that it contradicts, "
        f"{count['none']} of which it says nothing"
    )
    assert said in card
