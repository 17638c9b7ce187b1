"""Rows as one batch of a server that has OpenAI's batch interface."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from codex.classify import LocalLLMClassifier, estimator
from codex.errors import CapabilityError, InvalidInput, RowsFailed
from tests.support.openai_server import Json, Said, Scripted, entry, serving, whole
from tests.support.spelled import SpelledEngine

LABELS = ["good", "bad"]


def token(p: float) -> Json:
    others = {"good": math.log(p), "bad": math.log(1 - p)}
    first = max(others, key=lambda it: others[it])
    return entry(first, others[first], others)


class Batches:
    """The batch interface: what was uploaded, and the results when it is polled for the second time."""

    def __init__(self, *lines: Json) -> None:
        self.lines = lines
        self.polled = 0

    def respond(self, path: str, body: Any) -> Said | None:
        if path == "/v1/files":
            return whole(
                {
                    "id": "in",
                    "object": "file",
                    "bytes": 1,
                    "created_at": 1,
                    "filename": "b",
                    "purpose": "batch",
                }
            )
        if path == "/v1/batches":
            return whole({"id": "b1", "status": "validating"})
        if path == "/v1/batches/b1":
            self.polled += 1
            status = "completed" if self.polled > 1 else "in_progress"
            return whole({"id": "b1", "status": status, "output_file_id": "out"})
        if path == "/v1/files/out/content":
            return Said("\n".join(map(json.dumps, self.lines)).encode(), kind="application/jsonl")
        return None


def done(at: int, p: float) -> Json:
    message = {"role": "assistant", "content": token(p)["token"]}
    choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": {"content": [token(p)]}}
    body = {"choices": [choice], "usage": {"prompt_tokens": 11}}
    return {"custom_id": str(at), "response": {"status_code": 200, "body": body}}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimator, "POLL", 0.0)


def test_probabilities_come_from_the_batchs_tokens_and_failures_by_row() -> None:
    failed = {
        "custom_id": "2",
        "response": {"status_code": 500, "body": {"error": {"message": "out of luck"}}},
    }
    batches = Batches(done(1, 0.2), failed, done(0, 0.7))
    script = Scripted(tokens=[token(0.7)], respond=batches.respond)
    with serving(script) as url:
        classifier = LocalLLMClassifier("m", url, labels=LABELS, use_batch=True)
        with pytest.raises(RowsFailed, match="out of luck") as caught:
            classifier.predict(["a", "b", "c"])
        assert caught.value.labels == {0: "good", 1: "bad"}
        assert list(caught.value.failures) == [2]
        assert classifier.predict_proba(["a", "b"])[:, 1] == pytest.approx([0.7, 0.2])
        assert classifier.usage_.prompt_tokens == 22
        classifier.close()
    assert batches.polled == 2
    assert [path for path, _, _ in script.seen].count("/v1/batches") == 1


def test_a_server_without_batches_and_another_engine_are_told() -> None:
    with serving(Scripted(tokens=[token(0.7)])) as url:
        classifier = LocalLLMClassifier("m", url, labels=LABELS, use_batch=True)
        with pytest.raises(CapabilityError, match="takes no batch"):
            classifier.predict(["a"])
        classifier.close()
    with pytest.raises(InvalidInput, match="use_batch"):
        LocalLLMClassifier(engine=SpelledEngine(), labels=LABELS, use_batch=True).predict(["a"])
