"""With store.redact no address, phone or card number is stored; what is shown is whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from codex.ask.workbench import Workbench
from codex.store import Privacy, Store
from codex.types import Grounding, Passage, Stance, Support, Trace
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import workbench

MAIL, PHONE, CARD = "jo@example.org", "+49 30 1234567", "4111 1111 1111 1111"
QUESTION = f"Is {MAIL} or {PHONE} theirs?"
SCRIPT = Script(["It", " is", " jo@", "example", ".org", ","], samples=[f"{CARD}"])


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    engine = ScriptedEngine(lambda prompt: SCRIPT)
    made = workbench(tmp_path, engine, "store.redact=true", "store.privacy=full")
    yield made
    made.close()


def told(trace: Trace) -> str:
    return str(asdict(trace))


def in_file(store: Store) -> str:
    """Every text of the two tables."""
    with store._database.read() as db:
        events = db.execute("SELECT * FROM model_inference_events").fetchall()
        tokens = db.execute('SELECT * FROM model_inference_token_stats ORDER BY event_id, "row", position')
        return str(events) + str(tokens.fetchall())


@pytest.mark.parametrize("privacy", ["hash", "preview", "full"])
def test_nothing_personal_is_stored_whatever_is_kept(bench: Workbench, privacy: Privacy) -> None:
    bench.store.privacy = privacy
    trace = bench.answer(QUESTION)
    assert MAIL in trace.last.observation.generation.text
    assert MAIL in (trace.question or "")
    stored = bench.store.load(trace.id)
    assert stored.last.observation.generation.text == "It is [e-mail],"
    assert stored.last.observation.samples[0].text == "[card]"
    assert stored.question == ("Is [e-mail] or [phone] theirs?" if privacy == "full" else None)
    assert stored.last.signals == trace.last.signals
    everything = told(stored) + in_file(bench.store)
    for personal in (MAIL, "example", PHONE, CARD, "1111"):
        assert personal not in everything


def test_a_question_that_is_kept_later_is_redacted_too(bench: Workbench) -> None:
    bench.store.privacy = "hash"
    trace = bench.answer(QUESTION)
    bench.store.privacy = "full"
    bench.store.keep_question(trace)
    assert bench.store.load(trace.id).question == "Is [e-mail] or [phone] theirs?"
    assert MAIL not in in_file(bench.store)


def test_places_in_texts_follow(bench: Workbench, tmp_path: Path) -> None:
    trace = bench.answer(QUESTION)
    text = f"Write to {MAIL} or call."
    passage = Passage("p", "d", "a.txt", text, 0, len(text))
    answer = trace.last.observation.generation.text
    support = Support(0, len(answer), Stance.SUPPORTED, 0.9, passage=0, quote=(9, len(text)))
    seen = replace(
        trace.last.observation, passages=(passage,), grounding=Grounding("lexical", (support,), 0.0)
    )
    whole = replace(trace, id="other", steps=(replace(trace.last, observation=seen),))
    with Store(tmp_path / "own.duckdb", "full", redact=True) as store:
        store.save(whole)
        kept = store.load("other").last.observation
    assert kept.passages[0].text == "Write to [e-mail] or call."
    (sentence,) = kept.grounding.sentences if kept.grounding else ()
    assert kept.generation.text[sentence.start : sentence.end] == "It is [e-mail],"
    assert sentence.quote is not None
    assert kept.passages[0].text[slice(*sentence.quote)] == "[e-mail] or call."


def test_without_the_setting_it_stays(tmp_path: Path) -> None:
    made = workbench(tmp_path, ScriptedEngine(lambda prompt: SCRIPT), "store.privacy=full")
    try:
        trace = made.answer(QUESTION)
        assert made.store.load(trace.id).question == QUESTION
    finally:
        made.close()
