"""How the processor threads of the engines wait for each other."""

from __future__ import annotations

import os

SPINS = "3000"
"""Turns, some 30 microseconds, that a thread waits before it sleeps."""


def spin_briefly() -> None:
    """Let threads of llama.cpp and torch spin a moment before they sleep, unless the user set how they wait.

    Has to come before either is first imported: their OpenMP runtimes read it then. Threads that sleep at
    once take up to twice as long for a token, since it takes hundreds of waits; threads that spin on, as
    they do by default, take many times as long where something else runs on the same cores.
    """
    if not os.environ.keys() & {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"}:
        os.environ |= {"OMP_WAIT_POLICY": "active", "GOMP_SPINCOUNT": SPINS}
