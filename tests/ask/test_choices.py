"""What is chosen on a page: kept over a restart, below what was given at the start, private."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codex.ask.choices import Choices
from codex.ask.places import Client
from codex.ask.workbench import Workbench
from codex.errors import Conflict, InvalidInput, StoreError
from codex.settings import load_settings
from codex.store import Store
from tests.support.scripted import Script, ScriptedEngine

QUESTION = "What is the capital of Australia?"
Start = Callable[..., Workbench]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start Codex with settings, after the end of the one before."""
    opened: list[Workbench] = []

    def make(*overrides: str) -> Workbench:
        for workbench in opened:
            workbench.close()
        settings = load_settings([f"home={tmp_path}", *overrides])
        engine = ScriptedEngine(lambda prompt: Script(["Canberra"]))
        store = Store(settings.database, settings.store.privacy)
        opened.append(Workbench(settings, engine, store, overrides))
        return opened[-1]

    yield make
    opened[-1].close()


def test_the_chosen_privacy_is_that_of_the_next_start(start: Start) -> None:
    start().traces.choose_privacy("full")
    again = start()
    assert again.store.privacy == "full"
    assert again.store.load(again.answer(QUESTION).id).question == QUESTION


def test_a_setting_given_at_the_start_wins_and_nothing_can_be_chosen(start: Start) -> None:
    start().traces.choose_privacy("full")
    given = start("store.privacy=preview")
    assert given.store.privacy == "preview"
    with pytest.raises(Conflict, match=r"store\.privacy=preview was given when Codex was started"):
        given.traces.choose_privacy("hash")
    assert given.store.privacy == "preview"
    assert start().store.privacy == "full"


def test_open_knows_what_was_given(tmp_path: Path) -> None:
    Choices(tmp_path).put("privacy", "full")
    for given, level in (([], "full"), (["store.privacy=hash"], "hash")):
        workbench = Workbench.open([f"home={tmp_path}", "engine=llama_cpp", *given])
        assert (workbench.store.privacy, workbench.traces.privacy_given) == (level, bool(given))
        workbench.close()


def test_the_first_choice_also_holds_for_the_clients_own_questions_just_asked(start: Start) -> None:
    workbench = start()
    ann, bob = Client("ann", "a"), Client("bob", "b")
    mine, before, other = (
        workbench.answer(QUESTION, client=client, session_id=session)
        for client, session in ((ann, "now"), (ann, "before"), (bob, "now"))
    )
    workbench.traces.choose_privacy("full", "now", ann)
    assert workbench.store.load(mine.id) == workbench.traces.get(mine.id)
    assert workbench.store.load(mine.id).question == QUESTION
    assert [workbench.store.load(it.id).question for it in (before, other)] == [None, None]


def test_a_level_that_is_none_is_refused_and_not_kept(start: Start) -> None:
    workbench = start()
    with pytest.raises(InvalidInput):
        workbench.traces.choose_privacy("everything")
    assert workbench.choices.get("privacy") is None


def test_the_file_is_private_and_a_broken_one_counts_as_nothing_chosen(tmp_path: Path) -> None:
    choices = Choices(tmp_path)
    choices.put("evidence", "first")
    choices.put("privacy", "full")
    assert (choices.get("evidence"), choices.get("privacy")) == ("first", "full")
    assert choices.path.stat().st_mode & 0o777 == 0o600
    for text in ("{", "[]", '{"privacy": 1}'):
        choices.path.write_text(text)
        assert choices.get("privacy") is None


def test_a_choice_that_cannot_be_kept_says_where(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("a file in the way")
    with pytest.raises(StoreError, match=r"choices\.json"):
        Choices(tmp_path / "home").put("privacy", "full")
