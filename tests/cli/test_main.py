"""The shell, as a user types it."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from codex.ask.response import AskResponse
from codex.calibration.prediction_sets import ConformalPredictor
from codex.calibration.shipped import shipped_calibrators
from codex.cli.answering import SHADES
from codex.cli.main import COMMANDS, app
from codex.cli.main import program as program_in_full
from codex.cli.terminal import printable
from codex.settings import load_settings
from codex.store import Store
from tests.support.command import Codex, command
from tests.support.reliable import CHANCE, trust, trust_words

SHORT = ("engine.threads=1", "engine.params.max_tokens=32")
"""What a capital takes."""


@pytest.fixture
def codex(own_home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Codex:
    return command(own_home, monkeypatch, capsys)


def program(home: Path, *words: str, columns: int = 100) -> subprocess.CompletedProcess[str]:
    """In a process of its own, where what native libraries print is seen too."""
    return subprocess.run(
        [sys.executable, "-m", "codex", *words],
        env=os.environ | {"CODEX_HOME": str(home), "COLUMNS": str(columns)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_ask_as_json_prints_the_reply_and_nothing_else(own_home: Path) -> None:
    done = program(own_home, "ask", "What is the capital of France?", "--samples", "2", "--json", *SHORT)
    assert done.returncode == 0, done.stderr
    answered = AskResponse.model_validate(json.loads(done.stdout))
    assert "Paris" in answered.model_answer
    assert answered.n_samples == 2
    assert answered.confidence_breakdown.calibrated is None
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("samples", "said"), [((), "(calibrated)"), (("--samples", "2"), "(not calibrated)")]
)
def test_ask_prints_the_answer_the_decision_and_whether_it_is_calibrated(
    codex: Codex, samples: tuple[str, ...], said: str
) -> None:
    """The calibrator that ships was fitted to answers with five samples, the default."""
    always = ("policy.answer_above=0", "policy.abstain_below=0")
    done = codex("ask", "What is the capital of France?", *always, *samples, *SHORT)
    assert done.status == 0, done.err
    assert "Paris" in done.out
    assert "ANSWER" in done.out
    assert said in done.out


def test_ask_tells_the_answer_set_of_the_active_calibrator(own_home: Path, codex: Codex) -> None:
    """At so low a temperature all samples say the same."""
    sets = ConformalPredictor(alpha=0.1, n=99, cutoff=0.5, tie=0.0)
    with Store(own_home / "codex.duckdb") as store:
        ours = next(each for each in shipped_calibrators() if each.model.startswith("llama_cpp"))
        fitted = ours.model_copy(
            update={"prediction_sets": sets, "sample_temperature": 0.01, "shipped": False}
        )
        store.calibrators.save(fitted.version, fitted.name, fitted.model_dump_json())
        store.calibrators.activate(fitted.version)
    asked = ("ask", "What is the capital of France?", "ask.sample_temperature=0.01", *SHORT)
    told = codex(*asked, "--json").json["answer_set"]
    (answer,) = told.pop("answers")
    assert "Paris" in answer
    assert told == {"level": 0.9, "any": False}
    line = f"At the 90% confidence level the correct answer is among: {answer}."
    assert line in codex(*asked).out


def test_ask_with_evidence_shows_what_each_sentence_rests_on(own_home: Path, codex: Codex) -> None:
    (own_home / "tide.txt").write_text("High water in Tarn harbour is at 14:20.")
    assert codex("index", str(own_home / "tide.txt")).status == 0
    question = "When is high water in Tarn harbour?"
    done = codex("ask", question, "--evidence", "--samples", "1", "grounding.judge=lexical", *SHORT)
    assert done.status == 0, done.err
    assert "retrieved 1 passage in tide.txt" in done.out
    said = " ".join(done.out.split())
    assert "not judged: " in said
    assert "“High water in Tarn harbour is at 14:20.”" in said
    assert "Whether lexical can judge evidence is not measured yet" in said
    trust_words(own_home)
    again = codex("ask", question, "--evidence", "--samples", "1", "grounding.judge=lexical", *SHORT)
    assert "Judged by lexical (AUROC 0.86, 95% interval 0.81 to 0.91" in " ".join(again.out.split())


def test_models_judge_tells_how_reliable_the_model_is_and_does_not_measure_twice(
    own_home: Path, codex: Codex
) -> None:
    trust(own_home, "llama_cpp:smollm2-135m-instruct:Q4_1", verifier=CHANCE)
    told = codex("models", "judge", "engine=llama_cpp")
    assert told.status == 0, told.err
    lines = [line.split() for line in told.out.splitlines()]
    assert ["judge", "0.86", "0.81", "to", "0.91", "yes"] in [[each[0], *each[-5:]] for each in lines]
    assert ["verifier", "0.52", "0.44", "to", "0.60", "no"] in [[each[0], *each[-5:]] for each in lines]


def test_ask_searches_the_named_documents_alone(own_home: Path, codex: Codex) -> None:
    (own_home / "tide.txt").write_text("High water in Tarn harbour is at 14:20.")
    (own_home / "moon.txt").write_text("The moon over Tarn harbour is full.")
    assert codex("index", str(own_home / "tide.txt"), str(own_home / "moon.txt")).status == 0
    question = "When is high water in Tarn harbour?"
    asked = ("ask", question, "--evidence", "--samples", "1", "--json", *SHORT)
    documents = {one["document"] for one in codex(*asked, "--documents", "moon.txt").json["passages"]}
    assert documents == {"moon.txt"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ask", "  "], "The question is empty"),
        (["ask", "Why?", "--samples", "0"], "n_samples must be between 1 and 50, not 0"),
        (["ask", "Why?", "--documents", "nope.txt"], "No document or folder is called 'nope.txt'"),
        (["ask", "Why?", "engine=lama_cpp"], "did you mean 'llama_cpp'"),
        (["ask", "Why?", "engine.model_path=/no/such.gguf"], "/no/such.gguf"),
        (["models", "fetch", "smollm3"], "smollm3"),
        (["models", "fetch", "ghp_" + "a1B2" * 9], "There is no model '[secret]'"),
    ],
)
def test_an_error_is_one_clear_line_and_a_failing_exit(codex: Codex, words: list[str], said: str) -> None:
    done = codex(*words)
    assert done.status == 1
    assert said in " ".join(done.err.split())
    assert "Traceback" not in done.err
    assert done.out == ""


def test_an_error_of_the_program_is_no_traceback(own_home: Path) -> None:
    done = program(own_home, "ask", "  ")
    assert done.returncode == 1
    assert "The question is empty" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_taken_port_is_said_before_anything_is_loaded(codex: Codex) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = codex("serve", f"server.port={port}")
    assert done.status == 1
    assert f"Cannot listen on 127.0.0.1:{port}: Address already in use" in " ".join(done.err.split())
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    ("words", "settings"),
    [
        (["--port", "8123"], ["server.port=8123"]),
        (["--port", "0", "--host", "::1"], ["server.host='::1'", "server.port=0"]),
        (["server.port=1", "--port", "2"], ["server.port=1", "server.port=2"]),
        (["ask.n_samples=1"], ["ask.n_samples=1"]),
    ],
)
def test_serve_takes_host_and_port_as_options_before_the_same_settings(
    monkeypatch: pytest.MonkeyPatch, words: list[str], settings: list[str]
) -> None:
    served: list[list[str]] = []
    monkeypatch.setattr("codex.cli.serve.serve", served.append)
    assert CliRunner().invoke(app, ["serve", *words]).exit_code == 0
    assert served == [settings]
    load_settings(settings)


def test_a_host_that_is_nowhere_is_said(codex: Codex) -> None:
    done = codex("serve", "--host", "no-such-host.invalid", "server.auth=none")
    assert done.status == 1
    assert "Cannot listen on 'no-such-host.invalid'" in " ".join(done.err.split())
    assert "Traceback" not in done.err


def test_models_lists_what_is_here(codex: Codex) -> None:
    done = codex("models")
    assert "smollm2-135m-instruct" in done.out
    assert "here" in done.out


def test_a_model_cannot_write_terminal_commands() -> None:
    assert printable("a\x1b[2Jb\r\u202ec\u200bd\ne") == "a\ufffd[2Jb\ufffd\ufffdc\ufffdd\ne"


def test_shades_go_from_sure_to_unsure() -> None:
    assert [least for least, _ in SHADES] == sorted((least for least, _ in SHADES), reverse=True)


@pytest.mark.parametrize(
    "words",
    [
        ("--help",),
        ("evaluate", "--help"),
        ("evaluate", "--nope"),
        ("datasets", "list"),
        ("datasets", "show", "capitals"),
        ("datasets", "show", "a-set-that-is-not-there-" * 8),
        ("search", "anything at all", "home=/a/long/folder/" + "that-is-not-there/" * 20),
        ("calibrators",),
    ],
)
def test_what_no_terminal_shows_is_never_wrapped(
    codex: Codex, words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "20")
    narrow = codex(*words)
    monkeypatch.setenv("COLUMNS", "2000")
    assert narrow == codex(*words)
    assert narrow.out + narrow.err


def test_what_the_program_shows_no_terminal_is_never_wrapped(own_home: Path) -> None:
    narrow, wide = (program(own_home, "evaluate", "--help", columns=columns) for columns in (20, 2000))
    assert (narrow.stdout, narrow.stderr) == (wide.stdout, wide.stderr)
    assert narrow.stdout


def test_the_list_of_commands_says_of_each_what_its_own_help_says_first() -> None:
    commands = program_in_full().commands
    assert list(commands) == list(COMMANDS)
    told = {name: command.get_short_help_str(1000) for name, command in commands.items()}
    assert told == {name: line for name, (_, line) in COMMANDS.items()}


def test_help_starts_without_what_only_the_commands_need() -> None:
    script = "import sys, codex.cli.main; print(sorted({*sys.argv[1:]} & sys.modules.keys()))"
    heavy = ("numpy", "scipy", "pydantic", "duckdb", "hydra", "httpx", "codex.settings", "codex.cli.runs")
    done = subprocess.run([sys.executable, "-c", script, *heavy], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
