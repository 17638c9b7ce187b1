"""What the documents tell to type: it can be parsed, and what it names is there."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from codex.cli.main import program
from codex.cli.reference import DOCS, every_command, settings
from codex.settings import load_settings
from codex.training.config import keys
from tests.docs.pages import EVERY, PAGES, ROOT, blocks, command_lines, name_of, spans

HTTP = DOCS / "reference" / "http.md"
COMMAND_LINE = DOCS / "reference" / "cli.md"
"""Usage, not lines to type."""
GROUPS = {"engine"}
"""Settings that choose others."""
SETTINGS = {*settings(), *keys(), *GROUPS}
CODE = [page for page in EVERY if page.name != "CHANGELOG.md"]
"""The changelog names what there is no more."""
CODEX: Any = program()
COMMANDS = {path[1:] for path, _, _ in every_command()}
NOT_HERE = {"codex/resources/", "pages/hello/page.py", "assets/js/hello/page.js"}
"""Paths of a wheel, and of an example."""
GIVEN = re.compile(r"([a-z_]+(?:\.[a-z_]+)*)=(.*)", re.DOTALL)
FIRST = re.compile(r"^([-.e0-9]+),.*")
OWN = re.compile(r"\bmy_\w+:")
"""module:object of the reader's own, which is not there."""


def parsed(words: list[str]) -> Any:
    """The context of a command line of `codex`, as its own parser reads it. Raises typer's usage errors."""
    command, context = CODEX, CODEX.make_context("codex", list(words))
    while getattr(command, "commands", None) and (rest := [*context._protected_args, *context.args]):
        name, command, rest = command.resolve_command(context, rest)
        context = command.make_context(name, rest, parent=context)
    return context


@pytest.mark.parametrize("page", EVERY, ids=name_of)
def test_python_compiles(page: Path) -> None:
    for number, (_, code) in enumerate(each for each in blocks(page.read_text()) if each[0] == "python"):
        compile(code, f"{page}, Python block {number + 1}", "exec")


@pytest.mark.parametrize("page", [page for page in CODE if page != COMMAND_LINE], ids=name_of)
def test_command_lines_are_those_of_the_shell(page: Path) -> None:
    for words in command_lines(page.read_text()):
        try:
            context = parsed(words)
        except Exception as error:
            pytest.fail(f"codex {' '.join(words)}: {error or type(error).__name__}")
        check_settings(context.params.get("overrides") or [])


def check_settings(overrides: list[str]) -> None:
    """They are there, and take these values; of several, the first."""
    given = [found.groups() for each in overrides if (found := GIVEN.fullmatch(each))]
    for key, _ in given:
        assert key in SETTINGS, f"{key} is no setting"
    firsts = [(key, FIRST.sub(r"\1", value)) for key, value in given if key not in keys()]
    load_settings([f"{key}={value}" for key, value in firsts if not OWN.search(value)])


def test_a_command_a_setting_or_a_value_that_is_not_there_is_noticed() -> None:
    for words in (["asks", "?"], ["ask", "?", "--sample", "3"], ["runs", "compare"]):
        with pytest.raises(Exception, match=r"(?i)no such|missing"):
            parsed(words)
    for text in ("ask.n_sample=3", "policy.answer_above=2"):
        with pytest.raises(Exception, match=re.escape(text.split("=")[0])):
            check_settings([text])


@pytest.mark.parametrize("page", CODE, ids=name_of)
def test_commands_within_a_line_are_there(page: Path) -> None:
    groups = {path[0] for path in COMMANDS if len(path) > 1} - {"evaluate"}
    for span in spans(page.read_text()):
        words = span.removeprefix(".venv/bin/").split()
        if words[:1] == ["codex"] and len(words) > 1 and words[1].isalpha():
            assert tuple(words[1:2]) in COMMANDS, span
            if words[1] in groups and len(words) > 2 and words[2].islower() and words[2].isalpha():
                assert tuple(words[1:3]) in COMMANDS, span


@pytest.mark.parametrize("page", CODE, ids=name_of)
def test_settings_within_a_line_are_there(page: Path) -> None:
    groups = {key.split(".")[0] for key in SETTINGS if "." in key}
    prefixes = {".".join(key.split(".")[:n]) for key in SETTINGS for n in range(1, 4)}
    for span in spans(page.read_text()):
        name = re.fullmatch(r"([a-z_]+(?:\.[a-z_]+)+)(=.*)?", span)
        if name and not name[1].endswith(".js") and name[1].split(".")[0] in groups:
            assert name[1] in prefixes, span


@pytest.mark.parametrize("page", CODE, ids=name_of)
def test_paths_and_make_targets_are_there(page: Path) -> None:
    for span in spans(page.read_text()):
        if re.fullmatch(r"(codex|pages|tests|assets|datasets|docs)/[\w/.-]+", span) and span not in NOT_HERE:
            assert (ROOT / span).exists(), span
    for target in sorted(set(re.findall(r"\bmake ([a-z-]+)`", page.read_text()))):
        done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


def _routes() -> Iterator[tuple[str, str]]:
    for method, path in re.findall(r"^\| `([A-Z]+) (\S+)` \|", HTTP.read_text(), re.MULTILINE):
        yield method, re.sub(r"\{\w+\}", "*", path)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_requests_within_a_line_are_there(page: Path) -> None:
    known = set(_routes()) | {("GET", "/mcp"), ("GET", "/openapi.json")}
    for span in spans(page.read_text()):
        if found := re.fullmatch(r"(GET|POST|PUT|PATCH|DELETE) (/[\w/{}.-]*)(\?.*)?", span):
            path = re.sub(r"\{\w+\}|\b[A-Z]{2,}\b", "*", found[2])
            assert (found[1], path) in known, span
