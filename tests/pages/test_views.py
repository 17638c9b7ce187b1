"""What the page is told of a trace."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from codex.ask.workbench import Workbench
from codex.pages import JSON
from codex.pages.ask.view import (
    ALTERNATIVES,
    differing,
    family,
    roots,
    samples_view,
    signals_view,
    token_view,
    trace_view,
)
from codex.signals import REGISTRY
from codex.store import TraceSummary
from codex.types import (
    Action,
    Alternative,
    Confidence,
    Gate,
    Generation,
    Observation,
    PredictionSet,
    Token,
    Trace,
)
from tests.pages.conftest import Pages


@pytest.fixture
def workbench(pages: Pages) -> Workbench:
    return pages().workbench


@pytest.fixture
def trace(workbench: Workbench) -> Trace:
    return workbench.answer("What is the capital of Australia?")


def test_a_view_is_plain_json_and_its_pieces_join_to_the_answer(trace: Trace) -> None:
    view = json.loads(json.dumps(trace_view(trace, fingerprint=trace.model, correct=None), allow_nan=False))
    assert "".join(token["text"] for token in view["last"]["tokens"]) == "The capital is Canberra."
    assert view["last"]["words"] == [1, 2, 3, 5, 6]


def test_samples_stand_in_groups_with_the_answers_own_marked(trace: Trace) -> None:
    samples = trace_view(trace, fingerprint=trace.model, correct=None)["last"]["samples"]
    assert samples["total"] == 5
    assert [(group["text"], len(group["members"]), group["answer"]) for group in samples["groups"]] == [
        ("Canberra", 2, True),
        ("Sydney", 2, False),
        ("Canberra, of course.", 1, False),
    ]


def test_a_group_is_called_by_words_that_its_samples_say_together() -> None:
    def said(text: str) -> Generation:
        return Generation(text, (), "stop", 1, 0.1)

    told = ("It is Sydney.", "Sydney", " Sydney\n", "long " * 50, "\nPerth, as I said:\nit lies in the west")
    view = samples_view(Observation("Where?", said("Sydney"), samples=tuple(said(text) for text in told)))
    names = {group["text"]: len(group["members"]) for group in view["groups"]}
    assert names == {"Sydney": 3, f"{'long ' * 23}…": 1, "Perth, as I said:": 1}


def test_the_groups_in_the_answer_set_are_marked_also_where_the_question_was_not_kept(
    workbench: Workbench, trace: Trace
) -> None:
    kept = PredictionSet(level=0.9, answers=("Canberra", "Sydney"), samples=(0, 1, 3, 4), any=False)

    def samples(of: Trace, **told: Any) -> JSON:
        of = replace(of, params=replace(of.params, prediction_set=replace(kept, **told)))
        view: JSON = trace_view(of, fingerprint=of.model, correct=None)["last"]["samples"]
        return view

    for each in (trace, workbench.store.load(trace.id)):
        view = samples(each)
        assert view["likely"] == "At the 90% confidence level the correct answer is among: Canberra, Sydney."
        assert [group["inside"] for group in view["groups"]] == [True, True, False]
    assert not any(group["inside"] for group in samples(trace, any=True)["groups"])
    plain = trace_view(trace, fingerprint=trace.model, correct=None)["last"]["samples"]
    assert plain["likely"] is None
    assert not any(group["inside"] for group in plain["groups"])


def test_words_that_the_answer_lacks_are_marked_wherever_they_stand() -> None:
    parts = differing("Canberra is the  large capital!", "The capital is Canberra.")
    assert "".join(text for text, _ in parts) == "Canberra is the  large capital!"
    assert [text for text, lacks in parts if lacks] == ["large"]


@pytest.mark.parametrize("text", ["", "...", "  spaced  out  ", "日本"])
def test_the_parts_of_a_sample_always_join_to_it(text: str) -> None:
    assert "".join(part for part, _ in differing(text, "other")) == text


def test_the_chosen_token_is_shown_even_when_it_was_unlikely() -> None:
    others = tuple(Alternative(i, b"x", -1.0 - i) for i in range(20))
    shown = token_view(Token(19, b"x", -20.0, alternatives=others), "x")["alternatives"]
    assert [other["id"] for other in shown] == [*range(ALTERNATIVES), 19]


def test_a_part_of_a_character_is_shown_by_its_bytes() -> None:
    token = Token(1, b"\xe2", -0.1, alternatives=(Alternative(1, b"\xe2\x80", math.log(0.5)),))
    assert token_view(token, "")["alternatives"][0]["text"] == "⟨E2 80⟩"


def test_every_signal_of_the_register_is_listed_in_each_form_it_has() -> None:
    values: dict[str, float | None] = dict.fromkeys(REGISTRY)
    forms = [form["name"] for group in signals_view(values) for row in group["rows"] for form in row["forms"]]
    assert sorted(forms) == sorted(REGISTRY)


def test_signals_stand_under_what_they_are_measured_on() -> None:
    groups = {group["title"]: group["rows"] for group in signals_view(dict.fromkeys(REGISTRY))}
    first = {title: rows[0]["forms"][0]["name"] for title, rows in groups.items()}
    assert first == {
        "Of the answer's tokens": "avg_logprob",
        "Of the samples' agreement": "answer_frequency",
        "Of the evidence": "evidence_overlap",
        "Of the verifier": "p_true",
    }
    assert [form["name"] for form in groups["Of the verifier"][0]["forms"]] == ["p_true"]


def test_the_details_say_who_checked_the_answer_and_how_long_it_took(trace: Trace) -> None:
    details = dict(trace_view(trace, fingerprint=trace.model, correct=None)["details"])
    assert details["samples"] == "5, compared by wording"
    assert re.fullmatch(
        rf"{trace.model}, not measured yet, .*; plain prompt, [\d.e−]+ s", details["verifier"]
    )
    assert "judge of evidence" not in details


def test_a_branch_says_where_it_left_its_parent(workbench: Workbench, trace: Trace) -> None:
    other = next(a for a in trace.last.observation.generation.tokens[3].alternatives if a.text == " Sydney")
    *_, last = workbench.branch(trace.id, 3, other.id)
    view = trace_view(last.trace, fingerprint=trace.model, correct=None)  # type: ignore[union-attr]
    assert view["branched"] == {"position": 3, "text": " Sydney"}
    assert [token["given"] for token in view["last"]["tokens"]] == [True] * 4 + [False] * 2


def test_why_an_answer_cannot_be_continued_is_said(trace: Trace) -> None:
    def why(of: Trace, model: str) -> str | None:
        reason: str | None = trace_view(of, fingerprint=model, correct=None)["no_branch"]
        return reason

    assert why(trace, trace.model) is None
    assert "not kept" in (why(replace(trace, question=None), trace.model) or "")
    assert trace.model in (why(trace, "another model") or "")


def test_the_family_of_a_branch_is_its_question_with_all_branches() -> None:
    asked = [summary("a"), summary("b"), summary("b1", "b"), summary("b2", "b1"), summary("c")]
    root, members = family(asked, "b2")
    assert (root.id, [member.id for member in members]) == ("b", ["b", "b1", "b2"])
    assert [trace.id for trace in roots(asked)] == ["a", "b", "c"]


@pytest.mark.parametrize("wanted", [None, "gone"])
def test_without_a_known_trace_the_last_question_is_opened(wanted: str | None) -> None:
    root, _ = family([summary("a"), summary("b"), summary("b1", "b")], wanted)
    assert root.id == "b"


def summary(name: str, parent: str | None = None) -> TraceSummary:
    at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=ord(name[0]))
    return TraceSummary(
        name, at, None, "0", "reply", "answer", Gate.PROCEED, Action.ANSWER, Confidence(0.5), parent, None
    )
