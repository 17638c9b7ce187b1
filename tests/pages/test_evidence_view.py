"""What the page is told of the evidence, and how the story of a question is told."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from codex.ask.loop.course import NOTHING_FOUND
from codex.pages.ask.evidence import CONTEXT, compared, evidence_view, passages_view, stances
from codex.pages.ask.story import notes, step_story, story_line
from codex.pages.ask.view import samples_view, step_view
from codex.types import (
    Action,
    Confidence,
    Decision,
    Gate,
    Generation,
    Grounding,
    Observation,
    Passage,
    PassedOver,
    Similarity,
    Stance,
    Step,
    StepKind,
    Support,
    Token,
)
from tests.support.reliable import CHANCE
from tests.support.traces import make_trace

PIECES = ("The", " lighthouse", " 😀", " is", " old.", " It", " is", " red.")
ANSWER = "".join(PIECES)
FIRST, SECOND = len("The lighthouse 😀 is old."), len(ANSWER)
TEXT = "Zelm 😀 has an old lighthouse. Its keeper was Ada Brook."
QUOTE = (TEXT.index("an old"), TEXT.index(" Its"))
PASSAGE = Passage(
    "p1", "d1", "towers.pdf", TEXT, 100, 100 + len(TEXT), 3, "Coast", {"dense": 0.7, "fused": 0.03}
)
OTHER = replace(PASSAGE, id="p2", document="rivers.txt", page=None, heading="", scores={})
SUPPORTED = Support(0, FIRST, Stance.SUPPORTED, 0.91, None, 0, QUOTE)
NOT_FOUND = Support(FIRST + 1, SECOND, Stance.NOT_FOUND, 0.12)
CONTRADICTED = replace(NOT_FOUND, stance=Stance.CONTRADICTED, contradiction=0.8, passage=1, quote=(0, 4))


def observed(*supports: Support, passages: tuple[Passage, ...] = (PASSAGE, OTHER)) -> Observation:
    tokens = tuple(Token(i, piece.encode(), -0.1) for i, piece in enumerate(PIECES))
    generation = Generation(ANSWER, tokens, "stop", 7, 0.5)
    grounding = Grounding("lexical", supports, 0.01) if supports else None
    return Observation("Is it old?", generation, passages=passages, grounding=grounding)


def step(
    observation: Observation,
    kind: StepKind = "ask",
    gate: Gate = Gate.PROCEED,
    reason: str = "",
    p: float = 0.8,
) -> Step:
    said = (
        f"entropy 2.71 > 2.5: {gate}; confidence 0.80 ≥ answer_above 0.5" if gate is not Gate.PROCEED else ""
    )
    return Step(
        kind,
        "the prompt",
        "0",
        observation,
        tuple(True for _ in observation.generation.tokens),
        {"entropy": 2.71},
        Confidence(p),
        Decision(Action.ANSWER, gate, "; ".join(part for part in (said, reason) if part)),
    )


def test_a_sentence_lies_in_its_own_tokens_whatever_characters_they_hold() -> None:
    sentences = evidence_view(observed(SUPPORTED, NOT_FOUND), PIECES)["sentences"]
    assert [(s["first"], s["last"]) for s in sentences] == [(0, 4), (5, 7)]
    assert [s["text"] for s in sentences] == ["The lighthouse 😀 is old.", "It is red."]


def test_the_words_that_a_sentence_rests_on_are_cut_out_of_the_passage() -> None:
    view = evidence_view(observed(SUPPORTED, CONTRADICTED), PIECES)
    assert view["sentences"][0]["excerpt"] == [
        ("Zelm 😀 has ", False),
        ("an old lighthouse.", True),
        (" Its keeper was Ada Brook.", False),
    ]
    assert view["sentences"][0]["span"] == [100 + QUOTE[0], 100 + QUOTE[1]]
    assert [(part, held) for part, held in view["passages"][0]["parts"] if held] == [
        ("an old lighthouse.", [0])
    ]
    assert [(part, held) for part, held in view["passages"][1]["parts"] if held] == [("Zelm", [1])]


def test_quotes_that_overlap_cut_a_passage_into_parts_that_join_to_it() -> None:
    words = [(0, 12), (5, 20), (20, len(TEXT))]
    supports = [replace(SUPPORTED, quote=quote) for quote in words]
    (view,) = passages_view([PASSAGE], supports)
    assert "".join(part for part, _ in view["parts"]) == TEXT
    assert [held for _, held in view["parts"]] == [[0], [0, 1], [1], [2]]


def test_a_passage_counts_as_cited_only_by_what_it_says_something_of() -> None:
    near = replace(NOT_FOUND, passage=0, quote=(0, 4))
    view = evidence_view(observed(SUPPORTED, near), PIECES)
    assert [passage["cited"] for passage in view["passages"]] == [[0], []]
    assert view["sentences"][1]["passage"] == 0


def test_a_long_passage_is_quoted_with_some_words_around() -> None:
    text = "before " * 100 + "QUOTE" + " after" * 100
    quoted = replace(SUPPORTED, quote=(700, 705))
    (sentence,) = evidence_view(observed(quoted, passages=(replace(PASSAGE, text=text),)), PIECES)[
        "sentences"
    ]
    before, quote, after = (part for part, _ in sentence["excerpt"])
    assert quote == "QUOTE"
    assert before.startswith("… before")
    assert after.endswith("after …")
    assert max(len(before), len(after)) <= CONTEXT + 2


def test_a_passage_whose_text_is_gone_has_no_words_to_mark() -> None:
    gone = replace(PASSAGE, text="")
    view = evidence_view(observed(replace(SUPPORTED, quote=None), passages=(gone,)), PIECES)
    assert view["passages"][0]["parts"] == []
    assert view["sentences"][0]["excerpt"] is None
    assert view["sentences"][0]["passage"] == 0


def test_only_the_scores_that_were_computed_are_listed() -> None:
    view = passages_view([PASSAGE, OTHER])
    assert [(score["label"], score["value"]) for score in view[0]["scores"]] == [
        ("meaning", 0.7),
        ("fused", 0.03),
    ]
    assert view[1]["scores"] == []


@pytest.mark.parametrize(
    ("supports", "said"),
    [
        ((SUPPORTED,), "1 of 1 sentence supported"),
        ((SUPPORTED, NOT_FOUND), "1 of 2 sentences supported"),
        ((SUPPORTED, CONTRADICTED), "1 of 2 sentences supported, 1 contradicted"),
    ],
)
def test_what_the_passages_say_is_told_in_a_few_words(supports: tuple[Support, ...], said: str) -> None:
    assert stances(supports) == said


def test_a_question_that_was_simply_asked_has_no_story() -> None:
    assert story_line([step(observed(passages=()))]) == []


def test_the_story_goes_from_unsure_to_looked_up_to_supported_to_the_decision() -> None:
    unsure = step(observed(passages=()), gate=Gate.RETRIEVE)
    assert story_line([unsure, step(observed(SUPPORTED, NOT_FOUND), "retrieve", p=0.81)]) == [
        "unsure (entropy 2.71 > 2.5)",
        "retrieved 2 passages",
        "1 of 2 sentences supported",
        "answer 81%",
    ]


def test_a_second_look_is_told_after_what_made_it_necessary() -> None:
    first = step(observed(SUPPORTED, passages=(PASSAGE,)), "retrieve", gate=Gate.REFLECT)
    assert story_line([first, step(observed(SUPPORTED, passages=(PASSAGE,)), "reflect")]) == [
        "retrieved 1 passage",
        "1 of 1 sentence supported",
        "unsure (entropy 2.71 > 2.5)",
        "checked its answer",
        "1 of 1 sentence supported",
        "answer 80%",
    ]


@pytest.mark.parametrize(
    ("gate", "line"),
    [
        (Gate.PROCEED, ["searched, found nothing", "answer 80%"]),
        (Gate.RETRIEVE, ["unsure (entropy 2.71 > 2.5)", "searched, found nothing", "answer 80%"]),
    ],
)
def test_a_search_that_found_nothing_is_told_where_it_happened(gate: Gate, line: list[str]) -> None:
    reason = NOTHING_FOUND
    assert story_line([step(observed(passages=()), gate=gate, reason=reason)]) == line


def test_what_could_not_be_done_is_told_apart_from_rule_and_routing() -> None:
    reason = (
        "entropy 2.71 > 2.5: retrieve; confidence 0.40 between abstain_below 0.2 and answer_above 0.5; "
        "the documents could not be searched: no answer from http://localhost:8000; start it"
    )
    said = notes(Decision(Action.DEFER, Gate.RETRIEVE, reason))
    assert said == "the documents could not be searched: no answer from http://localhost:8000; start it"
    assert notes(Decision(Action.ANSWER, Gate.PROCEED, "confidence 0.80 ≥ answer_above 0.5")) == ""
    routed = "80% likely correct: at least the 50% needed to answer"
    assert notes(Decision(Action.ANSWER, Gate.PROCEED, routed)) == ""
    for kinds in ("", " (capitals)"):
        other = f"calibrated on other kinds of questions{kinds}"
        for reason in (f"80% likely correct, but {other}: a person decides", f"{routed}; {other}"):
            assert notes(Decision(Action.DEFER, Gate.PROCEED, reason)) == ""


def test_a_step_can_be_looked_into() -> None:
    told = step_story(step(observed(SUPPORTED), "retrieve"))
    assert told["passages"] == ["towers.pdf", "rivers.txt"]
    assert (told["support"], told["prompt"]) == ("1 of 1 sentence supported", "the prompt")
    assert told["values"] == {"entropy": 2.71}


def test_the_view_of_a_step_with_evidence_is_plain_json() -> None:
    trace = replace(make_trace(1), steps=(step(observed(SUPPORTED), "retrieve"),))
    view = json.loads(json.dumps(step_view(trace), allow_nan=False))
    assert view["evidence"]["judge"] == "lexical"
    assert view["evidence"]["note"] == ""


def test_how_samples_were_compared_is_said_with_its_cost() -> None:
    similarity = Similarity("embedding", ((1.0, 1.0), (1.0, 1.0)), (0, 0), 0.3)
    sample = Generation("It is old.", (), "stop", 7, 0.1)
    observation = replace(observed(), samples=(sample,), similarity=similarity)
    assert samples_view(observation)["compared"] == "by meaning: embedding, 0.30 s"
    assert compared(None) == "by wording"


def test_who_judged_is_said_and_without_a_reliable_judge_nothing_is_cited() -> None:
    view = evidence_view(observed(SUPPORTED), PIECES)
    assert view["judged"].startswith("Judged by ")
    nobody = replace(SUPPORTED, stance=None, probability=None)
    seen = observed(nobody)
    assert seen.grounding is not None
    passed = (PassedOver("model small", CHANCE),)
    seen = replace(seen, grounding=replace(seen.grounding, judge="", passed_over=passed))
    view = evidence_view(seen, PIECES)
    assert view["judged"].startswith("This model cannot judge evidence: model small (AUROC 0.52")
    assert all(passage["cited"] == [] for passage in view["passages"])
    assert view["sentences"][0]["stance"] is None
    assert view["sentences"][0]["excerpt"] is not None
    assert stances([nobody]) == "evidence not judged"
