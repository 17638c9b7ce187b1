"""The calibrators that ship: made by the command that says so, and of use with the default settings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from codex import prompts
from codex.calibration import Calibrator
from codex.calibration.shipped import shipped_calibrators
from codex.cli.main import app
from codex.evaluation.generations import read
from codex.evaluation.scoring import graded
from codex.settings import load_settings
from codex.types import Origin

ANSWERS = Path(__file__).parents[2] / "datasets" / "answers"
ENGINES = ("llama_cpp", "huggingface")


def ours(engine: str) -> Calibrator:
    return next(each for each in shipped_calibrators() if each.model.startswith(engine))


@pytest.mark.parametrize("engine", ENGINES)
def test_the_command_makes_it_again(engine: str, tmp_path: Path) -> None:
    file = ANSWERS / f"smollm2-{engine}.jsonl.gz"
    done = CliRunner().invoke(
        app, ["calibrate", "--generations", str(file), "--name", "smollm2", "-o", str(tmp_path / "it.json")]
    )
    assert done.exit_code == 0, done.output
    again, ships = Calibrator.model_validate_json((tmp_path / "it.json").read_text()), ours(engine)
    assert (again.method, again.questions, again.datasets) == (ships.method, ships.questions, ships.datasets)
    table, _ = graded(read(file), None)
    # Another processor rounds otherwise, and the optimiser stops a little elsewhere.
    assert again.confidences(table.signals) == pytest.approx(ships.confidences(table.signals), abs=1e-3)


@pytest.mark.parametrize("engine", ENGINES)
def test_it_holds_for_questions_asked_by_default(engine: str) -> None:
    settings, ships = load_settings([f"engine={engine}"]), ours(engine)
    origin = Origin(
        ships.model,
        prompts.fingerprint(),
        settings.ask.sample_temperature,
        settings.engine.params.temperature,
        settings.ask.n_samples,
    )
    assert ships.mismatch(origin) == ""


def test_its_confidence_tells_right_from_wrong_on_answers_it_has_not_seen() -> None:
    found = ours("llama_cpp").metrics["after"]["auroc"]
    assert found.low > 0.5
    assert np.isfinite(found.high)
