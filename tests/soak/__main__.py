"""The campaign: load, kills, faults, with its table.

Exit status 1 where something that is wanted was not reached.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.soak import burst, clock, disk, gone, kills, requests
from tests.soak.line import Line

PARTS: dict[str, tuple[Callable[[Path, int], Iterator[Line]], int, int]] = {
    "requests": (requests.run, 10_000, 60),
    "real": (requests.run_real, 500, 4),
    "burst": (burst.run, 200, 24),
    "kills": (kills.run, 100, 1),
    "disk": (disk.run, 40, 1),
    "limited": (disk.run_limited, 40, 1),
    "clock": (clock.run, 20, 2),
    "openai": (gone.openai_server, 10, 1),
    "model": (gone.model_file, 10, 1),
    "chroma": (gone.chroma, 10, 1),
    "postgres": (gone.postgresql, 10, 1),
}
"""Each part with how much of it, whole and short."""
SHORT = ("requests", "burst", "kills", "limited", "clock", "openai")
"""The parts that every change is tested by: the others need another program or half a minute of their own."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", metavar="PART[=N]", help="all when none is named; N: how much of it"
    )
    parser.add_argument("--short", action="store_true", help="of each part only so much that it cannot rot")
    parser.add_argument("--json", type=Path, help="write the table here too")
    given = parser.parse_args()
    lines: list[Line] = []
    for part in given.parts or PARTS:
        name, _, times = part.partition("=")
        if name not in PARTS:
            parser.error(f"there is no part {name!r}: choose among {', '.join(PARTS)}")
        for line in run(name, short=given.short, times=int(times or 0)):
            print(line, flush=True)
            lines.append(line)
    table = Table("part", "metric", "wanted", "reached", box=None)
    for line in lines:
        value = f"{line.value:.4g} {line.unit}".strip()
        table.add_row(line.part, line.name, line.wanted, value if line.reached else f"{value}  MISSED")
    Console(width=120).print(table)
    if given.json:
        given.json.write_text(json.dumps([asdict(line) for line in lines], indent=1) + "\n")
    return 0 if all(line.reached for line in lines) else 1


def run(name: str, *, short: bool = False, times: int = 0) -> Iterator[Line]:
    """The lines of one part, in a folder that goes with it. times: how much of it; 0: all."""
    part, whole, little = PARTS[name]
    with tempfile.TemporaryDirectory(prefix="codex-soak-", ignore_cleanup_errors=True) as folder:
        yield from part(Path(folder) / "home", times or (little if short else whole))


if __name__ == "__main__":
    sys.exit(main())
