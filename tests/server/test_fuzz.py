"""Whatever is sent, the server answers with a documented status and goes on."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.serving import Served

# json.dumps writes NaN, infinities and lone surrogates too, and Python's parser reads them back.
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


def mostly(valid: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Three times in four something valid, so that the wrong values stand alone."""
    return st.integers(0, 3).flatmap(lambda n: valid if n else anything)


rule = st.fixed_dictionaries(
    {"signal": mostly(st.sampled_from(["entropy", "avg_logprob", "nowhere"])), "gate": st.just("abstain")},
    optional={"below": mostly(st.floats(-5, 5)), "above": mostly(st.floats(-5, 5))},
)
body = st.fixed_dictionaries(
    {"query": mostly(st.text(st.characters(exclude_categories=()), min_size=1))},
    optional={
        "n_samples": mostly(st.integers(1, 3)),
        "enable_rag": mostly(st.booleans()),
        "session_id": mostly(st.none() | st.from_regex(r"[A-Za-z0-9_-]{1,8}", fullmatch=True)),
        "params": mostly(
            st.fixed_dictionaries(
                {},
                optional={
                    "max_tokens": mostly(st.integers(1, 9)),
                    "temperature": mostly(st.floats(0, 5)),
                    "stop": mostly(
                        st.lists(st.text(st.characters(exclude_categories=()), max_size=3), max_size=2)
                    ),
                    "seed": mostly(st.integers(0, 2**32 - 1)),
                },
            )
        ),
        "policy": mostly(
            st.fixed_dictionaries(
                {},
                optional={
                    "name": mostly(st.text(max_size=9)),
                    "rules": mostly(st.lists(rule, max_size=2)),
                    "answer_above": mostly(st.floats(0, 1)),
                    "abstain_below": mostly(st.floats(0, 1)),
                },
            )
        ),
    },
)

quickly = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def post(served: Served, path: str, sent: Any) -> int:
    response = served.http.post(path, content=json.dumps(sent), headers={"Content-Type": "application/json"})
    assert "Traceback" not in response.text
    assert "InternalError" not in response.text
    if response.headers["content-type"] == "application/json":
        json.loads(response.text, parse_constant=refuse)
    return response.status_code


def refuse(name: str) -> None:
    """NaN, Infinity or -Infinity, which JSON does not have."""
    raise AssertionError(f"the answer holds {name}")


@quickly
@given(sent=body)
def test_a_question_is_answered_or_refused_and_never_breaks_the_server(sure: Served, sent: Any) -> None:
    assert post(sure, "/infer", sent) in {200, 422}


@quickly
@given(sent=body)
def test_a_stream_is_answered_or_refused_and_never_breaks_the_server(sure: Served, sent: Any) -> None:
    assert post(sure, "/infer/stream", sent) in {200, 422}


@quickly
@given(sent=anything)
def test_any_json_is_answered_or_refused(sure: Served, sent: Any) -> None:
    assert post(sure, "/infer", sent) in {200, 422}
    assert post(sure, "/traces/nowhere/branch", sent) in {404, 422}
