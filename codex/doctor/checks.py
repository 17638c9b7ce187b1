"""Every check, and the text of what they found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from codex.doctor import configured, home, installation, machine, network
from codex.doctor.findings import Check, Finding, examine
from codex.private import SERVED


def diagnose(overrides: Sequence[str] = ()) -> list[Finding]:
    """What every check finds, with these settings. Nothing is changed."""
    first = examine(
        (
            ("Codex", installation.check_codex),
            ("Python", installation.check_python),
            ("packages", installation.check_packages),
            ("extras", installation.check_extras),
            ("platform", machine.check_platform),
            ("CPU", machine.check_cpu),
            ("memory", machine.check_memory),
            ("GPU", machine.check_gpu),
            ("settings", partial(configured.check_settings, overrides)),
        )
    )
    try:
        rest = _of_settings(overrides)
    except Exception:  # Not even the defaults can be read: a finding says why.
        return first
    return [*first, *examine(rest)]


def _of_settings(overrides: Sequence[str]) -> list[tuple[str, Check]]:
    settings = configured.usable_settings(overrides)
    server, store, engine = settings.server, settings.store, settings.engine
    announced = settings.home / SERVED
    found: list[tuple[str, Check]] = [
        ("home", partial(home.check_home, settings.home)),
        ("disk", partial(home.check_disk, settings.home)),
        ("database", partial(home.check_database, settings.database)),
        ("model", partial(home.check_model, settings)),
        ("index", partial(home.check_index, settings)),
        ("port", partial(network.check_port, server.host, server.port, announced, _installed())),
    ]
    if settings.retrieval.chroma_url:
        found.append(("Chroma", partial(network.check_chroma, settings.retrieval.chroma_url)))
    if store.events:
        found.append(("PostgreSQL", partial(network.check_postgres, store.events.get_secret_value())))
    if engine.name == "openai_api":
        urls, key = tuple(getattr(engine, "base_url", ())), str(getattr(engine, "api_key_env", ""))
        found.append(("model server", partial(network.check_servers, urls, key)))
    if larger := network.larger_server(settings):
        found.append(("larger model", partial(network.check_servers, *larger)))
    return found


def _installed() -> str:
    try:
        return version(installation.CODEX)
    except PackageNotFoundError:
        return "none"


def report(findings: Sequence[Finding]) -> dict[str, Any]:
    """What was found, for machines."""
    worst = next((state for state in ("fail", "warn") if any(it.state == state for it in findings)), "ok")
    return {"state": worst, "checks": [asdict(finding) for finding in findings]}


def lines(findings: Sequence[Finding]) -> list[str]:
    """What was found, for a person: a line each, and what to do below it."""
    width = max(len(finding.name) for finding in findings)
    told = []
    for each in findings:
        told.append(f"{each.state:<4}  {each.name:<{width}}  {each.found}")
        if each.remedy:
            told.append(f"{'':<{6 + width}}  -> {each.remedy}")
    return told
