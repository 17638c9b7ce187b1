"""Guessing passwords is slow, and keeps nobody out for good."""

from __future__ import annotations

import threading
from contextlib import suppress
from pathlib import Path

import pytest

from codex.access import Access
from codex.access.attempts import FIRST, FORGOTTEN, FREE, FREE_BY_NAME, LONGEST, LONGEST_BY_NAME, Attempts
from codex.errors import TooMany


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def guesses(attempts: Attempts, clock: Clock, seconds: float, address: str, known: bool = False) -> int:
    """How many guesses somebody gets who tries again as soon as they may."""
    end, tried = clock.now + seconds, 0
    while clock.now < end:
        try:
            attempts.begin("ada", address, known=known)
            tried += 1
        except TooMany as wait:
            clock.now += wait.retry_after
    return tried


def test_an_address_gets_few_guesses_a_day(clock: Clock) -> None:
    # Five are free, seven waits grow to 15 minutes, and then there are four an hour.
    assert guesses(Attempts(clock), clock, 86_400, "1.2.3.4") <= FREE + 8 + 86_400 / LONGEST


def test_many_addresses_together_are_slowed_down_too(clock: Clock) -> None:
    attempts = Attempts(clock)
    tried = 0
    for number in range(10_000):
        try:
            attempts.begin("ada", f"10.0.{number // 256}.{number % 256}", known=False)
            tried += 1
        except TooMany:
            clock.now += 1
    assert FREE_BY_NAME <= tried <= FREE_BY_NAME + 10_000 / FIRST


def test_a_browser_that_signed_in_before_is_not_kept_out_by_a_guesser(clock: Clock) -> None:
    attempts = Attempts(clock)
    guesses(attempts, clock, 7200, "1.2.3.4")
    attempts.begin("ada", "1.2.3.4", known=False)
    with pytest.raises(TooMany):
        attempts.begin("ada", "1.2.3.4", known=False)
    attempts.begin("ada", "1.2.3.4", known=True)
    attempts.succeeded("ada", "1.2.3.4", known=True)


def test_a_new_browser_waits_at_most_half_a_minute_for_what_others_guess(clock: Clock) -> None:
    attempts = Attempts(clock)
    for number in range(1000):
        with suppress(TooMany):
            attempts.begin("ada", f"net {number}", known=False)
        clock.now += number % 3
    clock.now += LONGEST_BY_NAME
    attempts.begin("ada", "home", known=False)


def test_others_names_and_addresses_are_not_slowed_down(clock: Clock) -> None:
    attempts = Attempts(clock)
    guesses(attempts, clock, 600, "1.2.3.4")
    attempts.begin("bob", "5.6.7.8", known=False)


def test_a_success_of_ones_own_does_not_clear_guesses(clock: Clock) -> None:
    attempts = Attempts(clock)
    for _ in range(FREE - 1):
        attempts.begin("ada", "1.2.3.4", known=False)
        attempts.begin("mallory", "1.2.3.4", known=False)
        attempts.succeeded("mallory", "1.2.3.4", known=False)
    attempts.begin("ada", "1.2.3.4", known=False)
    with pytest.raises(TooMany):
        attempts.begin("ada", "1.2.3.4", known=False)


def test_failures_are_forgotten_after_an_hour(clock: Clock) -> None:
    attempts = Attempts(clock)
    for _ in range(FREE):
        attempts.begin("ada", "1.2.3.4", known=False)
    with pytest.raises(TooMany):
        attempts.begin("ada", "1.2.3.4", known=False)
    clock.now += FORGOTTEN
    for _ in range(FREE):
        attempts.begin("ada", "1.2.3.4", known=False)


def test_guesses_at_once_are_counted_before_they_are_verified(tmp_path: Path) -> None:
    access = Access(tmp_path)
    access.attempts = Attempts(Clock())
    access.users.create("Ada", "viewer", "several plain words")
    refused = []

    def guess(number: int) -> None:
        try:
            access.sign_in("Ada", f"guess number {number}", "1.2.3.4", "")
        except TooMany:
            refused.append(number)

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 20 - FREE


def test_a_device_is_of_one_user_of_one_home(tmp_path: Path) -> None:
    access, other = Access(tmp_path / "a"), Access(tmp_path / "b")
    ada = access.users.create("Ada", "viewer", "several plain words")
    device = access.sign_ins.device(ada)
    assert access.sign_ins.knows(device, "ADA")
    assert not access.sign_ins.knows(device, "bob")
    assert not access.sign_ins.knows("", "ada")
    assert not access.sign_ins.knows(device + "é", "ada")
    assert not other.sign_ins.knows(device, "ada")
