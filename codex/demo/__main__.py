"""`python -m codex.demo [KEY=VALUE]...`: record the answers of the demo again, with the default model."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from codex.ask.workbench import Workbench
from codex.demo.recording import FILE, Recordings, record, write
from codex.errors import CodexError


def main(overrides: list[str]) -> None:
    """Ask the questions of the demo, and keep the answers where the demo plays them from."""
    workbench = Workbench.open(["engine=llama_cpp", *overrides])
    try:
        workbench.model.load()
        made = []
        for recording in record(workbench):
            last = recording.trace.last
            made.append(recording)
            print(
                f"{recording.trace.question} {last.decision.action}, {last.confidence.value:.2f}, "
                f"{recording.seconds[-1]:.1f} s: {last.observation.generation.text.strip()}"
            )
        model, policy = workbench.model.engine.fingerprint, workbench.active.policy
        write(FILE, Recordings(model, datetime.now(UTC), policy, tuple(made)))
        print(f"Kept in {FILE}, {FILE.stat().st_size / 1000:.0f} kB.")
    finally:
        workbench.close()


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except CodexError as error:
        sys.exit(f"error: {error}")
