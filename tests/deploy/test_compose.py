"""compose.yaml: each way to start it is whole, and none holds a secret."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from codex.settings import load_settings

COMPOSE: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
CODEX = sorted(name for name in SERVICES if name.startswith("codex"))


def interpolated(text: str) -> str:
    """As Compose reads it where no variable is set."""
    return re.sub(r"(?<!\$)\$\{\w+:-([^}]*)\}", r"\1", text).replace("$$", "$")


@pytest.mark.parametrize("name", CODEX)
def test_its_settings_are_settings(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "events").write_text("postgresql://codex:x@postgres/codex")
    monkeypatch.setenv("CODEX_EVENTS_FILE", str(tmp_path / "events"))
    first, *overrides = map(interpolated, SERVICES[name]["command"])
    assert first == "serve"
    settings = load_settings(overrides)
    assert settings.store.events is not None
    assert settings.retrieval.chroma_url == "http://chroma:8000"
    grace = SERVICES[name]["stop_grace_period"]
    assert settings.server.grace_seconds < int(grace.removesuffix("s"))


@pytest.mark.parametrize("name", CODEX)
def test_codex_cannot_write_to_its_image_and_is_published_on_this_machine_alone(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert [name for name in SERVICES if service["profiles"] == SERVICES[name].get("profiles")]


def test_whatever_is_waited_for_has_a_health_check_and_starts_in_the_same_profile() -> None:
    for service in SERVICES.values():
        for name, how in service.get("depends_on", {}).items():
            assert how == {"condition": "service_healthy"}
            assert "healthcheck" in SERVICES[name]
            assert SERVICES[name].get("profiles", service["profiles"]) == service["profiles"]


def test_networks_volumes_and_secrets_are_declared_and_secrets_are_files() -> None:
    for kind in ("networks", "secrets"):
        used = {each for service in SERVICES.values() for each in service.get(kind, ())}
        assert used == set(COMPOSE[kind])
    mounted = {line.split(":")[0] for service in SERVICES.values() for line in service.get("volumes", ())}
    assert {name for name in mounted if not name.startswith(("$", "."))} == set(COMPOSE["volumes"])
    assert all(set(secret) == {"file"} for secret in COMPOSE["secrets"].values())
    given = [value for service in SERVICES.values() for value in service.get("environment", {}).items()]
    assert all(name.endswith("_FILE") for name, _ in given if re.search(r"PASSWORD|KEY|EVENTS", name))


def test_what_knows_no_keys_is_reached_from_inside_alone() -> None:
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    for name in ("chroma", "postgres"):
        assert SERVICES[name]["networks"] == ["inside"]
        assert "ports" not in SERVICES[name]
