"""Clients that go away: the model stops, and nothing is kept of what nobody read."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from codex.engines.base import Finished
from codex.server import streaming
from codex.types import Token
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import SURE, Serve, eventually, open_request, read_until, running

SLOW = Script([" word"] * 500)
"""With 20 ms before each token it would take ten seconds."""


@pytest.mark.parametrize("path", ["/infer", "/infer/stream"])
def test_the_model_stops_when_the_client_goes_away(serve: Serve, path: str) -> None:
    served = serve(SLOW, "ask.max_waiting=1", "engine.params.max_tokens=500", delay=0.02)
    with open_request(served, path) as client:
        assert eventually(lambda: served.scripted.running == 1, 5)
        if path == "/infer/stream":
            read_until(client, b"event: token")
    # Noticed at the next turn of the event loop, and the engine looks before each token.
    assert eventually(lambda: served.scripted.running == 0, 1)
    assert served.http.get("/sessions").json() == []
    served.scripted.script, served.scripted.delay = lambda prompt: SURE, 0
    assert served.http.post(path, json={"query": "Is the one slot free again?"}).status_code == 200


@pytest.mark.parametrize("path", ["/infer", "/infer/stream"])
def test_the_model_stops_before_its_first_token_too(serve: Serve, path: str) -> None:
    class Reading(ScriptedEngine):
        """Takes long over the prompt, and looks at `cancel` meanwhile."""

        def decode(
            self, *args: object, cancel: threading.Event, **kwargs: object
        ) -> Iterator[Token | Finished]:
            self.running += 1
            assert cancel.wait(10), "nobody cancelled"
            self.running -= 1
            yield from super().decode(*args, cancel=cancel, **kwargs)  # type: ignore[arg-type]

    served = serve(kind=Reading)
    engine = served.scripted
    with open_request(served, path):
        assert eventually(lambda: engine.running == 1, 5)
    assert eventually(lambda: engine.running == 0, 1)
    assert served.http.get("/sessions").json() == []


def test_the_model_stops_while_it_draws_samples_and_no_event_is_due(serve: Serve) -> None:
    sampling = threading.Event()

    class Sampling(ScriptedEngine):
        """Takes long between the answer and its samples."""

        def decode(
            self, *args: object, cancel: threading.Event, **kwargs: object
        ) -> Iterator[Token | Finished]:
            for item in super().decode(*args, cancel=cancel, **kwargs):  # type: ignore[arg-type]
                if isinstance(item, Finished) and item.row == 1:
                    sampling.set()
                    assert cancel.wait(10), "nobody cancelled"
                    return
                yield item

    served = serve(kind=Sampling)
    engine = served.scripted
    with open_request(served, "/infer/stream") as client:
        read_until(client, b"event: generation")
        assert sampling.wait(5)
    assert eventually(lambda: engine.running == 0, 1)


def test_a_client_that_reads_nothing_is_given_up(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streaming, "SEND_SECONDS", 0.3)
    # Eight thousand events are about 3 MB: more than the sockets' buffers take.
    served = serve(Script([" word"] * 8000), "engine.params.max_tokens=8000")
    with open_request(served, "/infer/stream", n_samples=1):
        assert eventually(lambda: served.scripted.running == 1, 5)
        assert eventually(lambda: served.scripted.running == 0, 20)
    assert served.http.get("/sessions").json() == []


def test_a_server_that_shuts_down_does_not_wait_for_a_long_answer(serve: Serve) -> None:
    served = serve(SLOW, "engine.params.max_tokens=500", delay=0.02)
    engine = served.scripted
    with running(served.workbench) as second, open_request(second, "/infer/stream") as client:
        read_until(client, b"event: token")
        assert engine.running == 1
    # Leaving the block has stopped the server, which is given 3 s for what is under way.
    assert eventually(lambda: engine.running == 0, 1)


def test_many_clients_that_go_away_leave_no_slot_taken(serve: Serve) -> None:
    served = serve(SLOW, "ask.max_waiting=4", "engine.params.max_tokens=500", delay=0.02)
    for path in ("/infer", "/infer/stream") * 4:
        with open_request(served, path):
            assert eventually(lambda: served.scripted.running >= 1, 5)
        assert eventually(lambda: served.scripted.running == 0, 1)
    assert threading.active_count() < 60
