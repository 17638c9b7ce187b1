"""The documents say what the code does."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from pydantic import BaseModel

from codex.cli.reference import DOCS, TABLES, generated, with_tables
from codex.policy import Policy
from codex.settings import load_settings
from codex.signals import REGISTRY
from tests.docs.pages import EVERY, PAGES, ROOT, anchors, links, name_of

README = ROOT / "README.md"
HTTP = DOCS / "reference" / "http.md"
"""Its table is checked by tests/server/test_openapi.py, which has the application at hand."""


def test_everything_that_is_made_from_the_code_is_in_a_page() -> None:
    assert {name for page in PAGES for name in generated(page.read_text())} == TABLES.keys()


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page != HTTP and generated(page.read_text())], ids=name_of
)
def test_what_is_made_from_the_code_is_as_the_code_has_it(page: Path) -> None:
    assert page.read_text() == with_tables(page.read_text()), "run: python -m codex.cli.reference"


def test_the_gate_table_is_the_default_policy() -> None:
    for rule in Policy().rules:
        comparison = f"{rule.signal} {rule.sign} {rule.threshold:.2f}".replace(".50", ".5")
        assert f"| {comparison} | {rule.gate}" in (DOCS / "concepts" / "confidence.md").read_text()


@pytest.mark.parametrize("page", EVERY, ids=name_of)
def test_links_and_pictures_lead_somewhere(page: Path) -> None:
    for link in links(page.read_text()):
        split = urlsplit(link)
        if split.scheme in {"http", "https"}:
            continue
        target = page.parent / unquote(split.path) if split.path else page
        assert target.exists(), f"{page}: {link}"
        if split.fragment and target.suffix == ".md":
            assert split.fragment in anchors(target.read_text()), f"{page}: {link}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_pages_link_to_nothing_that_the_site_does_not_have(page: Path) -> None:
    for link in links(page.read_text()):
        if not urlsplit(link).scheme and (path := urlsplit(link).path):
            assert (page.parent / path).resolve().is_relative_to(DOCS), f"{page}: {link}"


def test_the_navigation_has_every_page_once() -> None:
    # The tags of Python functions are Zensical's.
    text = re.sub(r"!!python/name:\S+", "", (ROOT / "mkdocs.yml").read_text())
    named = [page for section in yaml.safe_load(text)["nav"] for pages in section.values() for page in pages]
    pages = sorted(str(page.relative_to(DOCS)) for page in PAGES)
    assert sorted(named) == pages, "name the page under nav in mkdocs.yml"


def test_the_readme_is_two_screens() -> None:
    assert len(README.read_text().splitlines()) <= 110


def test_every_page_of_the_browser_is_in_the_tour() -> None:
    tour = (DOCS / "tour.md").read_text()
    for picture in sorted((DOCS / "screenshots").glob("*.png")):
        assert f"screenshots/{picture.name}" in tour


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
