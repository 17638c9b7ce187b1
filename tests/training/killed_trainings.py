"""Trains twice: once as it is, once in processes that are killed at random moments, of which each resumes.

A parent that has imported everything forks them, so that torch is imported once.

python -m tests.training.killed_trainings FOLDER KILLS SEED
"""

from __future__ import annotations

import os
import random
import select
import signal
import sys
from pathlib import Path

import torch

from tests.support.tiny_training import CONFIG, trained

STEPS = 300
LONGEST = 0.25
"""Seconds that a process lives: some 30 updates, and more than its start takes."""
LONG = CONFIG.model_copy(update={"steps": STEPS, "save_every": 5, "evaluate_every": 25})


def run(folder: Path, seconds: float | None) -> bool:
    """Train in a process of its own, killed after so many seconds; whether it came to its end."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)  # The other end closes when this process ends, however it ends.
        trained(folder, LONG)
        os._exit(0)
    os.close(writing)
    ended = bool(select.select([reading], [], [], seconds)[0])
    os.close(reading)
    if not ended:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise RuntimeError(f"the training failed: {status}")
    return os.WIFEXITED(status)


def main(folder: Path, kills: int, seed: int) -> None:
    torch.set_num_threads(1)
    seeded = random.Random(seed)
    run(folder / "whole", None)
    for kill in range(kills):
        if run(folder / "killed", seeded.uniform(0.0, LONGEST)):
            raise RuntimeError(f"it was done after {kill} kills: raise STEPS")
    run(folder / "killed", None)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
