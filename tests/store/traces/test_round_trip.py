"""What goes into the store comes out of it, whole."""

from __future__ import annotations

import math
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codex.errors import Conflict, InvalidInput, NotFound, StoreError
from codex.store import Privacy, Store, StoreConfig, log_inference_event
from codex.types import (
    Action,
    Alternative,
    Attention,
    Confidence,
    Decision,
    Gate,
    Generation,
    Grounding,
    Observation,
    Passage,
    PredictionSet,
    Sampling,
    Similarity,
    Stance,
    Step,
    Support,
    Token,
    Trace,
    TraceParams,
    Verdict,
)
from tests.support.traces import hidden, make_trace


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "home" / "codex.duckdb", "full") as opened:
        yield opened


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store(tmp_path_factory.mktemp("shared") / "codex.duckdb", "full") as opened:
        yield opened


number = st.floats(allow_nan=False, allow_infinity=False)
maybe = st.none() | number
alternatives = st.builds(Alternative, st.integers(-1, 2**31 - 1), st.binary(max_size=5), number)


def tokens(with_alternatives: bool) -> st.SearchStrategy[tuple[Token, ...]]:
    likely = st.lists(alternatives, max_size=3).map(tuple) if with_alternatives else st.just(())
    token = st.builds(
        Token,
        id=st.integers(-1, 2**31 - 1),
        bytes=st.binary(max_size=6),
        logprob=maybe,
        entropy=maybe,
        entropy_exact=st.booleans(),
        rank=st.none() | st.integers(1, 2**31),
        self_certainty=maybe,
        alternatives=likely,
    )
    return st.lists(token, max_size=3).map(tuple)


counts = st.lists(st.integers(0, 2**53), max_size=3).map(tuple)
weights = st.lists(st.lists(number, max_size=3).map(tuple), max_size=3).map(tuple)


def generations(with_alternatives: bool) -> st.SearchStrategy[Generation]:
    return st.builds(
        Generation,
        text=st.text(),
        tokens=tokens(with_alternatives),
        finish_reason=st.sampled_from(["stop", "length", "cancelled"]),
        prompt_tokens=st.integers(0, 2**31),
        seconds=number,
        logprobs=st.sampled_from(["raw", "processed", "none"]),
        prefix_tokens=st.integers(0, 2**31),
        end_logprob=maybe,
        reasoning=st.none() | st.text(min_size=1),
        attention=st.none() | st.builds(Attention, layers=counts, heads=counts, weights=weights),
    )


places = st.integers(0, 2**53)
passages = st.builds(
    Passage,
    id=st.text(),
    document_id=st.text(),
    document=st.text(),
    text=st.text(),
    start=places,
    end=places,
    page=st.none() | places,
    heading=st.text(),
    scores=st.dictionaries(st.text(), number, max_size=3),
)
sentences = st.builds(
    Support,
    start=places,
    end=places,
    stance=st.sampled_from(Stance),
    probability=maybe,
    contradiction=maybe,
    passage=st.none() | places,
    quote=st.none() | st.tuples(places, places),
)
verdicts = st.builds(
    Verdict,
    alternatives=st.lists(
        st.builds(Alternative, st.integers(), st.binary(max_size=5), number, st.booleans()), max_size=3
    ).map(tuple),
    form=st.sampled_from(["plain", "candidates"]),
    verifier=st.text(),
    seconds=number,
)


@st.composite
def similarities(draw: st.DrawFn, n: int) -> Similarity:
    row = st.lists(number, min_size=n, max_size=n).map(tuple)
    matrix = draw(st.lists(row, min_size=n, max_size=n))
    classes = draw(st.lists(st.integers(), min_size=n, max_size=n))
    return Similarity(draw(st.sampled_from(["embedding", "judge"])), tuple(matrix), tuple(classes), 0.5)


@st.composite
def observations(draw: st.DrawFn, question: str) -> Observation:
    samples = draw(st.lists(generations(False), max_size=2))
    grounding = st.builds(
        Grounding, judge=st.text(), sentences=st.lists(sentences, max_size=2).map(tuple), seconds=number
    )
    return Observation(
        question,
        draw(generations(True)),
        tuple(samples),
        passages=tuple(draw(st.lists(passages, max_size=2))),
        grounding=draw(st.none() | grounding),
        verdict=draw(st.none() | verdicts),
        similarity=draw(st.none() | similarities(1 + len(samples))),
    )


@st.composite
def steps(draw: st.DrawFn, question: str) -> Step:
    observation = draw(observations(question))
    size = len(observation.generation.tokens)
    return Step(
        kind=draw(st.sampled_from(["ask", "retrieve", "reflect", "branch"])),
        prompt=draw(st.none() | st.text()),
        prompt_sha256=draw(st.text()),
        observation=observation,
        focus=tuple(draw(st.lists(st.booleans(), min_size=size, max_size=size))),
        signals=draw(st.dictionaries(st.text(), maybe, max_size=4)),
        confidence=Confidence(draw(maybe), draw(maybe)),
        decision=Decision(draw(st.sampled_from(Action)), draw(st.sampled_from(Gate)), draw(st.text())),
    )


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | number | st.text(), st.lists, max_leaves=3
)
sampling = st.builds(
    Sampling,
    max_tokens=st.none() | places,
    temperature=maybe,
    top_p=maybe,
    top_k=st.none() | places,
    repeat_penalty=maybe,
    stop=st.none() | st.lists(st.text(), max_size=2).map(tuple),
    seed=st.none() | places,
)
params = st.builds(
    TraceParams,
    answer=sampling,
    samples=sampling,
    n_samples=st.none() | places,
    prompt=st.text(),
    calibrator=st.none() | st.text(),
    prediction_set=st.none()
    | st.builds(
        PredictionSet,
        level=number,
        answers=st.lists(st.text(), max_size=2).map(tuple),
        any=st.booleans(),
        samples=st.lists(places, max_size=2).map(tuple),
    ),
    evidence=st.dictionaries(st.text(), json_values, max_size=3),
)


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    question = draw(st.text())
    return Trace(
        id=uuid.uuid4().hex,  # not drawn: hypothesis repeats itself, and an id is used once
        session_id=draw(st.text()),
        created_at=draw(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-9.5))]))),
        question=question,
        question_sha256=draw(st.text()),
        model=draw(st.text()),
        policy=draw(st.text()),
        params=draw(params),
        steps=tuple(draw(st.lists(steps(question), min_size=1, max_size=2))),
        answer=draw(st.text()),
        seconds=draw(number),
        parent_id=draw(st.none() | st.text()),
    )


@settings(max_examples=60, deadline=None)
@given(trace=traces())
def test_any_trace_comes_back_equal(shared: Store, trace: Trace) -> None:
    shared.save(trace)
    assert shared.load(trace.id) == trace


def test_a_trace_comes_back_equal_after_the_file_was_closed(tmp_path: Path) -> None:
    saved = [make_trace(n) for n in range(3)]
    with Store(tmp_path / "codex.duckdb", "full") as store:
        for trace in saved:
            store.save(trace)
    with Store(tmp_path / "codex.duckdb", "full") as store:
        assert [store.load(trace.id) for trace in saved] == saved


def test_numbers_that_are_none_are_kept_as_missing(store: Store) -> None:
    trace = make_trace(1)
    step = trace.last
    bad = replace(
        step.observation.generation.tokens[0],
        logprob=-math.inf,
        entropy=math.nan,
        self_certainty=math.inf,
        alternatives=(Alternative(1, b"a", -1.0), Alternative(2, b"b", -math.inf)),
    )
    generation = replace(step.observation.generation, tokens=(bad, *step.observation.generation.tokens[1:]))
    step = replace(
        step,
        observation=replace(step.observation, generation=generation),
        signals={"entropy": math.nan, "avg_logprob": -math.inf},
        confidence=Confidence(math.nan),
    )
    store.save(replace(trace, steps=(step,)))
    loaded = store.load(trace.id).last
    token = loaded.observation.generation.tokens[0]
    assert (token.logprob, token.entropy, token.self_certainty) == (None, None, None)
    assert token.alternatives == (Alternative(1, b"a", -1.0),)
    assert loaded.signals == {"entropy": None, "avg_logprob": None}
    assert loaded.confidence == Confidence(None)


def test_numbers_of_the_evidence_that_are_none_are_kept_as_missing(store: Store) -> None:
    trace = make_trace(1)
    step = trace.last
    observation = replace(
        step.observation,
        passages=(replace(step.observation.passages[0], scores={"dense": math.nan, "bm25": 2.5}),),
        grounding=Grounding("nli", (Support(0, 1, Stance.NOT_FOUND, math.nan, math.inf),), 0.5),
        verdict=Verdict(
            (Alternative(1, b" True", -0.5), Alternative(2, b"False", -math.inf)), "plain", "scripted:a", 0.5
        ),
        similarity=Similarity("judge", ((1.0, math.inf), (0.5, 1.0)), (0, 0), 0.5),
    )
    store.save(replace(trace, steps=(replace(step, observation=observation),)))
    kept = store.load(trace.id).last.observation
    assert kept.passages[0].scores == {"bm25": 2.5}
    assert kept.grounding == Grounding("nli", (Support(0, 1, Stance.NOT_FOUND, None, None),), 0.5)
    assert kept.verdict is not None
    assert kept.verdict.alternatives == (Alternative(1, b" True", -0.5),)
    assert kept.similarity is not None
    # A cell cannot be left out; NaN gives missing signals, as infinity did.
    assert math.isnan(kept.similarity.matrix[0][1])


@pytest.mark.parametrize("privacy", ["hash", "preview"])
def test_without_the_full_text_a_passage_keeps_its_place_alone(tmp_path: Path, privacy: Privacy) -> None:
    trace = make_trace(1)
    with Store(tmp_path / "codex.duckdb", privacy) as store:
        store.save(trace)
        kept = store.load(trace.id).last.observation
    before = trace.last.observation
    assert kept.passages == tuple(replace(passage, text="") for passage in before.passages)
    assert (kept.grounding, kept.verdict, kept.similarity) == (
        before.grounding, before.verdict, before.similarity,
    )  # fmt: skip


def test_samples_keep_their_tokens_but_not_their_alternatives(store: Store) -> None:
    trace = make_trace(1)
    answer = trace.last.observation.generation
    store.save(replace(trace, steps=(replace(trace.last, observation=Observation("", answer, (answer,))),)))
    loaded = store.load(trace.id).last.observation
    assert loaded.generation == answer
    bare = tuple(replace(token, alternatives=()) for token in answer.tokens)
    assert loaded.samples == (replace(answer, tokens=bare),)


def test_half_a_character_is_refused_and_nothing_is_kept(store: Store) -> None:
    with pytest.raises(InvalidInput, match="surrogate"):
        store.save(replace(make_trace(1), question="\ud800", question_sha256=""))
    trace = make_trace(1)
    passage = replace(trace.last.observation.passages[0], text="\ud800")
    step = replace(trace.last, observation=replace(trace.last.observation, passages=(passage,)))
    with pytest.raises(InvalidInput, match="surrogate"):
        store.save(replace(trace, steps=(step,)))
    with pytest.raises(NotFound):
        store.load("trace-1")
    assert store.sessions.list() == []


def test_an_unknown_trace_is_not_found(store: Store) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        store.load("nowhere")


def test_an_id_is_used_once(store: Store) -> None:
    store.save(make_trace(1))
    with pytest.raises(Conflict, match="trace-1"):
        store.save(make_trace(1, session="other"))
    assert [session.id for session in store.sessions.list()] == ["s"]


def test_threads_save_and_load_at_once(store: Store) -> None:
    start = threading.Barrier(8)

    def work(worker: int) -> list[Trace]:
        start.wait()
        mine = [make_trace(worker * 100 + n, session=f"s{n % 2}") for n in range(5)]
        for trace in mine:
            store.save(trace)
            assert store.load(trace.id) == trace
            store.sessions.list()
            store.sessions.traces(trace.session_id)
        return mine

    with ThreadPoolExecutor(8) as pool:
        saved = [trace for done in pool.map(work, range(8)) for trace in done]
    assert [store.load(trace.id) for trace in saved] == saved
    assert sum(session.questions for session in store.sessions.list()) == 40


def test_log_inference_event_keeps_numbers_from_elsewhere(store: Store) -> None:
    trace_id = log_inference_event(
        "What is 2 + 2?",
        "It is 4.",
        [("It", -0.5), (" is", -0.1), (" 4", -0.9), (".", -0.1)],
        store=store,
        signals={"verifier": 0.8},
        decision="defer",
        gate="retrieve",
        reason="entropy 3.1 > 2.5",
        model="elsewhere",
        session_id="outside",
    )
    trace = store.load(trace_id)
    assert (trace.question, trace.answer, trace.model, trace.session_id) == (
        "What is 2 + 2?", "It is 4.", "elsewhere", "outside",
    )  # fmt: skip
    assert [(t.text, t.logprob) for t in trace.last.observation.generation.tokens] == [
        ("It", -0.5), (" is", -0.1), (" 4", -0.9), (".", -0.1),
    ]  # fmt: skip
    # (0.5 + 0.1 + 0.9 + 0.1) / 4 = 0.4; the first token's probability is exp(-0.5).
    assert trace.last.signals == {
        "avg_logprob": pytest.approx(-0.4), "top1_prob": pytest.approx(math.exp(-0.5)), "verifier": 0.8,
    }  # fmt: skip
    assert trace.last.decision == Decision(Action.DEFER, Gate.RETRIEVE, "entropy 3.1 > 2.5")


def test_log_inference_event_opens_a_database_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "codex.duckdb"
    trace_id = log_inference_event("q", "a", [], store=path)
    with Store(path) as store:
        assert store.load(trace_id).answer == "a"
        assert store.load(trace_id).question is None


@pytest.mark.parametrize("value", [0.1, math.nan, -math.inf])
def test_log_inference_event_refuses_what_is_no_log_probability(store: Store, value: float) -> None:
    with pytest.raises(InvalidInput, match="token 1") as caught:
        log_inference_event("q", "a", [("a", -1.0), ("b", value)], store=store)
    assert caught.value.fields == ("token_logprobs[1]",)


def test_log_inference_event_refuses_an_unknown_decision(store: Store) -> None:
    with pytest.raises(InvalidInput, match="shrug"):
        log_inference_event("q", "a", [], store=store, decision="shrug")  # type: ignore[arg-type]


def test_a_closed_store_says_so(store: Store) -> None:
    store.close()
    with pytest.raises(StoreError, match="closed"):
        store.load("trace-1")


def test_the_settings_refuse_an_unknown_privacy() -> None:
    with pytest.raises(ValueError, match="privacy"):
        StoreConfig.model_validate({"privacy": "none"})


def test_hidden_matches_what_the_store_gives_back(tmp_path: Path) -> None:
    with Store(tmp_path / "codex.duckdb", "hash") as store:
        store.save(make_trace(1))
        assert store.load("trace-1") == hidden(make_trace(1))
