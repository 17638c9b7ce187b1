"""A process that runs the dataset sums over a scripted model, to be killed: home folder, run id."""

from __future__ import annotations

import sys

from codex.ask.workbench import Workbench
from codex.evaluation.runner import run
from codex.settings import load_settings
from codex.store import Store
from tests.support.scripted import Script, ScriptedEngine


def sums(prompt: str) -> Script:
    number = int(prompt.split("How much is ")[1].split()[0])
    return Script([f"It is {number + 1}."], samples=[f"{number + 1}", "nobody knows"])


if __name__ == "__main__":
    settings = load_settings([f"home={sys.argv[1]}", "ask.n_samples=2"])
    engine = ScriptedEngine(sums, delay=0.005)
    workbench = Workbench(settings, engine, Store(settings.database))
    run(workbench, sys.argv[2], lambda now: print(now.done, flush=True), callers=2)
    workbench.close()
