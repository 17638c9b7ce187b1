"""The list of all traces: filters, orders, pages, files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from codex.errors import InvalidInput, NotFound
from codex.store import Store
from codex.store.traces.history import CHUNKS, Filter
from codex.text import sha256
from codex.types import Action, Confidence, Decision, Gate, Trace
from tests.support.traces import make_trace

ALL = Filter()
SECRET = "Which city was Constantinople?"


def trace(
    number: int, *, confidence: float | None = None, action: Action = Action.DEFER, **other: Any
) -> Trace:
    made = make_trace(number, tokens=2, samples=1, session=f"s{number // 2}", question=f"question {number}")
    decided = replace(
        made.last,
        confidence=Confidence(confidence),
        decision=Decision(action, Gate.PROCEED, "because"),
    )
    return replace(made, steps=(decided,), **other)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "codex.duckdb", "full") as opened:
        yield opened


def ids(store: Store, wanted: Filter = ALL, **how: Any) -> list[str]:
    return [line.id for line in store.history.page(wanted, **how).traces]


def walked(store: Store, wanted: Filter = ALL, **how: Any) -> list[str]:
    found, after = list[str](), None
    while True:
        page = store.history.page(wanted, after=after, **how)
        found += [line.id for line in page.traces]
        if page.next is None:
            return found
        after = page.next


def test_a_line_holds_what_the_last_step_decided_and_what_all_steps_cost(store: Store) -> None:
    first = trace(1, confidence=0.25)
    last = replace(
        first.last,
        kind="reflect",
        confidence=Confidence(0.75),
        decision=Decision(Action.ANSWER, Gate.PROCEED, ""),
    )
    saved = replace(first, steps=(first.last, last), policy="p@1", model="m")
    store.save(saved)
    store.label("trace-1", True)
    page = store.history.page()
    (line,) = page.traces
    assert (page.total, page.next) == (1, None)
    assert (line.id, line.session_id, line.question, line.steps) == ("trace-1", "s0", "question 1", 2)
    assert (line.action, line.confidence.value, line.correct) == (Action.ANSWER, 0.75, True)
    assert (line.model, line.policy, line.seconds) == ("m", "p@1", saved.seconds)
    # Two steps, each of an answer and a sample of two tokens.
    assert line.generated_tokens == saved.generated_tokens == 8
    assert line.prompt_tokens == 2 * first.last.observation.generation.prompt_tokens
    assert store.history.line("trace-1") == line
    with pytest.raises(NotFound, match="nowhere"):
        store.history.line("nowhere")


def test_a_branch_costs_only_what_it_added(store: Store) -> None:
    made = trace(1)
    step = replace(
        made.last,
        kind="branch",
        observation=replace(
            made.last.observation, generation=replace(made.last.observation.generation, prefix_tokens=1)
        ),
    )
    store.save(replace(made, steps=(step,)))
    assert store.history.page().traces[0].generated_tokens == 1


@pytest.mark.parametrize("down", [True, False])
@pytest.mark.parametrize(("sort", "key"), [
    ("time", lambda number: number),
    ("confidence", lambda number: (number % 3) / 4),
    ("seconds", lambda number: float(number % 2)),
    ("tokens", lambda number: 4),
])  # fmt: skip
def test_pages_hold_every_trace_once_in_each_order(store: Store, sort: str, key: Any, down: bool) -> None:
    numbers = range(1, 12)
    for number in numbers:
        store.save(trace(number, confidence=(number % 3) / 4, seconds=float(number % 2)))
    store.save(trace(0, confidence=None))  # What has no number comes last, whichever way.
    found = walked(store, sort=sort, down=down, size=3)
    assert sorted(found) == sorted(f"trace-{number}" for number in range(12))
    numbered = [int(name.removeprefix("trace-")) for name in found]
    if sort == "confidence":
        assert numbered.pop() == 0
    sorted_keys = [key(number) for number in numbered if number]
    assert sorted_keys == sorted(sorted_keys, reverse=down)


def test_what_is_saved_and_deleted_between_two_pages_moves_no_other_trace(store: Store) -> None:
    for number in range(8):
        store.save(trace(number))
    first = store.history.page(size=3)
    assert [line.id for line in first.traces] == ["trace-7", "trace-6", "trace-5"]
    store.save(trace(20))
    store.delete_session("s3")  # traces 6 and 7
    second = store.history.page(size=3, after=first.next)
    assert [line.id for line in second.traces] == ["trace-4", "trace-3", "trace-2"]
    assert second.total == 7


@pytest.mark.parametrize(("wanted", "found"), [
    (Filter(action=Action.ANSWER), [3, 1]),
    (Filter(gate=Gate.ABSTAIN), []),
    (Filter(model="scripted:a", session="s1"), [3, 2]),
    (Filter(model="another"), []),
    (Filter(policy="p@1"), [2]),
    (Filter(low=0.5), [3, 2]),
    (Filter(low=0.25, high=0.5), [2, 1]),
    (Filter(label="correct"), [1]),
    (Filter(label="incorrect"), [2]),
    (Filter(label="unclear"), []),
    (Filter(label="none"), [3, 0]),
    (Filter(since=make_trace(1).created_at, until=make_trace(3).created_at), [2, 1]),
    (Filter(text="QUESTION 2"), [2]),
    (Filter(text=" wrote % this "), [3]),
    (Filter(text=sha256("question 1")), [1]),
    (Filter(text="trace-0"), [0]),
    (Filter(text="100%"), []),
    (Filter(text="' OR 1 = 1 --"), []),
], ids=str)  # fmt: skip
def test_the_list_can_be_limited(store: Store, wanted: Filter, found: list[int]) -> None:
    for number in range(4):
        action = Action.ANSWER if number % 2 else Action.DEFER
        made = trace(
            number, confidence=number / 4, action=action, policy=f"p@{number // 2 if number != 3 else 3}"
        )
        if number == 3:
            observation = made.last.observation
            told = replace(observation, generation=replace(observation.generation, text="It WROTE % this"))
            made = replace(made, steps=(replace(made.last, observation=told),))
        store.save(made)
    store.label("trace-1", True)
    store.label("trace-2", False)
    page = store.history.page(wanted)
    assert [line.id for line in page.traces] == [f"trace-{number}" for number in found]
    assert page.total == len(found)


def test_a_question_of_which_only_the_hash_was_kept_is_found_by_all_of_it_alone(store: Store) -> None:
    store.privacy = "hash"
    store.save(replace(make_trace(1, question=SECRET), question_sha256=sha256(SECRET)))
    assert ids(store, Filter(text=SECRET)) == ["trace-1"]
    assert ids(store, Filter(text="Constantinople")) == []
    assert store.history.page().traces[0].question is None


@pytest.mark.parametrize(("wanted", "how", "field"), [
    (Filter(), {"sort": "question"}, "sort"),
    (Filter(), {"sort": "event_id; DROP TABLE labels"}, "sort"),
    (Filter(), {"size": 0}, "size"),
    (Filter(), {"size": 201}, "size"),
    (Filter(), {"after": "yesterday"}, "after"),
    (Filter(), {"after": "nan:1"}, "after"),
    (Filter(), {"after": "1:-1"}, "after"),
    (Filter(low=1.5), {}, "low"),
    (Filter(low=0.9, high=0.1), {}, "low"),
    (Filter(label="maybe"), {}, "label"),  # type: ignore[arg-type]
    (Filter(since=make_trace(1).created_at.replace(tzinfo=None)), {}, "since"),
], ids=str)  # fmt: skip
def test_what_cannot_be_is_refused_by_its_name(
    store: Store, wanted: Filter, how: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        store.history.page(wanted, **how)
    assert field in caught.value.fields


def test_past_the_end_there_is_nothing(store: Store) -> None:
    store.save(trace(1))
    page = store.history.page(after="1.0:1")
    assert (page.traces, page.total, page.next) == ([], 1, None)


def test_the_facets_are_what_there_is(store: Store) -> None:
    assert store.history.facets().models == []
    store.save(trace(1, model="b"))
    store.save(trace(2, model="a", policy="p@2"))
    facets = store.history.facets()
    assert (facets.models, facets.policies) == (["a", "b"], ["default@0", "p@2"])


def test_lines_of_json_hold_what_is_stored_of_every_step_that_matches(store: Store) -> None:
    two = trace(1, confidence=0.25)
    store.save(replace(two, steps=(two.last, replace(two.last, confidence=Confidence(0.75)))))
    store.save(trace(2, confidence=0.25))
    store.label("trace-1", True)
    lines = [json.loads(line) for line in store.history.lines_of_json(Filter(low=0.5))]
    assert [(line["trace_id"], line["step"], line["correct"]) for line in lines] == [
        ("trace-1", 0, True), ("trace-1", 1, True),
    ]  # fmt: skip
    assert lines[0]["question"] == "question 1"
    assert lines[0]["signals"]["entropy"] == two.last.signals["entropy"]
    assert lines[0]["params"]["n_samples"] == 1
    tokens = [json.loads(line) for line in store.history.lines_of_json(Filter(low=0.5), "tokens")]
    # Two steps with an answer and one sample of two tokens each.
    assert [(line["step"], line["row"], line["position"]) for line in tokens] == [
        (step, row, position) for step in (0, 1) for row in (0, 1) for position in (0, 1)
    ]
    first = two.last.observation.generation.tokens[0]
    assert bytes.fromhex(tokens[0]["bytes"]) == first.bytes
    assert bytes.fromhex(tokens[0]["alternatives"][0]["bytes"]) == first.alternatives[0].bytes
    assert tokens[2]["alternatives"] is None


def test_an_export_of_many_traces_is_whole_and_in_order(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CHUNKS, "events", 2)
    for number in range(5):
        store.save(trace(number))
    lines = store.history.lines_of_json()
    found = [json.loads(next(lines))["trace_id"]]
    store.delete_session("s1")  # traces 2 and 3, while the export is under way
    store.save(trace(9))
    assert [*found, *(json.loads(line)["trace_id"] for line in lines)] == ["trace-0", "trace-1", "trace-4"]


@pytest.mark.parametrize("table", ["events", "tokens"])
def test_the_parquet_file_holds_the_same(store: Store, tmp_path: Path, table: Any) -> None:
    for number in range(3):
        store.save(trace(number, confidence=number / 4))
    wanted, path = Filter(low=0.25, text="question"), tmp_path / "it's.parquet"
    store.history.write_parquet(path, wanted, table)
    with duckdb.connect() as db:
        found = db.execute("SELECT to_json(f) FROM read_parquet(?) f", [str(path)]).fetchall()
    assert sorted(json.loads(line)["trace_id"] for (line,) in found) == sorted(
        json.loads(line)["trace_id"] for line in store.history.lines_of_json(wanted, table)
    )
    line = next(store.history.lines_of_json(wanted, table))
    assert json.loads(found[0][0]).keys() == json.loads(line).keys()


def test_an_export_keeps_the_privacy_of_what_was_stored(store: Store, tmp_path: Path) -> None:
    store.privacy = "hash"
    store.save(replace(make_trace(1, question=SECRET), question_sha256=sha256(SECRET)))
    path = tmp_path / "events.parquet"
    store.history.write_parquet(path)
    with duckdb.connect() as db:
        parquet = str(db.execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchall())
    for exported in ("".join(store.history.lines_of_json()), parquet):
        assert sha256(SECRET) in exported
        assert "Constantinople" not in exported


def test_since_and_until_are_any_time_zone(store: Store) -> None:
    store.save(trace(1))
    moment = make_trace(1).created_at
    assert ids(store, Filter(since=moment, until=moment + timedelta(microseconds=1))) == ["trace-1"]
    assert ids(store, Filter(until=moment)) == []
