"""Answers in JSON, with a confidence for each field, by OpenAI's client."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from pydantic import BaseModel

from codex.calibration import estimated_confidence
from tests.support.scripted import JsonEngine, Script
from tests.support.serving import Serve, openai_client

QUESTION: Any = [{"role": "user", "content": "Where is Parliament House?"}]
PIECES = ['{"', "city", '": "', "Canberra", '"}']
JSON = '{"city": "Canberra"}'


class Place(BaseModel):
    city: str


def script(prompt: str) -> Script:
    # The marks are unlikely in the raw distribution, as they are with a real model.
    return Script(PIECES, [0.05, 0.05, 0.05, 0.9, 0.05], samples=[JSON, '{"city": "Perth"}'])


def test_the_official_client_parses_and_each_field_has_a_confidence(serve: Serve) -> None:
    served = serve(script, kind=JsonEngine)
    with openai_client(served) as client:
        said = client.chat.completions.parse(
            model="codex", messages=QUESTION, response_format=Place, extra_body={"codex": {"n_samples": 4}}
        )
    assert said.choices[0].message.parsed == Place(city="Canberra")
    assert isinstance(served.scripted, JsonEngine)
    (rows,) = served.scripted.schemas
    assert len(rows) == 5
    assert {json.loads(schema)["properties"]["city"]["type"] for schema in rows} == {"string"}
    told: Any = said.to_dict()["codex"]
    (field,) = told["fields"]
    assert (field["pointer"], field["value"], field["agreement"]) == ("/city", "Canberra", 0.5)
    assert field["probability"] == pytest.approx(0.9)
    estimate = estimated_confidence({"min_prob_focus": 0.9, "greedy_similarity_focus": 0.5})
    assert field["confidence"] == pytest.approx(estimate)
    assert told["confidence_note"] == "not calibrated"
    assert told["confidence_breakdown"]["top1_prob"] == pytest.approx(0.9), "of the first value"


def test_responses_say_the_same(serve: Serve) -> None:
    served = serve(script, kind=JsonEngine)
    with openai_client(served) as client:
        said = client.responses.parse(model="codex", input=QUESTION, text_format=Place)
        chat = client.chat.completions.parse(model="codex", messages=QUESTION, response_format=Place)
        free = client.responses.create(
            model="codex", input=QUESTION, text={"format": {"type": "json_object"}}
        )
        with client.responses.stream(model="codex", input=QUESTION, text_format=Place) as stream:
            streamed: Any = stream.until_done().get_final_response()
    assert said.output_parsed == streamed.output_parsed == Place(city="Canberra")
    assert isinstance(served.scripted, JsonEngine)
    first, second, *_ = served.scripted.schemas
    assert first == second
    told: Any = [it.to_dict()["codex"]["fields"] for it in (said, chat, free, streamed)]  # type: ignore[attr-defined]
    assert told[0] == told[1] == told[2] == told[3]
    assert told[0][0]["pointer"] == "/city"


def test_responses_have_a_refusal_where_codex_abstains(serve: Serve) -> None:
    served = serve(script, "policy.answer_above=1", "policy.abstain_below=1", kind=JsonEngine)
    with openai_client(served) as client:
        said = client.responses.parse(model="codex", input=QUESTION, text_format=Place)
        with client.responses.stream(model="codex", input=QUESTION, text_format=Place) as stream:
            events: list[Any] = list(stream)
    assert said.output_parsed is None
    assert said.output_text == ""
    (part,) = said.output[0].content  # type: ignore[union-attr]
    assert part.type == "refusal"
    assert "other words" in part.refusal
    deltas = "".join(event.delta for event in events if event.type == "response.refusal.delta")
    assert deltas == part.refusal
    assert not [event for event in events if event.type == "response.output_text.delta"]


def test_responses_refuse_a_hostile_schema(client: openai.OpenAI) -> None:
    schema = {"type": "object", "properties": {"x": {"type": "string", "pattern": "^(a+)+$"}}}
    form: Any = {"format": {"type": "json_schema", "name": "x", "schema": schema}}
    with pytest.raises(openai.UnprocessableEntityError, match="cannot be used") as raised:
        client.responses.create(model="codex", input=QUESTION, text=form)
    assert raised.value.body["param"] == "text.format"  # type: ignore[index]


def test_any_object_and_plain_text(serve: Serve) -> None:
    served = serve(script, kind=JsonEngine)
    with openai_client(served) as client:
        said = client.chat.completions.create(
            model="codex", messages=QUESTION, response_format={"type": "json_object"}
        )
        text = client.chat.completions.create(
            model="codex", messages=QUESTION, response_format={"type": "text"}
        )
    assert said.choices[0].message.content == JSON
    assert said.to_dict()["codex"]["fields"][0]["pointer"] == "/city"  # type: ignore[index]
    assert text.to_dict()["codex"]["fields"] is None  # type: ignore[index]


def test_where_codex_abstains_there_is_a_refusal_and_no_content(serve: Serve) -> None:
    served = serve(script, "policy.answer_above=1", "policy.abstain_below=1", kind=JsonEngine)
    with openai_client(served) as client:
        said = client.chat.completions.parse(model="codex", messages=QUESTION, response_format=Place)
        chunks = client.chat.completions.create(
            model="codex", messages=QUESTION, response_format={"type": "json_object"}, stream=True
        )
        deltas = [choice.delta for chunk in chunks for choice in chunk.choices]
    message = said.choices[0].message
    assert (message.content, message.parsed) == (None, None)
    assert "Could you ask it in other words" in (message.refusal or "")
    assert "".join(delta.content or "" for delta in deltas) == ""
    assert any("other words" in (delta.refusal or "") for delta in deltas)
    told: Any = said.to_dict()["codex"]
    assert told["decision"] == "abstain"
    assert told["model_answer"] == JSON


def test_such_an_answer_is_not_asked_again_without_its_schema(serve: Serve) -> None:
    served = serve(script, kind=JsonEngine)
    with openai_client(served) as client:
        said = client.chat.completions.parse(model="codex", messages=QUESTION, response_format=Place)
    id_ = said.to_dict()["codex"]["trace_id"]  # type: ignore[index]
    served.workbench.store.privacy = "full"
    kept = served.workbench.traces.get(str(id_))
    assert "city" not in json.dumps(kept.params.evidence)
    again = served.http.post(f"/traces/{id_}/replay")
    assert again.status_code == 409


def test_an_engine_without_grammars_says_which_has_them(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError, match="engine=llama_cpp") as raised:
        client.chat.completions.parse(model="codex", messages=QUESTION, response_format=Place)
    assert raised.value.status_code == 501
    assert raised.value.body["code"] == "CapabilityError"  # type: ignore[index]


@pytest.mark.parametrize(
    "schema",
    [
        {"$defs": {"n": {"type": "object", "properties": {"n": {"$ref": "#/$defs/n"}}}}, "$ref": "#/$defs/n"},
        {"type": "object", "properties": {"x": {"type": "string", "pattern": "^(a+)+$"}}},
        {"type": "object", "properties": {f"p{i}": {"type": "string"} for i in range(20_000)}},
    ],
    ids=["recursive", "regex", "huge"],
)
def test_hostile_schemas_are_refused(client: openai.OpenAI, schema: dict[str, Any]) -> None:
    form: Any = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    with pytest.raises(openai.UnprocessableEntityError, match="cannot be used") as raised:
        client.chat.completions.create(model="codex", messages=QUESTION, response_format=form)
    assert raised.value.body["param"] == "response_format"  # type: ignore[index]


def test_a_schema_of_a_megabyte_is_refused(client: openai.OpenAI) -> None:
    schema = {"type": "object", "properties": {"x": {"enum": ["x" * 2**20]}}}
    form: Any = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    with pytest.raises(openai.APIStatusError) as raised:
        client.chat.completions.create(model="codex", messages=QUESTION, response_format=form)
    assert raised.value.status_code == 413
