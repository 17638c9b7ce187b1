"""Prometheus' rules and Grafana's dashboard: queries that parse, over metrics that Codex serves."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import promql_parser
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from codex.ask.workbench import Workbench
from codex.monitoring.monitor import Monitor
from codex.monitoring.prometheus import exposition
from codex.paths import resources
from tests.support.reliable import trust
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import workbench

RULES = Path(__file__).parents[2] / "deploy" / "prometheus" / "codex.rules.yaml"
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_count", "_sum"), "gauge": ("",)}


def rules() -> list[str]:
    return [rule["expr"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def panels() -> list[str]:
    dashboard = json.loads((resources("assets") / "grafana" / "codex.json").read_text())
    return [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", ())]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Workbench]:
    opened = workbench(trust(tmp_path), ScriptedEngine(lambda _: Script(["A"])))
    yield opened
    opened.close()


def test_every_query_parses() -> None:
    for query in (*rules(), *panels()):
        # Grafana replaces its variable by a duration before Prometheus sees the query.
        promql_parser.parse(query.replace("$__rate_interval", "5m"))


def test_every_metric_that_a_rule_names_is_served(bench: Workbench) -> None:
    families = list(text_string_to_metric_families(exposition(Monitor(bench)).decode()))
    served = {f"{family.name}{suffix}" for family in families for suffix in SUFFIXES[family.type]}
    named = {name for query in rules() for name in re.findall(r"\bcodex_\w+", query)}
    assert named
    assert named <= served
