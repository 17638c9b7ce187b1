"""`make bench`: the targets for speed and memory, beside what Codex reaches on this machine.

Ratios are taken pair by pair in one process, in turn, since a machine's speed drifts. Nothing here is a
test: a slow machine makes a line say "missed", and the exit status says so too.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.table import Table

from codex.engines.models import Models, default_home
from tests.bench.line import Line
from tests.support.shared_data import add_option

PARTS: dict[str, str] = {
    "llama_cpp": "decoding.llama_cpp",
    "huggingface": "decoding.huggingface",
    "gpu": "gpu.measure",
    "serving": "serving.measure",
    "throughput": "throughput.measure",
    "race": "race.measure",
    "retrieval": "retrieval.measure",
    "grounding": "grounding.measure",
    "judges": "judges.measure",
    "verifier": "verifier.measure",
    "injection": "injection.measure",
    "loop": "loop.measure",
    "live": "live.measure",
    "system_prompts": "system_prompts.measure",
    "calibration": "calibration.measure",
    "prior": "prior.measure",
    "familiarity": "familiarity.measure",
    "adaptive": "adaptive.measure",
    "guarantees": "guarantees.measure",
    "people_answers": "people_answers.measure",
    "evaluation": "evaluation.measure",
    "tuning": "tuning.measure",
    "monitoring": "monitoring.measure",
    "labelling": "labelling.measure",
    "sessions": "sessions.measure",
    "classify": "classify.measure",
    "training": "training.measure",
    "trained_verifier": "trained_verifier.measure",
}
"""Each a function of a module beside this one, which is imported only when it is measured."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", choices=[[], *PARTS], help="which parts; all but gpu when none is named"
    )
    add_option(parser)
    chosen = parser.parse_args().parts or [part for part in PARTS if part != "gpu"]
    lines: list[Line] = []
    console = Console(width=None if sys.stdout.isatty() else 160)
    with tempfile.TemporaryDirectory() as folder:
        home = _home(Path(folder))
        for part in chosen:
            for line in _part(part)(home):
                lines.append(line)
                console.print(f"{line.name}: {line.shown}", style="dim")
    console.print(_table(lines))
    console.print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}", style="dim")
    return 0 if all(line.reached for line in lines) else 1


def _part(name: str) -> Callable[[Path], Iterator[Line]]:
    module, function = PARTS[name].split(".")
    measure: Callable[[Path], Iterator[Line]] = getattr(import_module(f"tests.bench.{module}"), function)
    return measure


def _home(folder: Path) -> Path:
    """A home of its own with the user's models and caches, so that no question lands in the user's store."""
    own = Models(default_home())
    for shared in (own.folder, own.cache):
        shared.mkdir(parents=True, exist_ok=True)
        (folder / shared.name).symlink_to(shared, target_is_directory=True)
    return folder


def _table(lines: list[Line]) -> Table:
    table = Table("what", "asked", "got", "", "how measured", box=None)
    for line in lines:
        table.add_row(line.name, line.asked, line.shown, "reached" if line.reached else "MISSED", line.how)
    return table


if __name__ == "__main__":
    sys.exit(main())
