"""A run's questions asked by engines on a Ray cluster: each worker has the model, this process the store.

The workers need the same version of Codex, the model and, for a server with a key, the variable that holds
it. Nothing here imports Ray before a run is asked on it.
"""

from __future__ import annotations

import logging
import os
import pickle
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any, ClassVar

from codex import engines
from codex.ask.workbench import Workbench
from codex.engines.base import ModelConfig
from codex.engines.models import Models
from codex.errors import (
    Cancelled,
    CapabilityError,
    CodexError,
    Conflict,
    InvalidInput,
    ModelError,
    StoreError,
)
from codex.evaluation.callers import callers_for
from codex.evaluation.course import Course, OnJobProgress
from codex.evaluation.desk import Desk
from codex.evaluation.records import options_of, passages_of, record_of
from codex.evaluation.runner import check_same, resumed
from codex.grounding.reliability import Reliabilities
from codex.items import Item
from codex.settings import (
    AddedEngineSettings,
    EngineSettings,
    HuggingFaceSettings,
    LlamaCppSettings,
    OpenAIApiSettings,
    Settings,
)
from codex.signals import add_signals
from codex.store import Store
from codex.store.evaluation.runs import RunSummary
from codex.types import Passage, Record, Run, Step

INSTALL = "pip install 'codex-workbench[ray]'"
LOCAL = "local"
"""In place of an address: a cluster of this machine alone, which ends with the run."""
BATCH = 4
"""Questions of a task at least. What a worker that dies was about to answer is asked again."""
RESTARTS = 3
"""How often each worker may die, on average, before the run ends."""

SENT = (Cancelled, CapabilityError, Conflict, ModelError, StoreError)
"""Errors that a worker sends as they are; the others become a ModelError."""
LOOPBACK = "127.0.0.2"
"""Where a cluster of this machine alone listens, so that no other reaches it; 127.0.0.1 Ray replaces."""
QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ENABLE_AUTO_CONNECT": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
}
"""Ray reports nothing to its makers, starts no cluster unasked, and leaves the terminal alone."""

Opened = Callable[[Settings, Store], Workbench]


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where a run is asked."""

    address: str = LOCAL
    """LOCAL; auto: the cluster that this machine belongs to; or host:port of its head."""
    workers: int | None = None
    """Engines; None: as many as the cluster has processors or GPUs for."""


def check_installed() -> None:
    """Raises CapabilityError where Ray is missing."""
    for package in ("ray", "pyarrow"):
        if find_spec(package) is None:
            raise CapabilityError(f"A run on a cluster needs Ray, which is not installed: {INSTALL}")


def run_on_ray(
    workbench: Workbench,
    run_id: str,
    cluster: Cluster,
    progress: OnJobProgress | None = None,
    cancel: threading.Event | None = None,
    opened: Opened | None = None,
) -> RunSummary:
    """`runner.run` on a cluster, with the same records. This process alone writes them.

    opened: makes a worker's workbench; None: `open_worker`. Raises what `runner.run` raises; CapabilityError
    where Ray is missing; InvalidInput where the cluster cannot be reached or is too small.
    """
    check_installed()
    with _joined(cluster.address) as (nodes, folder):
        share = replace(share_of(workbench.settings.engine, nodes, cluster.workers), folder=folder)

        def course(run: Run, left: Sequence[Item]) -> Course:
            return OnRay(workbench, run, left, share, progress, cancel, opened)

        return resumed(workbench, run_id, course)


@dataclass(frozen=True, slots=True)
class Share:
    """How many workers there are, and what of the cluster each has."""

    workers: int
    cpus: int
    gpus: int
    folder: str | None = None
    """Where a worker puts what it needs while it runs; None: each machine's own place for that."""


def share_of(engine: EngineSettings, nodes: Sequence[Mapping[str, float]], workers: int | None) -> Share:
    """As many workers as fit on these nodes, or so many, each with the threads of its engine if that fits.

    Of a server one, which sends it all that it takes.

    nodes: what each has, with Ray's names: CPU, GPU. Raises InvalidInput where so many do not fit.
    """
    if isinstance(engine, AddedEngineSettings):
        raise InvalidInput(
            f"The engine {engine.name!r} is a plug-in's: it answers in this process alone. Leave --ray out.",
            ["ray"],
        )
    on_gpu = isinstance(engine, HuggingFaceSettings) and engine.device != "cpu"
    on_gpu |= isinstance(engine, LlamaCppSettings) and engine.gpu_layers != 0
    gpus = sum(int(node.get("GPU", 0)) for node in nodes)
    if on_gpu and gpus:
        if workers is not None and workers > gpus:
            raise InvalidInput(f"The cluster has {gpus} GPUs, one for each worker.", ["workers"])
        return Share(workers or gpus, 1, 1)
    if isinstance(engine, OpenAIApiSettings):
        threads, workers = 1, workers or 1
    else:
        threads = engine.threads
    for cpus in range(threads, 0, -1):
        fit = sum(int(node.get("CPU", 0)) // cpus for node in nodes)
        if fit >= (workers or 1):
            return Share(workers or fit, cpus, 0)
    raise InvalidInput(f"The cluster has {fit} processors: so many workers at most.", ["workers"])


class OnRay(Course):
    """Workers that answer batches of questions."""

    abandons: ClassVar[bool] = True

    def __init__(
        self,
        workbench: Workbench,
        run: Run,
        items: Sequence[Item],
        share: Share,
        progress: OnJobProgress | None = None,
        cancel: threading.Event | None = None,
        opened: Opened | None = None,
    ) -> None:
        import ray

        super().__init__(workbench, run, 1, progress, cancel)
        self._items = items
        self._share = share
        self._opened = opened or open_worker
        self._desk = ray.remote(Desk).options(num_cpus=0).remote(share.workers * (1 + RESTARTS))

    def stop(self) -> None:
        if not self.halt.is_set():
            super().stop()
            self._desk.stop.remote()

    def work(self, put: Callable[[Record], None]) -> None:
        import ray.data
        import ray.exceptions

        engine = self.workbench.model.engine
        batch = max(BATCH, callers_for(engine))
        asked = [{"asked": pickle.dumps(each)} for each in self._with_passages()]
        if self.halt.is_set() or not asked:
            return
        engine.unload()  # The workers have it.
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = context.print_on_execution_start = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        settings = _with_threads(self.workbench.settings, self._share.cpus)
        measured = reliabilities(settings).files()
        made = (settings, self.run, measured, self._desk, self._opened, self._share.folder)
        batches = -(-len(asked) // batch)
        results = ray.data.from_items(asked, override_num_blocks=batches).map_batches(
            Worker,
            fn_constructor_args=made,
            batch_size=batch,
            # Two batches at once, so that the engine has something to do while the last of one ends.
            compute=ray.data.ActorPoolStrategy(
                size=min(self._share.workers, batches),
                max_concurrent_calls_per_actor=2,
                enable_true_multi_threading=True,
            ),
            num_cpus=self._share.cpus,
            num_gpus=self._share.gpus,
        )
        try:
            for row in results.iter_rows():
                if self.halt.is_set():
                    return
                put(received(row["record"]))
        except ray.exceptions.RayError as error:
            raise ModelError(f"A worker of the Ray cluster failed: {error}") from error

    def _with_passages(self) -> Iterator[tuple[Item, tuple[Passage, ...]]]:
        """The questions with their passages: the documents are on this machine alone."""
        for item in self._items:
            if self.halt.is_set():
                return
            passages: tuple[Passage, ...] = ()
            with suppress(InvalidInput):  # The worker says the same of the question.
                passages = passages_of(self.workbench, self.run, item)
            yield item, passages


class Worker:
    """One engine on the cluster."""

    def __init__(
        self,
        settings: Settings,
        run: Run,
        measured: Mapping[str, str],
        desk: Any,
        opened: Opened,
        folder: str | None,
    ) -> None:
        """measured: as `Reliabilities.files` gives it. desk: a `Desk`. folder: see `Share`."""
        import ray

        self._run = run
        self._failure: CodexError | None = None
        self._halt = threading.Event()
        threading.Thread(target=self._watch, args=(desk,), name="codex-stopping", daemon=True).start()
        self._folder = tempfile.TemporaryDirectory(
            prefix="codex-worker-", dir=folder, ignore_cleanup_errors=True
        )
        try:
            if not ray.get(desk.begin.remote()):
                raise ModelError("The workers of the Ray cluster die again and again; see Ray's logs.")
            reliabilities(settings).add(measured)
            self._workbench = opened(settings, Store(Path(self._folder.name) / "codex.duckdb"))
            self._workbench.model.load()
            check_same(self._workbench, run)
            self._callers = ThreadPoolExecutor(callers_for(self._workbench.model.engine))
        except CodexError as error:
            # Ray would build the worker again and again.
            self._failure = error

    def __call__(self, batch: Mapping[str, Any]) -> dict[str, list[bytes]]:
        """batch: under "asked" items with their passages, as bytes; the records, or what ends the run."""
        if self._failure is not None:
            return {"record": [sent(self._failure)]}
        return {"record": list(self._callers.map(self._answered, map(pickle.loads, batch["asked"])))}

    def _answered(self, asked: tuple[Item, tuple[Passage, ...]]) -> bytes:
        item, passages = asked

        def observe(given: Sequence[Passage]) -> tuple[Step, float]:
            begun = time.monotonic()
            options = options_of(self._run, item, self._halt)
            return self._workbench.observe(item.asked, given, **options), begun

        try:
            if self._halt.is_set():
                raise Cancelled("The question was cancelled before it was asked.")
            return sent(record_of(self._workbench, self._run, item, observe, passages))
        except CodexError as error:
            return sent(error)

    def _watch(self, desk: Any) -> None:
        import ray
        import ray.exceptions

        with suppress(ray.exceptions.RayError):  # Without the run's own process nobody wants the answers.
            ray.get(desk.stopped.remote())
        self._halt.set()


def open_worker(settings: Settings, store: Store) -> Workbench:
    """A worker's workbench, with the engine that the settings name. store: of its own, for nothing."""
    add_signals(settings.ask.signals)
    engine = engines.create(settings.engine.name, settings.engine, Models(settings.home))
    return Workbench(settings, engine, store)


def reliabilities(settings: Settings) -> Reliabilities:
    """What was measured of judges and verifiers, in this home."""
    return Reliabilities(Models(settings.home).cache / "reliability")


def _with_threads(settings: Settings, most: int) -> Settings:
    """The settings of a worker that has so many processors."""
    engine = settings.engine
    if not isinstance(engine, ModelConfig) or engine.threads <= most:
        return settings
    return settings.model_copy(update={"engine": engine.model_copy(update={"threads": most})})


def sent(result: Record | CodexError) -> bytes:
    """As it travels; see `received`."""
    if isinstance(result, Record):
        return pickle.dumps(result)
    kind = type(result) if type(result) in SENT else ModelError
    return pickle.dumps((kind, f"{result} (Ray worker on {socket.gethostname()})"))


def received(packed: bytes) -> Record:
    """What a worker sent; raises what it raised."""
    # Workers of the cluster, which Ray itself sends code to.
    result = pickle.loads(packed)  # noqa: S301
    if isinstance(result, Record):
        return result
    kind, said = result
    raise kind(said)


@contextmanager
def _joined(address: str) -> Iterator[tuple[list[Mapping[str, float]], str | None]]:
    """What each node of the cluster has, and a folder that ends with it. Raises InvalidInput.

    A process that is in a cluster already stays in that one.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    import ray

    if ray.is_initialized():
        yield _nodes(), None
        return
    with ExitStack() as stack:
        folder = None
        options: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
        if address == LOCAL:
            # Its sockets need a short path.
            place = "/tmp" if os.path.isdir("/tmp") else None  # noqa: S108 - mkdtemp makes the name
            folder = tempfile.mkdtemp(prefix="codex-ray-", dir=place)
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            options |= {"include_dashboard": False, "_temp_dir": folder}
            # Elsewhere the interface has one address only.
            options |= {"_node_ip_address": LOOPBACK} if sys.platform == "linux" else {}
        stack.callback(ray.shutdown)
        try:
            ray.init(address=address, **options)
        except (ConnectionError, RuntimeError, ValueError, OSError) as error:
            raise InvalidInput(f"The Ray cluster {address!r} cannot be reached: {error}", ["ray"]) from error
        yield _nodes(), folder


def _nodes() -> list[Mapping[str, float]]:
    import ray

    return [node["Resources"] for node in ray.nodes() if node["Alive"]]
