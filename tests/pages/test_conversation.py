"""Follow-ups on the Ask page, as plain calls."""

from __future__ import annotations

from typing import Any

from codex.ask.workbench import Workbench
from codex.pages.ask.page import AskPage
from codex.policy import Policy
from codex.types import FOLLOWS, Message, Run
from tests.pages.conftest import Pages
from tests.support.evaluated import put_calibrator, put_run


def asked(page: AskPage, question: str, **more: Any) -> dict[str, Any]:
    """Ask to the end; the last state of the run."""
    *_, last = page.ask({"run": question, "question": question, **more})
    assert last["error"] is None
    return last


def opened(page: AskPage, trace: str) -> dict[str, Any]:
    shown: dict[str, Any] = page.look({"trace": trace})["open"]
    return shown


def test_the_turns_before_an_answer_are_listed_oldest_first(pages: Pages) -> None:
    page = pages()
    first = asked(page, "One?")["trace"]
    second = asked(page, "Two?", follows=first)["trace"]
    asked(page, "Aside?", session=page.workbench.traces.get(first).session_id)
    third = asked(page, "Three?", follows=second)["trace"]
    shown = opened(page, third)
    assert [turn["id"] for turn in shown["turns"]] == [first, second]
    assert [turn["question"] for turn in shown["turns"]] == ["One?", "Two?"]
    assert shown["turns"][0]["action"] == page.workbench.traces.get(first).last.decision.action
    assert shown["turns"][0]["confidence"] == page.workbench.traces.get(first).last.confidence.value
    assert (shown["before"]["turns"], shown["before"]["follows"]) == (2, second)
    assert opened(page, first)["before"] is None


def test_a_withheld_turn_shows_what_was_said_instead_of_the_answer(pages: Pages) -> None:
    page = pages()
    first = page.workbench.answer("One?", policy=Policy(abstain_below=1.0, answer_above=1.0))
    second = asked(page, "Two?", follows=first.id)["trace"]
    (turn,) = opened(page, second)["turns"]
    assert turn["action"] == "abstain"
    assert turn["answer"] == first.answer
    assert turn["answer"].startswith("I am not sure enough to answer")


def test_a_branch_can_be_followed_up_beside_its_answer(pages: Pages) -> None:
    page = pages()
    first = asked(page, "One?")["trace"]
    token = page.workbench.traces.get(first).last.observation.generation.tokens[3].alternatives[1]
    *_, branch = page.branch({"run": "b", "trace": first, "position": 3, "token": token.id})
    follow = opened(page, first)["follow"]
    assert set(follow) == {first, branch["trace"]}
    assert follow[first]["no"] is None
    third = asked(page, "Two?", follows=branch["trace"])["trace"]
    assert [turn["id"] for turn in opened(page, third)["turns"]] == [branch["trace"]]


def test_after_a_restart_it_is_said_that_a_conversation_was_not_kept(pages: Pages) -> None:
    page = pages()
    first = asked(page, "One?")["trace"]
    page.workbench.close()
    assert "was not kept" in opened(pages(), first)["follow"][first]["no"]


def test_what_came_with_its_own_history_says_so(pages: Pages) -> None:
    page = pages()
    history = [Message("user", "One?"), Message("assistant", "1.")]
    trace = page.workbench.answer("Two?", history=history).id
    shown = opened(page, trace)
    assert shown["turns"] == []
    assert (shown["before"]["turns"], shown["before"]["follows"]) == (1, None)
    assert "came with the request" in shown["follow"][trace]["no"]


def calibrated_for(bench: Workbench, run: Run, prompt: str) -> None:
    ours = bench.active.origin()
    version = put_calibrator(bench.store, run, model=ours.model, prompt=prompt, n_samples=ours.n_samples)
    bench.active.activate_calibrator(version)


def test_a_calibrator_of_first_questions_says_that_it_does_not_hold_for_a_follow_up(pages: Pages) -> None:
    page = pages()
    bench = page.workbench
    run, prompt = put_run(bench.store, graded=90), bench.active.origin().prompt
    calibrated_for(bench, run, prompt)
    first = asked(page, "One?")["trace"]
    second = asked(page, "Two?", follows=first)["trace"]
    assert "to first questions, not to follow-ups" in opened(page, second)["uncalibrated"]
    assert opened(page, first)["uncalibrated"] == ""
    calibrated_for(bench, run, prompt + FOLLOWS)
    assert "to follow-ups, not to first questions" in bench.active.calibration[1]
