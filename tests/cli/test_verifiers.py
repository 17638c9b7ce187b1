"""codex train verifier and codex verifiers, as a user types them, with a random model."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner, Result

from codex import prompts
from codex.ask.workbench import Workbench
from codex.cli.main import app
from codex.datasets.splits import split
from codex.engines.huggingface.adapters import WEIGHTS
from codex.engines.huggingface.engine import HuggingFaceEngine
from codex.engines.huggingface.loading import HuggingFaceConfig
from codex.engines.models import Models
from codex.errors import AdapterError, CapabilityError, Conflict, InvalidInput, NotFound
from codex.grounding.readout import FILE
from codex.grounding.trained import TrainedVerifier, fold, question_key
from codex.settings import load_settings
from codex.store import Store
from codex.types import Run, RunParams
from tests.support.taught import N, answered
from tests.support.tiny_model import tiny_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("models") / "tiny", layers=2)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    torch.set_num_threads(1)
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def engine(model: Path) -> tuple[str, ...]:
    """The settings that name the model."""
    return "engine=huggingface", f"engine.model_path={model}", "engine.dtype=float32", "engine.threads=1"


def codex(*words: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, words, input=typed)


def put(home: Path, model: Path, run_id: str = "colours", /, **changes: object) -> None:
    """A run of graded answers by that model: green is correct."""
    config = HuggingFaceConfig(model_path=str(model), dtype="float32", device="cpu")
    own = HuggingFaceEngine(config, Models(home)).fingerprint
    now = datetime.now(UTC)
    run = Run(run_id, "colours", "colours", now, own, prompts.fingerprint(), RunParams(), N)
    home.mkdir(parents=True, exist_ok=True)
    with closing(Store(load_settings().database)) as store:
        store.runs.create(replace(run, **changes))  # type: ignore[arg-type]
        store.runs.add(run_id, [answered(at, correct=at % 3 == 0) for at in range(N)])
        store.runs.finish(run_id, "done")


def train(engine: tuple[str, ...], *words: str) -> Result:
    quick = ("--method", "lora", "--epochs", "1", "--learning-rate", "0.01", "--layers", "0.5")
    return codex("train", "verifier", *engine, "--run", "col", *quick, *words)


def read_out(engine: tuple[str, ...], *words: str) -> Result:
    """Train a verifier by the default method."""
    return codex("train", "verifier", *engine, "--run", "col", *words)


def versions(home: Path) -> list[str]:
    with closing(Store(load_settings().database)) as store:
        return [each.version for each in store.verifiers.list()]


def test_it_is_trained_listed_activated_rolled_back_and_deleted(
    home: Path, model: Path, engine: tuple[str, ...]
) -> None:
    put(home, model)
    made = train(engine, "--name", "green", "--json")
    assert made.exit_code == 0, made.output
    told = json.loads(made.stdout)
    version = told["version"]
    assert version.startswith("green@")
    on_this_side = [at for at in range(N) if split(f"What is colour number {at}?") == "calibration"]
    assert told["labels"] == len(on_this_side)
    assert told["layers"] == [2, 2]
    assert set(told["metrics"]) == {"zero_shot", "trained"}
    assert codex("verifiers").stdout.split().count(version) == 1
    listed = json.loads(codex("verifiers", "--json").stdout)
    assert [(each["version"], each["active"]) for each in listed] == [(version, False)]

    assert codex("verifiers", "activate", version).stdout == f"active: {version}\n"
    refused = codex("verifiers", "delete", version, "--yes")
    assert isinstance(refused.exception, Conflict)
    assert codex("verifiers", "activate", "none").stdout == "active: none\n"
    assert codex("verifiers", "rollback").stdout == f"active: {version}\n"
    assert codex("verifiers", "rollback").stdout == "active: none\n"
    assert isinstance(codex("verifiers", "rollback").exception, Conflict)
    codex("verifiers", "rename", version, "grass")
    assert f"grass ({version})" in codex("verifiers").stdout

    (folder,) = (home / "verifiers").iterdir()
    assert codex("verifiers", "delete", version, typed="n\n").exit_code == 1
    assert folder.exists()
    assert codex("verifiers", "delete", version, typed="y\n").exit_code == 0
    assert not folder.exists()
    assert versions(home) == []
    assert isinstance(codex("verifiers", "activate", version).exception, NotFound)


@pytest.mark.parametrize("by", [read_out, train])
def test_the_active_one_verifies_questions_that_are_asked(
    home: Path, model: Path, engine: tuple[str, ...], by: Callable[..., Result]
) -> None:
    put(home, model)
    made = by(engine, "--activate")
    assert made.exit_code == 0, made.output
    (version,) = versions(home)
    assert version in made.stdout
    ask = ("ask.n_samples=1", "engine.params.max_tokens=4", "ask.reflect=false", "ask.retrieve=false")
    with closing(Workbench.open([*engine, *ask])) as workbench:
        verdict = workbench.answer("What is colour number 7?").last.observation.verdict
        assert verdict is not None
        own = workbench.model.engine.fingerprint
        assert verdict.verifier == f"{own}+{version}"
        workbench.active.verifier.activate(None)
        verdict = workbench.answer("What is colour number 7?").last.observation.verdict
        assert verdict is not None
        assert verdict.verifier == own


def test_a_verifier_without_its_adapters_is_not_activated(
    home: Path, model: Path, engine: tuple[str, ...]
) -> None:
    put(home, model)
    assert train(engine).exit_code == 0
    (version,) = versions(home)
    (folder,) = (home / "verifiers").iterdir()
    (folder / "without-1" / WEIGHTS).unlink()
    refused = codex("verifiers", "activate", version)
    assert isinstance(refused.exception, AdapterError)
    assert WEIGHTS in str(refused.exception)
    assert codex("verifiers", "--json").stdout.count('"active": false') == 1


def test_a_readout_is_trained_listed_and_deleted_without_an_adapter(
    home: Path, model: Path, engine: tuple[str, ...]
) -> None:
    put(home, model)
    made = read_out(engine, "--name", "green")
    assert made.exit_code == 0, made.output
    assert "reads layer" in made.stdout
    (version,) = versions(home)
    listed = json.loads(codex("verifiers", "--json").stdout)
    assert [(each["version"], each["method"], each["epochs"]) for each in listed] == [(version, "readout", 0)]
    (folder,) = (home / "verifiers").iterdir()
    assert [file.name for file in folder.iterdir()] == [FILE]
    # The labels are in the words of the answers, which the hidden states show.
    assert listed[0]["metrics"]["trained"]["auroc"]["value"] > 0.9
    (folder / FILE).write_text((folder / FILE).read_text().replace('"layer":', '"layer": '))
    refused = codex("verifiers", "activate", version)
    assert isinstance(refused.exception, AdapterError)
    assert "is damaged" in str(refused.exception)
    assert codex("verifiers", "delete", version, "--yes").exit_code == 0
    assert not folder.exists()


def test_options_of_an_adapter_are_refused_for_a_readout(
    home: Path, model: Path, engine: tuple[str, ...]
) -> None:
    put(home, model)
    refused = read_out(engine, "--epochs", "3")
    assert isinstance(refused.exception, InvalidInput)
    assert "add --method lora" in str(refused.exception)


@pytest.mark.parametrize("stage", ["reading", "training"])
def test_ctrl_c_keeps_nothing(
    home: Path,
    model: Path,
    engine: tuple[str, ...],
    stage: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from codex.training import verifier_models

    put(home, model)
    trained: Callable[..., object] = verifier_models.train_verifier

    def interrupted(*arguments: object) -> object:
        *others, progress, cancel, on_epoch = arguments

        def tell(what: str, done: int, total: int) -> None:
            progress(what, done, total)  # type: ignore[operator]
            if what.startswith(stage):
                signal.raise_signal(signal.SIGINT)

        return trained(*others, tell, cancel, on_epoch)

    monkeypatch.setattr(verifier_models, "train_verifier", interrupted)
    stopped = train(engine)
    assert "nothing was saved" in str(stopped.exception)
    assert not list((home / "verifiers").glob("*"))
    assert versions(home) == []


def test_what_cannot_be_trained_on_says_why(home: Path, model: Path, engine: tuple[str, ...]) -> None:
    put(home, model, "colours-2", model="llama_cpp:other@0:Q4")
    other = codex("train", "verifier", *engine, "--run", "colours-2")
    assert isinstance(other.exception, InvalidInput)
    assert "are by llama_cpp:other@0:Q4, and the settings name huggingface:tiny@" in str(other.exception)
    assert isinstance(codex("train", "verifier", *engine, "--run", "x").exception, NotFound)
    put(home, model, "colours-3")
    with closing(Store(load_settings().database)) as store:
        for at in range(N):
            store.runs.label("colours-3", f"q{at}", correct=True)
    alike = codex("train", "verifier", *engine, "--run", "colours-3")
    assert isinstance(alike.exception, InvalidInput)
    assert "0 are incorrect" in str(alike.exception)


@pytest.mark.parametrize("method", ["readout", "lora"])
def test_a_served_model_cannot_be_trained(home: Path, method: str) -> None:
    served = ("engine=openai_api", "engine.base_url=http://localhost:1/v1")
    refused = codex("train", "verifier", "--run", "x", "--method", method, *served)
    assert isinstance(refused.exception, CapabilityError)


def test_without_any_it_says_how_to_make_one(home: Path) -> None:
    home.mkdir()
    assert "codex train verifier --run RUN" in codex("verifiers").stdout


def test_each_question_has_one_fold() -> None:
    keys = [question_key(f"What is colour number {at}?") for at in range(60)]
    counts = [sum(fold(key, 3) == number for key in keys) for number in range(3)]
    assert sum(counts) == 60
    assert min(counts) > 8
    assert question_key("what IS colour number 1") == question_key("What is colour number 1?")
    assert TrainedVerifier.model_fields["format"].default == 1


@pytest.mark.parametrize(("by", "kind"), [(read_out, "a readout of"), (train, "an adapter for")])
def test_a_run_is_verified_again_with_held_out_values(
    home: Path,
    model: Path,
    engine: tuple[str, ...],
    by: Callable[..., Result],
    kind: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    put(home, model)
    assert by(engine).exit_code == 0
    (version,) = versions(home)
    # A random model says True as rarely as anything else; here its label tokens are always among the likely.
    monkeypatch.setattr("codex.training.verified_runs.verdict_probability", lambda verdict: 0.25)
    done = codex("verifiers", "apply", version, *engine, "--run", "col")
    assert done.exit_code == 0, done.output
    assert version in done.stdout
    with closing(Store(load_settings().database)) as store:
        assert store.runs.get("colours").run.verifier == version
        assert store.runs.get("colours").run.origin.verifier == version
        records = list(store.runs.records("colours"))
        verifier = TrainedVerifier.model_validate_json(store.verifiers.load(version).body)
    assert len(records) == N
    expected = 0.25 if verifier.reliability.is_sufficient else None
    for record in records:
        verdict = record.observation.verdict
        assert verdict is not None
        assert verdict.trained == version
        assert record.signals["p_true"] == expected
        assert record.observation.generation.text in ("green", "purple")
    other = codex("verifiers", "apply", version, "engine=huggingface", "--run", "col")
    assert isinstance(other.exception, InvalidInput)
    assert f"It is {kind} huggingface:tiny@" in str(other.exception)
