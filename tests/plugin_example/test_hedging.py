"""The example: its signal, its grader and its reward take part like those that ship."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from codex.ask.confidence import confidence_of
from codex.calibration import SIGNALS, Calibrator, fit
from codex.calibration.prior import shipped_prior
from codex.evaluation import calibrating
from codex.evaluation.calibrating import Labelled, fitted, labelled_generations
from codex.evaluation.generations import Generated
from codex.evaluation.scoring import confidences_of
from codex.grading.grades import grade
from codex.items import Item
from codex.pages.ask.view import signals_view
from codex.signals import REGISTRY, add_signals, compute, signals_table
from codex.training.rewards import reward
from codex.types import Origin
from tests.support.command import Codex, command
from tests.support.evaluated import generated
from tests.support.observations import make_token, observe
from tests.support.plugged import EXAMPLE, install, packages
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import running, workbench

ASKED = Origin("m", "p", 1.0, n_samples=4)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the metadata that pip would write of the example."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    points = {key.removeprefix("codex."): each for key, each in project["entry-points"].items()}
    folder = tmp_path_factory.mktemp("site")
    install(folder, project["name"], points, project["version"])
    return folder


@pytest.fixture
def hedging(site: Path) -> Iterator[None]:
    """The example, installed."""
    with packages(site, EXAMPLE):
        yield


@pytest.fixture
def codex(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Codex:
    return command(tmp_path / "home", monkeypatch, capsys)


def answered(number: int) -> Generated:
    """As `generated`, and incorrect answers hedge."""
    made = generated(number, "numbers")
    if made.observation.generation.text == "yes":
        return made
    hedged = replace(made.observation.generation, text="no, I guess")
    return replace(made, observation=replace(made.observation, generation=hedged))


@pytest.fixture(scope="module")
def calibrated(site: Path) -> str:
    """A calibrator fitted on such answers while the example was installed, as JSON."""
    with packages(site, EXAMPLE), pytest.MonkeyPatch.context() as patch:
        patch.setattr(calibrating, "fit", partial(fit, repeats=1))  # Nothing here is about its metrics.
        add_signals()
        return fitted(answers(), "platt")[0].model_dump_json()


def answers() -> Labelled:
    return labelled_generations(map(answered, range(90)), grader="contains")


def test_its_signal_is_computed_with_the_others(hedging: None) -> None:
    add_signals()
    assert compute(observe("Where?", [make_token("Maybe it is Paris")]))["hedging"] == 0.25
    assert list(REGISTRY)[-1] == "hedging", "those that ship come first"
    assert REGISTRY["hedging"].package == "codex-hedging 0.1.0"
    assert "hedging" not in signals_table(), "the reference lists those that ship"


def test_the_workbench_computes_it_shows_it_and_decides_by_it(hedging: None, tmp_path: Path) -> None:
    rule = "{signal: hedging, above: 0.1, gate: abstain}"
    engine = ScriptedEngine(lambda prompt: Script(["I", " guess", " it is", " Paris"]))
    with running(workbench(tmp_path, engine, f"policy.rules=[{rule}]")) as served:
        answer = served.http.post("/infer", json={"query": "Capital of France?"}).json()
        described = served.http.get("/openapi.json").json()["components"]["schemas"]
    assert answer["decision"] == "abstain"
    assert "hedging words 0.20, above 0.10: abstain" in answer["rationale"]
    assert "hedging" in described["Rule"]["properties"]["signal"]["enum"]
    assert "first_word" in described["NewEvaluationBody"]["properties"]["grader"]["anyOf"][0]["enum"]
    shown = {row["label"]: row for group in signals_view({"hedging": 0.2}) for row in group["rows"]}
    assert shown["Hedging words"]["forms"] == [{"name": "hedging", "title": "whole answer", "value": 0.2}]


def test_its_grader_grades_by_its_name(hedging: None) -> None:
    item = Item("1", "Capital of France?", ("Paris",), "capitals")
    assert [grade(item, text, "first_word").correct for text in ("paris it is", "It is Paris")] == [
        True,
        False,
    ]


def test_its_reward_pays_less_for_hedging_words(hedging: None) -> None:
    item = Item("1", "Capital of France?", ("Paris",), "capitals")
    answers = ["It is Paris", "It is probably the city of Paris or maybe Lyon", "I guess Paris", "", "Maybe"]
    assert reward("unhedged")([""] * 5, answers, [item] * 5) == [0, -1, -1, 0, -1]
    ten = "Maybe the capital of France is the city of Paris"  # One word of ten: half of every fifth.
    assert reward("unhedged")([""], [ten], [item]) == [-0.5]


def test_the_command_lists_it(hedging: None, codex: Codex) -> None:
    listed = {each["name"]: each for each in codex("plugins", "--json").json}
    assert listed["hedging"] == {
        "kind": "signals",
        "name": "hedging",
        "package": "codex-hedging 0.1.0",
        "error": None,
    }
    assert listed["first_word"]["error"] is None
    assert (listed["unhedged"]["kind"], listed["unhedged"]["error"]) == ("rewards", None)


def test_a_calibrator_combines_its_signal_and_is_bound_to_the_package(hedging: None, calibrated: str) -> None:
    add_signals()
    calibrator = Calibrator.model_validate_json(calibrated)
    assert {term.name: term.weight for term in calibrator.design.terms}["hedging"] > 0
    assert calibrator.plugins == {"hedging": "codex-hedging 0.1.0"}
    assert calibrator.mismatch(ASKED) == ""
    update = calibrator.model_copy(update={"plugins": {"hedging": "codex-hedging 0.0.9"}})
    assert "of codex-hedging 0.0.9, which is not there; codex-hedging 0.1.0 adds another one" in (
        update.mismatch(ASKED)
    )


def test_a_calibrator_says_that_its_signal_is_gone(calibrated: str) -> None:
    calibrator = Calibrator.model_validate_json(calibrated)
    told = (
        "It combines the signal 'hedging' of codex-hedging 0.1.0, which is not installed or does not load: "
        "install that package, or fit another calibrator."
    )
    assert calibrator.mismatch(ASKED) == told
    assert confidences_of(answers().table, calibrator).note == told
    assert confidence_of({}, ASKED, calibrator).calibrated is None


def test_fits_without_plugins_are_what_they_were(calibrated: str) -> None:
    table = answers().table
    made = fit(
        table.signals,
        table.correct,
        signs={each.name: 1 if each.higher_is_confident else -1 for each in REGISTRY.values()},
        method="platt",
        repeats=1,
    )
    assert {term.name for term in made.design.terms} <= {
        *SIGNALS,
        *(term.name for term in shipped_prior().design.terms),
    }
