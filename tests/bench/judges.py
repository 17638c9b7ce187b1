"""How reliable models are as judges of evidence and as verifiers, on the labelled answers that ship.

    python -m tests.bench.judges [MODEL ...] [--engine llama_cpp|huggingface]

MODEL: a name, a GGUF file or a folder; the default model where none is named. Prints AUROC with its 95 %
interval, and what measuring took. Nothing is kept: each run measures.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from rich.console import Console
from rich.table import Table

from codex.ask.workbench import Workbench
from codex.engines.models import DEFAULT_MODEL, Models, default_home
from codex.grounding.grounder import Measured
from tests.bench.line import Line

MOST_SECONDS = 240.0
"""Of processor time that measuring the default model may take: two minutes on two cores."""


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.judges",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("models", nargs="*", default=[DEFAULT_MODEL], help="names, files or folders")
    parser.add_argument("--engine", choices=("llama_cpp", "huggingface"), default="llama_cpp")
    given = parser.parse_args()
    table = Table("model", "role", "AUROC", "95 % interval", "reliable", "s", "s of processor", box=None)
    for model in given.models:
        found, seconds, processor = measured(model, given.engine)
        for each in found:
            r = each.reliability
            interval = f"{r.low:.3f} to {r.high:.3f}"
            sufficient = "yes" if r.is_sufficient else "no"
            row = (each.name, each.role, f"{r.auroc:.3f}", interval, sufficient)
            table.add_row(*row, f"{seconds:.0f}", f"{processor:.0f}")
    Console(width=160).print(table)


def measure(home: Path) -> Iterator[Line]:
    """The part of `make bench`."""
    found, _, processor = measured(DEFAULT_MODEL, "llama_cpp")
    said = ", ".join(f"{each.role} {each.name} {each.reliability.auroc:.2f}" for each in found)
    yield Line("judge and verifier measured once", MOST_SECONDS, processor, "s", f"processor time; {said}")


def measured(model: str, engine: str) -> tuple[list[Measured], float, float]:
    """What is found of a model, and the seconds and the processor's seconds that it took, without loading."""
    with tempfile.TemporaryDirectory() as folder:
        own = Models(default_home()).folder
        own.mkdir(parents=True, exist_ok=True)
        (Path(folder) / own.name).symlink_to(own, target_is_directory=True)
        given = [f"home={folder}", f"engine={engine}", f"engine.model_path={model}"]
        with closing(Workbench.open(given)) as workbench:
            workbench.model.load()
            started, processor = time.perf_counter(), time.process_time()
            found = workbench.model.measure()
            return found, time.perf_counter() - started, time.process_time() - processor


if __name__ == "__main__":
    main()
