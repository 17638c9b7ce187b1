"""`python -m tests.bench.on_ray [CHECK]...`: a run on a local Ray cluster of two workers.

It is no test, because Ray with its tables is 410 MB installed and CI has no use for it otherwise: install it
with `pip install -e '.[ray]'` first. Every check that fails ends it with an AssertionError.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from codex.ask.workbench import Workbench
from codex.errors import ModelError, PromptTooLong
from codex.evaluation.on_ray import Cluster, run_on_ray
from codex.evaluation.runner import measure, prepare, run
from codex.jobs import JobProgress
from codex.settings import Settings, load_settings
from codex.store import Store
from codex.types import Observation, Record
from tests.support.scripted import Script, ScriptedEngine

COUNT = 40
TOO_LONG, DEADLY = 5, 13
TWO = Cluster(workers=2)


def scripted(settings: Settings, store: Store) -> Workbench:
    """Says the sum; refuses one question, and writes down each that it is asked."""

    def says(prompt: str) -> Script:
        number = int(prompt.split("How much is ")[1].split()[0])
        with open(settings.home / "asked", "a") as file:
            file.write(f"{number} {os.getpid()}\n")
        if number == TOO_LONG:
            raise PromptTooLong(900, 500)
        if number == DEADLY and (settings.home / "deadly").exists():
            raise ModelError("The model is gone.")
        if number == DEADLY and (settings.home / "crashing").exists():
            os.kill(os.getpid(), signal.SIGKILL)
        return Script([f"It is {number + 1}."], samples=[f"{number + 1}", "nobody knows"])

    return Workbench(settings, ScriptedEngine(says, delay=0.05), store)


def asked(home: Path) -> list[tuple[int, int]]:
    """Questions and processes."""
    return [(int(a), int(b)) for a, b in map(str.split, (home / "asked").read_text().splitlines())]


@contextmanager
def bench(home: Path) -> Iterator[Workbench]:
    (home / "datasets").mkdir(parents=True, exist_ok=True)
    (home / "datasets" / "sums.jsonl").write_text(
        "".join(
            json.dumps(
                {"id": f"q{at}", "question": f"How much is {at} and one?", "answers": [str(at + at % 2)]}
            )
            + "\n"
            for at in range(COUNT)
        )
    )
    settings = load_settings([f"home={home}", "ask.n_samples=2"])
    with closing(scripted(settings, Store(settings.database))) as workbench:
        yield workbench


def told(workbench: Workbench, run_id: str) -> dict[str, Record]:
    """The records without what differs from run to run: the time."""
    return {
        record.id: replace(record, seconds=0.0, observation=timeless(record))
        for record in workbench.store.runs.records(run_id)
    }


def timeless(record: Record) -> Observation:
    seen = record.observation
    still = [replace(each, seconds=0.0) for each in (seen.generation, *seen.samples)]
    verdict = replace(seen.verdict, seconds=0.0) if seen.verdict else None
    return replace(seen, generation=still[0], samples=tuple(still[1:]), verdict=verdict)


def same_as_an_ordinary_run(home: Path) -> None:
    with bench(home) as workbench:
        here, there = prepare(workbench, "sums").id, prepare(workbench, "sums").id
        run(workbench, here)
        (home / "asked").unlink()
        summary = run_on_ray(workbench, there, TWO, opened=scripted)
        assert (summary.run.state, summary.done, summary.failed) == ("done", COUNT, 1), summary
        assert told(workbench, here) == told(workbench, there)
        assert len(asked(home)) == COUNT
        assert len({process for _, process in asked(home)} - {os.getpid()}) == 2
        assert run_on_ray(workbench, there, TWO, opened=scripted).done == COUNT
        assert len(asked(home)) == COUNT


def stopped_and_resumed(home: Path) -> None:
    with bench(home) as workbench:
        run_id, cancel = prepare(workbench, "sums").id, threading.Event()

        def progress(now: JobProgress) -> None:
            if now.done >= 9:
                cancel.set()

        stopped = run_on_ray(workbench, run_id, TWO, progress, cancel, opened=scripted)
        assert stopped.run.state == "cancelled"
        assert 9 <= stopped.done < COUNT
        (home / "asked").unlink()
        assert run_on_ray(workbench, run_id, TWO, opened=scripted).done == COUNT
        assert len(asked(home)) == COUNT - stopped.done


def a_worker_that_dies(home: Path) -> None:
    with bench(home) as workbench:
        run_id, killed = prepare(workbench, "sums").id, list[int]()

        def progress(now: JobProgress) -> None:
            if now.done >= 9 and not killed:
                killed.append(asked(home)[-1][1])
                os.kill(killed[0], signal.SIGKILL)

        summary = run_on_ray(workbench, run_id, TWO, progress, opened=scripted)
        assert (summary.run.state, summary.done) == ("done", COUNT)
        assert killed


def a_model_that_dies(home: Path) -> None:
    with bench(home) as workbench:
        run_id = prepare(workbench, "sums").id
        (home / "deadly").touch()
        with pytest.raises(ModelError, match=r"The model is gone. \(Ray worker on "):
            run_on_ray(workbench, run_id, TWO, opened=scripted)
        assert workbench.store.runs.get(run_id).run.state == "failed"
        (home / "deadly").unlink()
        assert run_on_ray(workbench, run_id, TWO, opened=scripted).done == COUNT


def a_question_that_kills_each_worker(home: Path) -> None:
    with bench(home) as workbench:
        run_id = prepare(workbench, "sums").id
        (home / "crashing").touch()
        with pytest.raises(ModelError, match="die again and again"):
            run_on_ray(workbench, run_id, TWO, opened=scripted)
        assert workbench.store.runs.get(run_id).run.state == "failed"
        (home / "crashing").unlink()
        assert run_on_ray(workbench, run_id, TWO, opened=scripted).done == COUNT


def the_default_model(home: Path) -> None:
    with closing(
        Workbench.open([f"home={home}", "ask.n_samples=2", "engine.params.max_tokens=16"])
    ) as workbench:
        here = prepare(workbench, "capitals", limit=8)
        there = prepare(workbench, "capitals", limit=8)
        measure(workbench, here)
        run(workbench, here.id, callers=1)
        summary = run_on_ray(workbench, there.id, TWO)
        assert (summary.run.state, summary.done, summary.failed) == ("done", 8, 0), summary
        one, two = told(workbench, here.id), told(workbench, there.id)
        assert one.keys() == two.keys()
        # Which questions share a batch changes how the model rounds, and so the samples.
        same = [key for key in one if text(one[key]) == text(two[key])]
        print(f"    {len(same)} of 8 answers are the same to the letter")
        assert same
        for key in same:
            assert missing(one[key]) == missing(two[key])


def text(record: Record) -> str:
    return record.observation.generation.text


def missing(record: Record) -> set[str]:
    """The signals that are not available, but for those that are measured on samples."""
    return {name for name, value in record.signals.items() if value is None and "sample" not in name}


CHECKS: tuple[Callable[[Path], None], ...] = (
    same_as_an_ordinary_run,
    stopped_and_resumed,
    a_worker_that_dies,
    a_model_that_dies,
    a_question_that_kills_each_worker,
    the_default_model,
)


class Watch:
    """Which addresses outside this machine the processes of the cluster speak with."""

    def __init__(self) -> None:
        self.outside: set[str] = set()
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.look)
        self.thread.start()

    def look(self) -> None:
        while not self.ended.wait(0.05):
            for process in [psutil.Process(), *psutil.Process().children(recursive=True)]:
                try:
                    for each in process.net_connections():
                        if each.raddr and not each.raddr.ip.startswith(("127.", "::1", "::ffff:127.")):
                            self.outside.add(f"{process.name()} {each.raddr.ip}:{each.raddr.port}")
                except psutil.Error:
                    continue


def main() -> None:
    before = set(Path("/tmp").glob("codex-*"))
    watch = Watch()
    try:
        for check in [each for each in CHECKS if not sys.argv[1:] or each.__name__ in sys.argv]:
            with tempfile.TemporaryDirectory() as folder:
                began = time.monotonic()
                home = Path(folder)
                if check is the_default_model:
                    from tests.bench.__main__ import _home

                    home = _home(home)
                check(home)
                print(f"{check.__name__}: {time.monotonic() - began:.1f} s", flush=True)
    finally:
        watch.ended.set()
        watch.thread.join()
    assert not watch.outside, watch.outside
    left = psutil.Process().children(recursive=True)
    assert not left, left
    assert not set(Path("/tmp").glob("codex-*")) - before, set(Path("/tmp").glob("codex-*")) - before
    print("no process, no folder and no connection elsewhere is left")


if __name__ == "__main__":
    main()
