"""codex policies, and codex calibrators rename, as a user types them."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from codex.policy import Policy
from codex.settings import load_settings
from codex.store import Store
from tests.support.command import Codex, command
from tests.support.evaluated import put_calibrator, put_run

CAREFUL = Policy(name="careful", rules=(), answer_above=0.9)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def codex(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Codex:
    with Store(load_settings([f"home={home}"]).database) as store:
        store.policies.save(CAREFUL.version, CAREFUL.name, CAREFUL.model_dump_json())
    return command(home, monkeypatch, capsys)


def test_policies_are_listed_shown_and_renamed(codex: Codex) -> None:
    assert codex("policies", "rename", CAREFUL.version, "for the demo").status == 0
    [line] = codex("policies", "--json").json
    assert (line["version"], line["name"], line["active"]) == (CAREFUL.version, "for the demo", False)
    assert Policy.model_validate(codex("policies", "show", CAREFUL.version).json) == CAREFUL
    table = codex("policies").out
    assert "for the demo" in table
    assert CAREFUL.version in table
    assert table.splitlines()[1].split()[-3:] == ["90%", "20%", "0"]


def test_a_policy_is_activated_rolled_back_and_then_deleted_once_it_is_confirmed(
    codex: Codex, monkeypatch: pytest.MonkeyPatch
) -> None:
    default = Policy().version
    assert f"active: {CAREFUL.version}" in codex("policies", "activate", CAREFUL.version).out
    refused = codex("policies", "delete", CAREFUL.version, "--yes")
    assert (refused.status, "activate another policy" in refused.err) == (1, True)
    assert f"active: {default}" in codex("policies", "activate", "settings").out
    assert f"active: {CAREFUL.version}" in codex("policies", "rollback").out
    assert f"active: {default}" in codex("policies", "rollback").out
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert codex("policies", "delete", CAREFUL.version).status == 1
    assert len(codex("policies", "--json").json) == 1
    assert "deleted" in codex("policies", "delete", CAREFUL.version, "-y").out
    assert codex("policies", "--json").json == []
    assert "Tune page" in codex("policies").out


def test_a_policy_that_is_not_there_is_said_so(codex: Codex) -> None:
    for words in (("show",), ("activate",), ("delete", "-y"), ("rename", "x")):
        said = codex("policies", words[0], "nowhere", *words[1:])
        assert (said.status, "No policy 'nowhere' is stored" in said.err) == (1, True), words


def test_a_calibrator_is_renamed_and_keeps_its_version(codex: Codex, home: Path) -> None:
    with Store(load_settings([f"home={home}"]).database) as store:
        version = put_calibrator(store, put_run(store))
    assert codex("calibrators", "rename", version, "autumn").status == 0
    [line] = json.loads(codex("calibrators", "--json").out)
    assert (line["version"], line["name"]) == (version, "autumn")
    assert f"autumn ({version})" in codex("calibrators").out
