"""The questions under way and each client's share of them."""

from __future__ import annotations

import threading
from contextlib import ExitStack

import pytest

from codex.ask.places import LONG_ANSWER, Client, Places
from codex.errors import Busy, Cancelled, Stopping, TooMany

ANNA, BEN = Client("a", "cookie a"), Client("b", "cookie b")
SHORT, LONG = 128, LONG_ANSWER + 1


def take(places: Places, held: ExitStack, client: Client | None, max_tokens: int = SHORT) -> None:
    held.enter_context(places.taken(client, max_tokens, threading.Event()))


def test_one_client_has_half_of_the_places_and_another_finds_the_rest() -> None:
    places = Places(16)
    with ExitStack() as held:
        for _ in range(8):
            take(places, held, ANNA)
        with pytest.raises(TooMany, match="8 of your questions") as refused:
            take(places, held, ANNA)
        assert refused.value.status == 429
        assert refused.value.retry_after > 0
        for _ in range(8):
            take(places, held, BEN)
        with pytest.raises(Busy, match="16 questions are already under way") as full:
            take(places, held, Client("c", "cookie c"))
        assert full.value.status == 503
    with ExitStack() as held:
        take(places, held, ANNA)


def test_long_answers_leave_a_client_its_short_questions() -> None:
    places = Places(16)
    with ExitStack() as held:
        for _ in range(4):
            take(places, held, ANNA, LONG)
        with pytest.raises(TooMany, match="more than 1,024 tokens"):
            take(places, held, ANNA, LONG)
        for _ in range(4):
            take(places, held, ANNA)
        take(places, held, BEN, LONG)


def test_clients_of_one_address_without_a_cookie_share() -> None:
    places = Places(4)
    with ExitStack() as held:
        for secret in ("x", "y"):
            take(places, held, Client(secret, "address 127.0.0.1"))
        with pytest.raises(TooMany):
            take(places, held, Client("z", "address 127.0.0.1"))
        take(places, held, ANNA)


@pytest.mark.parametrize("total", [1, 2, 3])
def test_so_few_places_are_not_shared(total: int) -> None:
    places = Places(total)
    with ExitStack() as held:
        for _ in range(total):
            take(places, held, ANNA, LONG)
        with pytest.raises(Busy, match="already under way; try again shortly"):
            take(places, held, BEN)


def test_this_process_may_take_all() -> None:
    places = Places(4)
    with ExitStack() as held:
        for _ in range(4):
            take(places, held, None, LONG)
        with pytest.raises(Busy):
            take(places, held, None)


def test_a_place_is_free_again_however_its_question_ended() -> None:
    places = Places(1)
    for error in (ValueError, Cancelled, GeneratorExit):
        with pytest.raises(error), places.taken(ANNA, SHORT, threading.Event()):
            raise error
    with places.taken(BEN, SHORT, threading.Event()):
        pass


def test_stopping_cancels_what_is_under_way_with_its_reason_and_takes_no_more() -> None:
    places, cancel = Places(2), threading.Event()

    def question() -> None:
        with places.taken(ANNA, SHORT, cancel):
            places.stop()
            assert cancel.is_set()
            raise Cancelled

    with pytest.raises(Stopping, match="shutting down") as stopped:
        question()
    assert stopped.value.status == 503
    with pytest.raises(Stopping), places.taken(BEN, SHORT, threading.Event()):
        pytest.fail("nobody asks any more")


def test_who_waits_for_quiet_resumes_when_no_question_is_left_and_makes_room_for_the_next() -> None:
    places, resumed = Places(16), threading.Event()
    events: list[threading.Event] = []

    def wait() -> None:
        events.append(places.quiet())
        resumed.set()

    waiting = threading.Thread(target=wait)
    with ExitStack() as held:
        take(places, held, ANNA)
        waiting.start()
        take(places, held, BEN)
        assert not events
    assert resumed.wait(10)
    assert not events[0].is_set()
    with ExitStack() as held:
        take(places, held, ANNA)
        assert events[0].is_set()
    waiting.join()


def test_who_waits_for_quiet_is_told_to_stop() -> None:
    places = Places(16)
    disturbed = places.quiet()
    places.stop()
    assert disturbed.is_set()
    with pytest.raises(Stopping):
        places.quiet()


def test_draining_takes_no_more_and_cancels_nothing() -> None:
    places, cancel = Places(16), threading.Event()
    with places.taken(ANNA, SHORT, cancel):
        assert not places.drain()
        assert places.draining
        with pytest.raises(Stopping), places.taken(BEN, SHORT, threading.Event()):
            pytest.fail("nobody asks any more")
        with pytest.raises(Stopping):
            places.quiet()
    assert not cancel.is_set()
    assert places.drain()
