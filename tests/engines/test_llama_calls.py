"""Calls of llama.cpp's server that take long, or get no answer."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from codex.engines.llama_cpp.server import LlamaServer
from codex.errors import ModelError


@pytest.fixture
def silent() -> Iterator[LlamaServer]:
    """One whose connections are taken and never answered."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = LlamaServer.__new__(LlamaServer)
        server._address, server._key = f"127.0.0.1:{listener.getsockname()[1]}", "key"
        server._most_at_once = 512
        yield server


def test_one_that_gets_no_answer_says_so_and_does_not_say_that_the_model_is_gone(silent: LlamaServer) -> None:
    with pytest.raises(ModelError, match="did not answer within"):
        silent._ask("GET", "/props", seconds=0.01)


def test_hidden_states_are_waited_for(silent: LlamaServer, monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float | None] = []

    def ask(self: LlamaServer, method: str, path: str, body: object, seconds: float | None = 0) -> object:
        waited.append(seconds)
        return [{"embedding": [[0.5]]}]

    monkeypatch.setattr(LlamaServer, "_ask", ask)
    assert silent.states([1]).tolist() == [[0.5]]
    assert waited == [None]
