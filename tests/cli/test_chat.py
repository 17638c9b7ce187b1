"""codex chat: a conversation in the terminal, in this process and against a running workbench."""

from __future__ import annotations

import io
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from codex.ask.workbench import Workbench
from codex.cli import chat
from codex.cli.questions import _There
from codex.cli.served import Served
from tests.support.command import Codex, Said, command
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import running, workbench

Chat = Callable[..., Said]


class Interrupted:
    """Says Canberra, but to a long question so much that the Ctrl-C pressed then comes before its end."""

    def __init__(self) -> None:
        self.presses = 1
        self.engine = ScriptedEngine(self)

    def __call__(self, prompt: str) -> Script:
        self.engine.delay = 0.0
        if "<user>Long?" in prompt and self.presses:
            self.presses -= 1
            self.engine.delay = 0.05
            os.kill(os.getpid(), signal.SIGINT)
            return Script(["so", " on"] * 500)
        return Script(["Can", "berra"])


@pytest.fixture(autouse=True)
def ctrl_c() -> Iterator[None]:
    """As in a terminal, also where these tests run in the background, for which a shell switches it off."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def engine() -> ScriptedEngine:
    return Interrupted().engine


@pytest.fixture
def codex(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Codex:
    return command(tmp_path, monkeypatch, capsys)


@pytest.fixture(params=["here", "served"])
def talk(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    engine: ScriptedEngine,
    codex: Codex,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Chat]:
    """Lines that come through a pipe, and what is printed."""
    bench = workbench(tmp_path, engine)

    def run(*lines: str) -> Said:
        monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        return codex("chat")

    if request.param == "here":
        monkeypatch.setattr(Workbench, "open", lambda overrides: bench)
        yield run
        return
    with running(bench) as served:
        there = Served(f"http://127.0.0.1:{served.port}")

        @contextmanager
        def questions(*_: object) -> Iterator[_There]:
            yield _There(there, {}, None)

        monkeypatch.setattr(chat, "questions", questions)
        yield run
        there.close()


def test_each_line_is_asked_after_those_before_it(talk: Chat, engine: ScriptedEngine) -> None:
    said = talk("One?", "", "Two?")
    assert said.status == 0
    assert "<user>One?</user><assistant>Canberra</assistant><user>Two?</user>" in engine.decodes[-1]
    assert said.out.count("confidence") == 2
    assert "after 1 earlier turn" in said.out
    assert "\x1b" not in said.out


def test_new_leaves_the_context_and_quit_ends(talk: Chat, engine: ScriptedEngine) -> None:
    said = talk("One?", "/new", "Two?", "/quit", "Three?")
    assert len(engine.decodes) == 2
    assert "One?" not in engine.decodes[-1]
    assert "Three?" not in said.out


def test_an_unknown_command_is_no_question(talk: Chat, engine: ScriptedEngine) -> None:
    said = talk("/nwe")
    assert not engine.decodes
    assert "no command /nwe" in said.err
    assert "/new leaves" in said.err


def test_ctrl_c_stops_the_answer_and_not_the_program(talk: Chat, engine: ScriptedEngine) -> None:
    said = talk("One?", "Long?", "Two?")
    assert "Stopped; nothing was saved." in said.err
    assert engine.decodes[-1].endswith(
        "<user>One?</user><assistant>Canberra</assistant><user>Two?</user><assistant>"
    )
    assert said.status == 1  # a script is told that a line was not answered


def test_an_error_is_said_and_the_conversation_stays(talk: Chat, engine: ScriptedEngine) -> None:
    said = talk("One?", "x" * 1_000_001, "Two?")
    assert "at most 1,000,000" in said.err
    assert "<assistant>Canberra</assistant><user>Two?</user>" in engine.decodes[-1]


def test_on_a_terminal_tokens_are_coloured_and_ctrl_c_stops_the_answer(tmp_path: Path) -> None:
    """A real terminal, a real key."""
    terminal, inside = pty.openpty()
    # A session of its own, whose terminal this is: the key reaches the program as a signal.
    program = subprocess.Popen(
        [sys.executable, "-c", START, "chat"],
        stdin=inside,
        stdout=inside,
        stderr=inside,
        env={**os.environ, "CODEX_HOME": str(tmp_path), "TERM": "xterm-256color"},
        start_new_session=True,
    )
    os.close(inside)
    seen = Terminal(terminal)
    seen.until("/quit ends")
    seen.type("Tell me a long story about the sea.\n")
    seen.until("\x1b[4;31msea")
    seen.type("\x03")
    seen.until("nothing was saved")
    seen.type("/quit\n")
    assert program.wait(60) == 0
    os.close(terminal)


START = """
import fcntl, os, termios
from pathlib import Path
from codex.ask.workbench import Workbench
from codex.cli.main import main
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import workbench

fcntl.ioctl(0, termios.TIOCSCTTY, 0)
slow = ScriptedEngine(lambda prompt: Script(["sea "] * 600, [0.4] * 600), delay=0.2)
bench = workbench(Path(os.environ["CODEX_HOME"]), slow)
Workbench.open = lambda overrides: bench
main()
"""


class Terminal:
    """What a program shows on a terminal."""

    def __init__(self, file: int) -> None:
        self.file, self.shown = file, ""

    def type(self, keys: str) -> None:
        os.write(self.file, keys.encode())

    def until(self, text: str) -> None:
        end = time.monotonic() + 120
        while text not in self.shown:
            assert time.monotonic() < end, self.shown
            self.shown += os.read(self.file, 4096).decode(errors="replace")
