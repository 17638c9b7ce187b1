"""Killed at random moments of all that writes: what was acknowledged must be there after the restart."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from tests.soak.acknowledged import Acknowledged, lost, working
from tests.soak.line import Line
from tests.soak.serve import INDEXING
from tests.soak.workbench import Process

PART = "kills"
LONGEST = 20.0
"""Seconds from the first response after a start to the kill: between none and so many. The first answers of a
run are stored some 9 s after it began in a process that has just started."""
LONGEST_START = 6.0
"""Seconds from a start to a kill within it, in the same way."""
IN_START = 0.1
"""How often it is killed before its first response."""


def run(home: Path, kills: int, seed: int = 0) -> Iterator[Line]:
    """So many kills; what is lost of what was acknowledged, and whether each restart works."""
    chance = random.Random(seed)
    known = Acknowledged()
    # With the verifier a run would measure it first, for longer than the time between two kills.
    process = Process(home, "ask.n_samples=1", "grounding.verify=false", environment={INDEXING: "1"})
    in_starts = 0
    for _ in range(kills):
        if chance.random() < IN_START:
            in_starts += 1
            process.begin()
            time.sleep(chance.uniform(0, LONGEST_START))
            process.kill()
        else:
            process.start()
            with working(process, known, chance):
                time.sleep(chance.uniform(0, LONGEST))
                process.kill()
    process.start()
    try:
        with process.http as client:
            missing = lost(client, home, known)
    finally:
        process.stop()
    yield Line.at_most(PART, "starts that failed", 0, process.started - in_starts - len(process.seconds))
    yield Line.told(PART, "kills during a start", in_starts)
    yield from known.lines(PART)
    yield Line.at_most(PART, f"lost after {kills} kills", 0, len(missing))
    yield Line.at_most(PART, "errors that are not clear", 0, len(known.unclear))
    yield Line.told(PART, "start, 95th percentile", float(np.quantile(process.seconds, 0.95)), "s")
    for each in [*missing, *known.unclear][:20]:
        print(each)
