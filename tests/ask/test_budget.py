"""How many tokens a client may have generated in a day."""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from codex.ask.budget import DAY, Budget
from codex.ask.places import Client
from codex.ask.workbench import Workbench
from codex.engines.base import GenerationParams
from codex.errors import Cancelled, TooMany
from codex.settings import load_settings
from codex.store import Store
from codex.types import TokenEvent
from tests.support.observations import make_token
from tests.support.scripted import Script, ScriptedEngine

ANNA, BEN = Client("a", "user anna"), Client("b", "user ben")
WORDS = Script(["One", " two", " three", " four"], samples=["One two three four"])


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def workbench(tmp_path: Path) -> Iterator[Workbench]:
    settings = load_settings([f"home={tmp_path}", "server.tokens_per_day=20", "ask.n_samples=1"])
    made = Workbench(settings, ScriptedEngine(lambda prompt: WORDS), Store(settings.database))
    yield made
    made.close()


def tokens_of(workbench: Workbench, **options: object) -> int:
    step = workbench.answer("How far can you count?", **options).steps[0]  # type: ignore[arg-type]
    observation = step.observation
    return len(observation.generation.tokens) + sum(len(each.tokens) for each in observation.samples)


def test_a_client_is_told_when_it_may_ask_again_and_others_are_served() -> None:
    clock = Clock()
    budget = Budget(10, clock)
    budget.spend(ANNA, 9)
    budget.check(ANNA)
    budget.spend(ANNA, 5)
    with pytest.raises(TooMany, match=r"14 tokens, and 10 are allowed") as refused:
        budget.check(ANNA)
    assert refused.value.status == 429
    assert refused.value.retry_after == DAY
    budget.check(BEN)
    budget.check(None)
    clock.now += DAY - 1
    with pytest.raises(TooMany):
        budget.check(ANNA)
    clock.now += 1
    budget.check(ANNA)


def test_without_a_limit_nothing_is_counted() -> None:
    budget = Budget(None)
    budget.spend(ANNA, 10**9)
    budget.check(ANNA)


def until_refused(ask: Callable[[], object]) -> TooMany:
    """Ask again and again."""
    for _ in range(100):
        try:
            ask()
        except TooMany as refused:
            return refused
    pytest.fail("The budget has no end.")


def test_questions_count_with_their_samples_until_the_budget_is_spent(workbench: Workbench) -> None:
    spent: list[int] = []
    refused = until_refused(lambda: spent.append(tokens_of(workbench, client=ANNA)))
    assert sum(spent) >= 20 > sum(spent[:-1])
    assert f"{sum(spent)} tokens" in str(refused)
    assert tokens_of(workbench, client=BEN)
    assert tokens_of(workbench)
    with pytest.raises(TooMany):
        list(workbench.texts.write_on("Once", [GenerationParams(max_tokens=4)], client=ANNA))


def test_a_text_that_is_written_on_counts(workbench: Workbench) -> None:
    rows = [GenerationParams(max_tokens=4)] * 3
    until_refused(lambda: list(workbench.texts.write_on("Once", rows, client=ANNA)))


def test_a_cancelled_question_counts_for_what_it_took(workbench: Workbench) -> None:
    def cancelled() -> None:
        cancel = threading.Event()
        with suppress(Cancelled):
            for event in workbench.ask("How far can you count?", cancel=cancel, client=ANNA):
                if isinstance(event, TokenEvent):
                    cancel.set()

    until_refused(cancelled)


def test_a_caller_who_goes_away_closes_what_is_counted() -> None:
    closed = []

    def events() -> Generator[TokenEvent, None, None]:
        try:
            yield TokenEvent(0, 0, make_token("A", 0.5))
        finally:
            closed.append(True)

    counted = Budget(10).counted(ANNA, 1, events())
    next(counted)
    counted.close()
    assert closed == [True]


def test_what_events_return_is_passed_on() -> None:
    def events() -> Generator[TokenEvent, None, str]:
        return "the end"
        yield  # type: ignore[unreachable]

    def run() -> Generator[object, None, None]:
        assert (yield from Budget(1).counted(ANNA, 1, events())) == "the end"  # type: ignore[arg-type]

    assert list(run()) == []
