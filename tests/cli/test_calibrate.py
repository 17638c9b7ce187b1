"""codex calibrate by dataset and with prediction sets, and codex calibrators delete, as a user types them."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from codex.calibration import Calibrator
from codex.calibration.shipped import shipped_calibrators
from codex.cli.main import app
from codex.errors import Conflict, InvalidInput, NotFound
from codex.evaluation.generations import Generated, write
from codex.settings import load_settings
from codex.store import Store
from codex.text import percent
from codex.types import Observation
from tests.support.evaluated import generated


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def codex(*words: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, words, input=typed)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "answers.jsonl.gz"
    write(path, [generated(n, group) for group, count in (("even", 160), ("odd", 8)) for n in range(count)])
    return path


def fit(file: Path, *words: str) -> tuple[str, ...]:
    return ("calibrate", "--generations", str(file), "--method", "none", *words)


def test_what_can_be_guaranteed_is_said_for_each_dataset(home: Path, file: Path, tmp_path: Path) -> None:
    output = ("-o", str(tmp_path / "made.json"))
    wanted = fit(file, *output, "--alpha", "0.3", "--by-group")
    found = json.loads(codex(*wanted, "--json").stdout)["guarantees_by_group"]
    even, odd = found["even"], found["odd"]
    assert (even["kind"], odd["kind"]) == ("guarantee", "none")
    # Each rests on what was held out of its dataset, about one half.
    assert 60 < even["n"] < 100
    assert odd["n"] < 8
    printed = codex(*wanted).stdout
    lines = printed.splitlines()
    (guaranteed,) = (line.split() for line in lines if line.startswith(" even"))
    correct = 1 - even["incorrect"] / even["answered"]
    assert guaranteed[1:] == [
        str(even["n"]), percent(even["threshold"]), percent(even["answered"] / even["n"]), percent(correct),
    ]  # fmt: skip
    (refused,) = (line.split() for line in lines if line.startswith(" odd"))
    assert refused[1:] == [str(odd["n"]), "none"]
    assert f"odd: {odd['reason']}\n" in printed
    assert odd["reason"].startswith("No threshold guarantees at most 30% incorrect")
    assert not home.exists()


def test_duplicates_are_said_and_the_numbers_add_up(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "twice.jsonl.gz"
    once = [generated(number, "even") for number in range(160)]
    write(path, [*once, *(replace(one, id=f"{one.id}-again") for one in once[:26])])
    said = codex(*fit(path, "-o", str(tmp_path / "made.json"), "--alpha", "0.3"))
    found = re.match(
        r"186 graded answers − 26 duplicates = 160: (\d+) to fit, (\d+) held out\.\n", said.stdout
    )
    assert found, said.stdout
    to_fit, held_out = map(int, found.groups())
    assert to_fit + held_out == 160
    assert f"fitted on {to_fit} answers" in said.stdout
    assert f"cross-fitted, of the {to_fit} to fit" in said.stdout
    as_json = json.loads(
        codex(*fit(path, "-o", str(tmp_path / "again.json"), "--alpha", "0.3", "--json")).stdout
    )
    assert as_json["counts"] == {"graded": 186, "duplicates": 26, "to_fit": to_fit, "held_out": held_out}
    assert as_json["guarantee"]["n"] == held_out
    assert as_json["questions"] == to_fit


def test_prediction_sets_are_kept_and_counted_on_the_other_half(
    home: Path, file: Path, tmp_path: Path
) -> None:
    path = tmp_path / "made.json"
    wanted = fit(file, "-o", str(path), "--prediction-sets", "0.2")
    said: dict[str, Any] = json.loads(codex(*wanted, "--json").stdout)
    together, even, odd = said["checked_sets"]
    assert (together["group"], even["group"], odd["group"]) == (None, "even", "odd")
    assert together["n"] + together["sets"]["n"] == 168
    kept = Calibrator.model_validate_json(path.read_bytes())
    assert kept.version == said["version"]
    assert kept.prediction_sets is not None
    assert kept.prediction_sets.model_dump() == together["sets"]
    printed = codex(*wanted).stdout
    assert "in 80% of cases" in printed
    (line,) = (line for line in printed.splitlines() if line.startswith(" all together"))
    assert percent(together["coverage"]) in line
    assert f"{together['mean_size']:.2f}" in line
    plain = json.loads(codex(*fit(file, "-o", str(path), "--json")).stdout)
    assert (plain["prediction_sets"], plain["checked_sets"], plain["guarantees_by_group"]) == (None, [], None)
    assert plain["version"] != said["version"]


def test_too_few_questions_for_the_sets_that_are_asked_for_are_infinite_and_said_so(
    home: Path, file: Path, tmp_path: Path
) -> None:
    printed = codex(*fit(file, "-o", str(tmp_path / "made.json"), "--answer-sets", "0.001")).stdout
    (line,) = (line for line in printed.splitlines() if line.startswith(" all together"))
    assert line.split().count("infinite") == 2  # what a sample needs, and the mean size
    assert "it takes 999. Each set is any answer." in printed


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--by-group",), "--alpha"),
        (("--prediction-sets", "1.5"), "alpha is 1.5"),
        (("--alpha", "0"), "alpha is 0"),
    ],
)
def test_what_cannot_be_asked_for_is_said_before_the_fit(
    home: Path, tmp_path: Path, words: tuple[str, ...], says: str
) -> None:
    # The file is not even opened.
    done = codex(*fit(tmp_path / "nowhere.jsonl", *words))
    assert isinstance(done.exception, InvalidInput)
    assert says in str(done.exception)


def test_answers_without_samples_make_no_sets(home: Path, tmp_path: Path) -> None:
    path = tmp_path / "plain.jsonl"
    lines = [generated(n, "even") for n in range(4)]
    bare = [Observation(each.observation.question, each.observation.generation) for each in lines]
    write(path, [Generated(it.question, "even", ("yes",), True, it, origin=lines[0].origin) for it in bare])
    done = codex(*fit(path, "--prediction-sets", "0.1"))
    assert isinstance(done.exception, InvalidInput)
    assert "ask.n_samples" in str(done.exception)


def test_a_calibrator_is_deleted_once_it_is_confirmed_and_not_while_it_speaks(home: Path, file: Path) -> None:
    made = json.loads(codex(*fit(file, "--name", "mine", "--activate", "--json")).stdout)["version"]
    assert isinstance(codex("calibrators", "delete", made, "--yes").exception, Conflict)
    codex("calibrators", "activate", "none")
    asked = codex("calibrators", "delete", made, typed="n\n")
    assert asked.exit_code == 1
    assert f"Delete {made}?" in asked.output
    assert [it["version"] for it in json.loads(codex("calibrators", "--json").stdout)] == [made]
    assert codex("calibrators", "delete", made, typed="y\n").exit_code == 0
    assert json.loads(codex("calibrators", "--json").stdout) == []
    assert isinstance(codex("calibrators", "delete", made, "-y").exception, NotFound)


def test_a_calibrator_whose_file_cannot_be_written_is_neither_kept_nor_activated(
    home: Path, file: Path, tmp_path: Path
) -> None:
    nowhere = str(tmp_path / "no folder" / "made.json")
    done = codex(*fit(file, "--alpha", "0.4", "--activate", "-o", nowhere))
    assert isinstance(done.exception, InvalidInput)
    assert "cannot be written" in str(done.exception)
    assert json.loads(codex("calibrators", "--json").stdout) == []
    with Store(load_settings([f"home={home}"]).database) as store:
        assert store.policies.list() == []


def test_a_calibrator_that_ships_is_not_deleted(home: Path) -> None:
    ours = shipped_calibrators()[0]
    with Store(load_settings([f"home={home}"]).database) as store:
        store.calibrators.save(ours.version, ours.name, ours.model_dump_json())
    done = codex("calibrators", "delete", ours.version, "--yes")
    assert isinstance(done.exception, Conflict)
    assert "ships with Codex" in str(done.exception)
