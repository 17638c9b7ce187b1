"""The documents say what the code does."""

from __future__ import annotations

import re
import subprocess
import tomllib

import pytest
from pydantic import BaseModel

from codex.cli.reference import README, with_tables
from codex.policy import Policy
from codex.settings import load_settings
from codex.signals import REGISTRY

ROOT = README.parent


def test_the_readmes_tables_are_those_of_the_code() -> None:
    assert README.read_text() == with_tables(README.read_text()), "run: python -m codex.cli.reference"


def test_the_readmes_gate_table_is_the_default_policy() -> None:
    for rule in Policy().rules:
        comparison = f"{rule.signal} {rule.sign} {rule.threshold:.2f}".replace(".50", ".5")
        assert f"| {comparison} | {rule.gate}" in README.read_text()


@pytest.mark.parametrize("engine", ["llama_cpp", "huggingface"])
def test_every_setting_is_described(engine: str) -> None:
    def check(model: BaseModel) -> None:
        for name, field in type(model).model_fields.items():
            value = getattr(model, name)
            if isinstance(value, BaseModel):
                check(value)
            else:
                assert field.description, f"{type(model).__name__}.{name} has no docstring"

    check(load_settings([f"engine={engine}"]))


def test_every_rule_of_the_default_policy_names_a_signal() -> None:
    assert {rule.signal for rule in Policy().rules} <= REGISTRY.keys()


def test_every_path_the_readme_names_is_there() -> None:
    for path in re.findall(r"\]\(([^)#:]+)\)", README.read_text()):
        assert (ROOT / path).exists(), path


def test_every_make_target_the_readme_names_is_there() -> None:
    for target in re.findall(r"make (\w+)", README.read_text()):
        done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def test_the_layers_of_the_architecture_are_those_that_the_linter_checks() -> None:
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]
    drawn = re.findall(r'L(\d+)\["([^"]+)"\]', (ROOT / "docs" / "architecture.md").read_text())
    layers = [layer for _, layer in sorted(drawn, key=lambda node: int(node[0]))]
    assert layers == contract["layers"][1:], "the first layer is __main__ alone"
    assert contract["exhaustive"]


def test_every_path_the_architecture_names_is_there() -> None:
    rows = re.findall(r"^\| .*$", (ROOT / "docs" / "architecture.md").read_text(), re.MULTILINE)
    for path in re.findall(r"`([\w/]+(?:/|\.py))`", " ".join(rows)):
        assert (ROOT / path).exists(), path


def test_no_test_module_imports_another() -> None:
    for path in (ROOT / "tests").rglob("*.py"):
        found = re.search(r"^from tests[\w.]*\.test_\w+ import", path.read_text(), re.MULTILINE)
        assert not found, f"{path}: {found and found[0]}: what tests share is in tests/support"


def test_every_attack_names_a_test_that_is_there() -> None:
    text = (ROOT / "docs" / "attacks.md").read_text()
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", text)
    assert len(named) > 40
    for path, name in named:
        assert f"def {name}(" in (ROOT / path).read_text(), f"{path}::{name}"
