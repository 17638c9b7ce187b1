"""Requests made from the description at /openapi.json, and the answers held against it, by schemathesis."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema
from schemathesis.openapi import from_asgi

import tests.server.schema_hooks  # noqa: F401 - what it registers is used
from codex.engines.base import Capabilities
from codex.server import create_app
from tests.support.scripted import JsonEngine, Script
from tests.support.serving import workbench

CONFIG = Path(__file__).parents[2] / "schemathesis.toml"
EXAMPLES = 4
"""Of each route and phase, beside the limits of each value, which are always tried."""


class AbleEngine(JsonEngine):
    """Lacks nothing for whose want a route would answer 501."""

    @property
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, hidden_states="all layers")


def test_every_answer_is_as_the_description_says(tmp_path: Path) -> None:
    """With every check of schemathesis in every phase, chained requests included."""
    engine = AbleEngine(lambda prompt: Script(["Canberra"]))
    # The name by which schemathesis calls an application in its own process.
    bench = workbench(tmp_path, engine, "retrieval.max_file_mb=1", "server.allowed_hosts=[testserver]")
    config = SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "continue-on-failure": True,
            # The first question that is embedded loads the embedding.
            "request-timeout": 300,
            "operations": tomllib.loads(CONFIG.read_text())["operations"],
            "generation": {"max-examples": EXAMPLES, "deterministic": True, "database": "none"},
        }
    )
    schema = from_asgi("/openapi.json", create_app(bench), config=config)
    wrong: set[str] = set()
    phases: set[str] = set()
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            phases.add(event.phase.value)
            wrong |= failures(event)
        elif isinstance(event, events.NonFatalError | events.FatalError):
            wrong.add(f"{getattr(event, 'label', '')}: {getattr(event, 'value', event)!r}")
    bench.close()
    assert not wrong, "\n\n".join(sorted(wrong))
    assert {"coverage", "fuzzing", "stateful"} <= {phase.lower().split(" ")[0] for phase in phases}


def failures(event: events.ScenarioFinished) -> set[str]:
    """Each failed check of a scenario, with the request that made it fail."""
    return {
        f"{event.recorder.label}: {check.failure_info.failure.title}: {check.failure_info.failure.message}\n"
        f"{check.failure_info.code_sample}"
        for checks in event.recorder.checks.values()
        for check in checks
        if check.failure_info is not None
    }
