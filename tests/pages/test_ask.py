"""The Ask page's calls: what streams, what opens, what is said when something is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from codex.ask.places import Client
from codex.datasets.library import load
from codex.errors import Conflict, InvalidInput, ModelError, NotFound
from codex.pages.ask.page import FRAME, AskPage, slider_ranges, throttled
from codex.pages.ask.runs import ENDED, FOLLOWERS
from codex.policy import Policy, Rule
from codex.types import (
    Action,
    CheckedEvent,
    Decision,
    DecisionEvent,
    Event,
    Gate,
    Generation,
    GenerationEvent,
    Passage,
    PassagesEvent,
    SamplesEvent,
    Token,
    TokenEvent,
)
from tests.pages.conftest import Pages

QUESTION = "What is the capital of Australia?"


def asked(page: AskPage, question: str = QUESTION, **more: Any) -> dict[str, Any]:
    """Ask to the end; the last state of the run."""
    *_, last = page.ask({"run": "r", "question": question, **more})
    return last


def said(state: dict[str, Any]) -> str:
    """The text of the tokens that streamed."""
    return "".join(t["text"] for chunk in state["chunks"] for t in json.loads(chunk)["tokens"])


def test_a_run_streams_its_tokens_and_ends_with_where_it_was_kept(pages: Pages) -> None:
    page = pages()
    last = asked(page)
    assert said(last) == "The capital is Canberra."
    assert (last["phase"], last["error"]) == ("done", None)
    opened = page.look({"session": last["session"]})["open"]
    assert (opened["question"], opened["trace"]) == (QUESTION, last["trace"])


def test_a_second_question_stays_in_the_session_and_a_branch_beside_its_answer(pages: Pages) -> None:
    page = pages()
    first = asked(page)
    second = asked(page, session=first["session"])
    token = page.workbench.traces.get(second["trace"]).last.observation.generation.tokens[3].alternatives[1]
    *_, branch = page.branch({"run": "b", "trace": second["trace"], "position": 3, "token": token.id})
    opened = page.look({"session": first["session"], "trace": branch["trace"]})["open"]
    assert [root["id"] for root in opened["roots"]] == [first["trace"], second["trace"]]
    assert [view["id"] for view in opened["traces"]] == [second["trace"], branch["trace"]]
    assert (opened["root"], opened["trace"]) == (second["trace"], branch["trace"])


@pytest.mark.parametrize(
    ("form", "field", "words"),
    [
        ({"question": "  "}, "query", "empty"),
        ({"n_samples": "0"}, "n_samples", "Samples must be a whole number from 1 to"),
        ({"n_samples": "five"}, "n_samples", "Samples must be a whole number"),
        ({"sample_temperature": "-1"}, "sample_temperature", "Temperature must be a number from 0 to 5"),
        ({"max_tokens": "0"}, "max_tokens", "Max tokens must be a whole number from 1 to 8,192"),
        ({"seed": "-1"}, "seed", "Seed must be a whole number from 0"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_runs(
    pages: Pages, form: dict[str, Any], field: str, words: str
) -> None:
    page = pages()
    error = asked(page, **form)["error"]
    assert error["fields"] == [field]
    assert words in error["message"]
    assert page.workbench.model.engine.decodes == []  # type: ignore[attr-defined]


def test_the_forms_numbers_reach_the_engine(pages: Pages) -> None:
    page = pages()
    last = asked(page, n_samples="3", sample_temperature="0.7", max_tokens="2", seed="9")
    params = page.workbench.traces.get(last["trace"]).params
    assert said(last) == "The capital"
    assert params.n_samples == 3
    assert params.samples.temperature == 0.7
    assert params.answer.seed == 9


def test_an_engine_that_fails_is_reported_in_its_own_words(pages: Pages) -> None:
    page = pages(failure=ModelError("The file is not a model."))
    assert asked(page)["error"]["message"] == "The file is not a model."


def test_an_error_that_nobody_foresaw_is_not_shown_in_detail(pages: Pages) -> None:
    page = pages(failure=RuntimeError("secret /path"))
    message = asked(page)["error"]["message"]
    assert "secret" not in message
    assert "log" in message


def test_a_cancelled_run_stops_the_engine_and_stores_nothing(pages: Pages) -> None:
    page = pages(delay=0.05)
    run = page.ask({"run": "r", "question": QUESTION})
    assert any(state["phase"] == "answering" for state in run)
    page.cancel({"run": "r"})
    *_, last = run
    assert last["error"]["cancelled"]
    assert page.workbench.model.engine.running == 0  # type: ignore[attr-defined]
    assert page.look({})["sidebar"]["sessions"] == []


def test_a_run_that_is_cancelled_before_it_begins_stores_nothing(pages: Pages) -> None:
    page = pages()
    page.cancel({"run": "r"})
    assert asked(page, run="r")["error"]["cancelled"]
    assert page.workbench.model.engine.running == 0  # type: ignore[attr-defined]
    assert page.look({})["sidebar"]["sessions"] == []
    assert asked(page, run="another")["phase"] == "done"


def test_a_run_that_nobody_follows_is_answered_and_stored(pages: Pages) -> None:
    page = pages(delay=0.01)
    run = page.ask({"run": "r", "question": QUESTION})
    next(run)
    run.close()  # type: ignore[attr-defined]
    *_, last = page.follow({"run": "r"})
    assert (last["phase"], said(last)) == ("done", "The capital is Canberra.")
    assert page.look({"session": last["session"]})["open"]["trace"] == last["trace"]


def test_a_run_is_followed_by_several_at_once_and_after_its_end(pages: Pages) -> None:
    page = pages()
    ends = [list(page.ask({"run": "r", "question": QUESTION}))[-1]]
    ends += [list(page.follow({"run": "r"}))[-1] for _ in range(2)]
    assert [end["trace"] for end in ends] == [ends[0]["trace"]] * 3
    assert page.version({"run": "r"}) == ends[0]["version"]


def test_one_page_too_many_takes_the_place_of_the_oldest(pages: Pages) -> None:
    page = pages(delay=0.05)
    first = page.ask({"run": "r", "question": QUESTION})
    next(first)
    others = [page.follow({"run": "r"}) for _ in range(FOLLOWERS)]
    for other in others:
        next(other)
    assert [*first] == []
    assert [[*other][-1]["phase"] for other in others] == ["done"] * FOLLOWERS


def test_what_a_page_left_is_taken_up_by_the_next_page_of_the_same_client_alone(pages: Pages) -> None:
    page = pages(delay=0.01)
    ann, bob = Client("ann", "a"), Client("bob", "b")
    run = page.ask({"run": "r", "question": QUESTION}, ann)
    next(run)
    assert page.runs.left(ann) is None
    assert [about["question"] for about in page.runs.under_way(ann)] == [QUESTION]
    page.runs.leave("r", bob)
    page.runs.leave("r", ann)
    assert (page.runs.left(bob), page.runs.under_way(bob), page.runs.version("r", bob)) == (None, [], None)
    with pytest.raises(NotFound):
        next(page.follow({"run": "r"}, bob))
    assert page.runs.left(ann) == {
        "run": "r",
        "question": QUESTION,
        "session": None,
        "branch": None,
        "follows": None,
    }
    assert [*page.follow({"run": "r"}, ann)][-1]["phase"] == "done"
    assert (page.runs.left(ann), page.runs.under_way(ann)) == (None, [])


def test_runs_that_ended_long_ago_are_forgotten(pages: Pages) -> None:
    page = pages()
    for number in range(ENDED + 2):
        asked(page, run=f"r{number}")
    assert page.version({"run": "r0"}) is None
    assert page.version({"run": f"r{ENDED + 1}"}) is not None


def test_a_session_that_is_deleted_stops_what_is_asked_in_it(pages: Pages) -> None:
    page = pages(delay=0.05)
    session = asked(page)["session"]
    run = page.ask({"run": "next", "question": QUESTION, "session": session})
    next(run)
    page.delete_session({"session": session})
    assert [*run][-1]["error"]["cancelled"]
    assert page.look({})["sidebar"]["sessions"] == []


def test_a_trace_alone_is_opened_in_its_session(pages: Pages) -> None:
    page = pages()
    first = asked(page)
    second = asked(page, session=first["session"])
    opened = page.look({"trace": first["trace"]})["open"]
    assert (opened["session"], opened["trace"]) == (first["session"], first["trace"])
    assert second["trace"] in [root["id"] for root in opened["roots"]]
    with pytest.raises(NotFound):
        page.look({"trace": "nope"})


def test_a_cancelled_run_stops_no_other(pages: Pages) -> None:
    page = pages(delay=0.02)
    mine, other = (page.ask({"run": run, "question": QUESTION}) for run in ("mine", "other"))
    for run in (mine, other):
        next(run)
    page.runs.cancel("mine")
    assert [*mine][-1]["error"]["cancelled"]
    assert [*other][-1]["phase"] == "done"


def test_moved_thresholds_decide_again_without_the_model(pages: Pages) -> None:
    page = pages()
    trace = asked(page)["trace"]
    before = len(page.workbench.model.engine.decodes)  # type: ignore[attr-defined]
    strict = page.config()["active"]["policy"] | {"answer_above": 1.0, "abstain_below": 0.0}
    decision = page.redecide({"trace": trace, "policy": strict})
    assert decision["action"] == "defer"
    assert len(page.workbench.model.engine.decodes) == before  # type: ignore[attr-defined]


def test_each_look_brings_the_policy_that_decides_now(pages: Pages) -> None:
    page = pages()
    before = page.look({})["active"]
    assert before == page.config()["active"]
    page.workbench.active.activate_policy(Policy(name="strict", answer_above=0.9))
    after = page.look({})["active"]
    assert (after["policy"]["answer_above"], after["version"]) == (0.9, page.workbench.active.policy.version)
    assert after["version"] != before["version"]


def test_thresholds_that_cross_are_refused_in_words(pages: Pages) -> None:
    page = pages()
    crossed = page.config()["active"]["policy"] | {"answer_above": 0.1, "abstain_below": 0.9}
    with pytest.raises(InvalidInput, match="abstain_below"):
        page.redecide({"trace": "any", "policy": crossed})


def test_moved_thresholds_hold_for_the_next_question(pages: Pages) -> None:
    page = pages()
    strict = page.config()["active"]["policy"] | {"answer_above": 1.0, "abstain_below": 1.0}
    trace = page.workbench.traces.get(asked(page, policy=strict)["trace"])
    assert trace.last.decision.action == "abstain"


def test_after_a_restart_the_question_is_only_there_where_it_was_kept(pages: Pages) -> None:
    page = pages()
    hidden = asked(page)
    page.set_privacy({"level": "full"})
    kept = asked(page)
    again = pages()
    assert again.look({"session": kept["session"]})["open"]["question"] == QUESTION
    opened = again.look({"session": hidden["session"]})["open"]
    assert opened["question"] is None
    assert "not kept" in opened["traces"][0]["no_branch"]
    titles = {line["id"]: line["title"] for line in again.look({})["sidebar"]["sessions"]}
    assert titles == {kept["session"]: QUESTION, hidden["session"]: "The capital is Canberra."}


def test_a_label_is_kept_and_can_be_taken_back(pages: Pages) -> None:
    page = pages()
    last = asked(page)
    for correct in (True, False, None):
        page.label({"trace": last["trace"], "correct": correct})
        assert page.look({"session": last["session"]})["open"]["traces"][0]["correct"] is correct


def test_a_deleted_session_is_gone(pages: Pages) -> None:
    page = pages()
    session = asked(page)["session"]
    assert page.delete_session({"session": session})["sessions"] == []
    with pytest.raises(NotFound):
        page.look({"session": session})


def test_the_first_token_goes_out_at_once_and_the_next_ones_in_frames() -> None:
    now = [0.0]

    def events() -> Iterator[Event]:
        for index in range(10):
            yield TokenEvent(0, index, Token(index, b"x", -0.1))
            now[0] += FRAME / 3.5  # Not a whole fraction, so that rounding decides nothing.

    sent = [len(json.loads(change["chunk"])["tokens"]) for change in throttled(events(), lambda: now[0])]
    assert sent == [1, 4, 4]


def test_the_phases_of_a_question_that_is_looked_up_after_the_first_answer() -> None:
    token, said = Token(0, b"x", -0.1), Generation("x", (), "stop", 1, 0.1)
    unsure = Decision(Action.DEFER, Gate.RETRIEVE, "entropy 3 > 2.5: retrieve")
    found = PassagesEvent(1, (Passage("p", "d", "a.txt", "<b>x</b>", 0, 8),))
    events: list[Event] = [TokenEvent(0, 0, token), GenerationEvent(0, said), SamplesEvent(0, ())]
    events += [CheckedEvent(0, None, None), DecisionEvent(0, "ask", unsure, "retrieve"), found]
    events += [TokenEvent(1, 0, token), GenerationEvent(1, said), SamplesEvent(1, ())]
    ticks = iter(range(99))
    changes = [*throttled(iter(events), lambda: float(next(ticks)))]
    phases = ["answering", "sampling", "verifying", "judging", "looking", "waiting"]
    assert [change["phase"] for change in changes] == [*phases, "answering", "sampling", "checking"]
    assert json.loads(changes[5]["passages"])[0]["parts"] == [["<b>x</b>", []]]
    assert [json.loads(change["chunk"])["kind"] for change in changes if "chunk" in change] == [
        "ask",
        "retrieve",
    ]


def test_without_documents_there_is_nothing_to_look_up_and_the_answer_says_so(pages: Pages) -> None:
    page = pages()
    assert page.look({})["documents"] is False
    states = [*page.ask({"run": "r", "question": QUESTION, "evidence": "first"})]
    assert "looking" not in {state["phase"] for state in states}
    last = states[-1]
    opened = page.look({"session": last["session"]})["open"]["traces"][0]
    assert "no documents" in opened["last"]["evidence"]["note"]
    assert opened["last"]["evidence"]["passages"] == []


def test_a_sliders_range_holds_its_threshold_even_outside_the_natural_scale() -> None:
    policy = Policy(rules=(Rule(signal="entropy", above=9.0, gate="abstain"),))
    low, high = slider_ranges(policy)["entropy"]
    assert low == 0.0
    assert high == 9.0


def test_a_sliders_range_holds_the_thresholds_of_every_rule_on_its_signal() -> None:
    rules = tuple(Rule(signal="entropy", above=at, gate="abstain") for at in (-1.0, 9.0, 2.0))
    assert slider_ranges(Policy(rules=rules))["entropy"] == (-1.0, 9.0)


def test_the_end_of_codex_stops_what_is_under_way(pages: Pages) -> None:
    page = pages(delay=0.05)
    run = page.ask({"run": "r", "question": QUESTION})
    next(run)
    page.runs.close()
    assert [*run][-1]["error"]["cancelled"]
    assert page.workbench.model.engine.running == 0  # type: ignore[attr-defined]


def test_when_documents_are_used_is_kept_over_a_restart(pages: Pages) -> None:
    page = pages()
    assert page.look({})["evidence"] is None
    page.set_evidence({"evidence": "first"})
    with pytest.raises(InvalidInput):
        page.set_evidence({"evidence": "never"})
    again = pages()
    assert again.look({})["evidence"] == "first"
    # A question that is asked before the page knows it is asked so, too.
    opened = again.look({"trace": asked(again)["trace"]})["open"]["traces"][0]
    assert "no documents" in opened["last"]["evidence"]["note"]


def test_the_page_says_whether_privacy_was_chosen(pages: Pages) -> None:
    page = pages()
    assert page.look({})["sidebar"]["privacy"] == {"level": "hash", "chosen": False, "given": None}
    chosen = page.set_privacy({"level": "hash"})["privacy"]
    assert chosen == {"level": "hash", "chosen": True, "given": None}


def test_an_answers_question_is_added_to_a_dataset_once(pages: Pages) -> None:
    page = pages()
    wanted = {"trace": asked(page)["trace"], "dataset": " mine ", "answers": "Canberra\n\n Canberra, ACT\n"}
    assert page.own_datasets({}) == []
    assert page.add_question(wanted) == "Added to mine, which asks 1 question."
    assert page.own_datasets({}) == ["mine"]
    [item] = load("mine", page.workbench.settings.home)
    assert (item.question, item.answers) == (QUESTION, ("Canberra", "Canberra, ACT"))
    with pytest.raises(Conflict, match="asks this question already"):
        page.add_question(wanted)
    with pytest.raises(Conflict, match="ships with Codex"):
        page.add_question({**wanted, "dataset": "capitals"})
    with pytest.raises(InvalidInput, match="at least one accepted answer"):
        page.add_question({**wanted, "dataset": "other", "answers": " \n"})
    with pytest.raises(NotFound):
        page.add_question({**wanted, "trace": "nowhere"})
