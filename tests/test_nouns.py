"""Every field of every noun goes everywhere: database, files, HTTP, pages. A new one needs no line here."""

from __future__ import annotations

import json
import types
from collections.abc import Iterator
from dataclasses import MISSING, is_dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest

from codex.engines.base import GenerationParams
from codex.evaluation.generations import Generated, generated_of, read, write
from codex.evaluation.imported import record_of
from codex.pages.ask.view import trace_view
from codex.pages.evaluate.view import record_view
from codex.policy import Policy
from codex.server import bodies
from codex.store import Store
from codex.store.codec.nouns import decode, encode, parts
from codex.types import (
    Alternative,
    Generation,
    Grounding,
    Observation,
    Origin,
    Passage,
    Record,
    Run,
    Sampling,
    Similarity,
    Step,
    Support,
    Token,
    Trace,
    Verdict,
)

FITTING: dict[tuple[type, str], Any] = {
    (Similarity, "matrix"): ((1.0, 0.25), (0.25, 1.0)),
    (Similarity, "classes"): (0, 1),
    (Support, "start"): 0,
    (Support, "end"): 4,
    (Support, "passage"): 0,
    (Support, "quote"): (0, 2),
    (Generation, "prefix_tokens"): 1,
    (Record, "grader"): "exact",
    (Record, "choices"): ("yes", "no"),
    (Record, "labels"): ("1", "2"),
    (Run, "state"): "done",
}
"""Values that have to fit others."""
PLAIN: dict[Any, Any] = {
    str: "word", int: 3, float: -0.25, bytes: b"word", datetime: datetime(2026, 1, 2, tzinfo=UTC),
}  # fmt: skip


def filled(noun: type, **given: Any) -> Any:
    """A noun of which no field has its default."""
    values = {}
    for part in parts(noun):
        value = given.get(part.name, FITTING.get((noun, part.name), MISSING))
        values[part.name] = value_of(part.annotation, part.default) if value is MISSING else value
        assert values[part.name] != part.default, f"{noun.__name__}.{part.name} needs another value"
    return noun(**values)


def value_of(annotation: Any, default: Any) -> Any:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation is bool:
        return default is not True
    if annotation in PLAIN:
        return PLAIN[annotation]
    if origin is Annotated:
        return PLAIN[arguments[0]]
    if origin in (Union, types.UnionType):
        return value_of(next(each for each in arguments if each is not types.NoneType), default)
    if origin is Literal:
        return next(each for each in arguments if each != default)
    if origin is tuple:
        return tuple(value_of(each, MISSING) for each in arguments if each is not Ellipsis)
    if origin is dict:
        return {"entropy": "word" if arguments[1] is object else value_of(arguments[1], MISSING)}
    if isinstance(annotation, type) and issubclass(annotation, StrEnum):
        return list(annotation)[-1]
    return filled(annotation)


@pytest.fixture
def observation() -> Observation:
    """Its sample is as a trace keeps it: without alternatives."""
    answer: Generation = filled(Generation)
    sample = replace(answer, tokens=(replace(answer.tokens[0], alternatives=()),))
    found: Observation = filled(Observation, question="Which?", samples=(sample,))
    return found


@pytest.fixture
def trace(observation: Observation) -> Trace:
    found: Trace = filled(Trace, steps=(filled(Step, observation=observation),), question="Which?")
    return found


@pytest.fixture
def record(observation: Observation) -> Record:
    found: Record = filled(Record, observation=observation)
    return found


def lacking(noun: Any, body: Any, at: str) -> Iterator[str]:
    """The fields of a noun, and of what it holds, that JSON does not have."""
    if isinstance(noun, tuple):
        for index, (each, shown) in enumerate(zip(noun, body, strict=True)):
            yield from lacking(each, shown, f"{at}[{index}]")
    elif is_dataclass(noun):
        kind: Any = type(noun)
        for part in parts(kind):
            value, place = getattr(noun, part.name), f"{at}.{part.name}"
            if part.name not in body or (body[part.name] is None and value is not None):
                yield place
            else:
                yield from lacking(value, body[part.name], place)


def test_a_trace_and_its_run_come_back_from_the_database_whole(
    tmp_path: Path, trace: Trace, record: Record
) -> None:
    run: Run = filled(Run)
    with Store(tmp_path / "codex.duckdb", "full") as store:
        store.save(trace)
        store.runs.create(run)
        store.runs.add(run.id, [record])
        assert store.load(trace.id) == trace
        assert store.runs.get(run.id).run == run
        assert list(store.runs.records(run.id)) == [record]


def test_a_record_comes_back_from_a_file_whole(tmp_path: Path, record: Record) -> None:
    line = generated_of(record, filled(Origin))
    write(tmp_path / "set.jsonl", [line])
    (found,) = read(tmp_path / "set.jsonl")
    assert found == line
    assert replace(record_of(found), signals=record.signals) == record
    assert {part.name for part in parts(Record)} - {part.name for part in parts(Generated)} == {"signals"}


def test_http_tells_every_field_with_the_description_of_the_noun(trace: Trace) -> None:
    body = json.loads(bodies.TraceBody.model_validate(trace).model_dump_json())
    for step in body["steps"]:
        step["observation"] = {"question": body["question"], **step}
    assert list(lacking(trace, body, "trace")) == []
    schema = bodies.body_of(Token).model_json_schema()["properties"]
    assert schema["logprob"]["description"] == "null where the engine gives no log-probabilities."


def test_json_of_the_codec_holds_every_field_and_is_read_back(trace: Trace) -> None:
    said = json.loads(json.dumps(encode(trace), allow_nan=False))
    assert list(lacking(trace, said, "trace")) == []
    assert decode(Trace, said, "trace") == trace


OTHERWISE = {
    Trace: {"session_id", "parent_id", "steps"},
    Step: {"observation", "focus", "signals"},
    Generation: {"text", "tokens"},
    Token: {"bytes", "logprob", "alternatives"},
    Alternative: {"bytes", "logprob"},
    Passage: {"text", "scores"},
    Support: {"start", "end", "quote"},
    Grounding: {"sentences"},
    Record: {"observation", "signals"},
}
"""Fields that a page shows under a name, or in a form, of its own."""


def test_pages_are_told_every_field(trace: Trace, record: Record) -> None:
    asked = trace_view(trace, fingerprint=trace.model, correct=None)
    evaluated = record_view(record, None, "", Policy())
    for last in (asked["last"], evaluated["last"]):
        token, evidence = last["tokens"][0], last["evidence"]
        shown: dict[type, Any] = {
            Generation: last["generation"],
            Token: token,
            Alternative: token["alternatives"][0],
            Passage: evidence["passages"][0],
            Support: evidence["sentences"][0],
            Grounding: evidence,
        }
        shown |= {Trace: asked, Step: asked["last"], Record: evaluated}
        for noun, view in shown.items():
            assert {part.name for part in parts(noun)} - OTHERWISE[noun] <= set(view), noun.__name__
    json.dumps([asked, evaluated], allow_nan=False)


def test_every_parameter_of_a_generation_is_kept() -> None:
    assert {part.name for part in parts(Sampling)} == set(GenerationParams.model_fields)
    params = GenerationParams(temperature=0.5, stop=("\n",), seed=7)
    assert GenerationParams.of(decode(Sampling, encode(params.sampling))) == params
    assert GenerationParams.of(Sampling(temperature=0.5)) == GenerationParams(temperature=0.5)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ([], "verdict is list, not an object"),
        ({"form": "plain"}, "verdict is no Verdict: there is no key 'alternatives'"),
        ({"alternatives": [{"id": 1, "bytes": "zz"}]}, r"verdict.alternatives\[0\].bytes is 'zz', not bytes"),
        ({"alternatives": [], "form": "odd"}, "verdict.form is 'odd'; there are plain, candidates"),
    ],
)
def test_what_is_no_noun_is_named_with_its_place(said: Any, why: str) -> None:
    with pytest.raises(ValueError, match=f"^{why}"):
        decode(Verdict, said, "verdict")


def test_a_key_of_a_newer_codex_is_passed_over(observation: Observation) -> None:
    assert observation.grounding is not None
    said = {**encode(observation.grounding), "judged_twice": True}
    assert decode(Grounding, said) == observation.grounding
