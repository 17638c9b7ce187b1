"""llama.cpp's server by itself, at its best settings, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, Self

from codex import prompts
from codex.engines.base import ALTERNATIVES
from codex.engines.llama_cpp.engine import LlamaCppEngine
from codex.engines.llama_cpp.server import SLOTS

# Longer than any wait inside a token, and short enough that it sleeps while the other side of a pair runs.
BEST = {"OMP_WAIT_POLICY": "active", "GOMP_SPINCOUNT": "300000"}


@dataclass(frozen=True, slots=True)
class Rows:
    """One request: `count` rows of `tokens` tokens each, greedy or sampled at temperature 1."""

    question: str
    count: int
    tokens: int
    sampled: bool = True


class RawServer:
    """The server with the model of an engine. Use it as a context manager, which ends its process."""

    def __init__(self, engine: LlamaCppEngine) -> None:
        self._engine = engine
        path = engine._models.resolve(engine.config.model_path, gguf=True)
        sizes = map(str, (engine._ready().server.cells, engine.config.threads, engine.config.batch_size))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.raw_server", str(path), *sizes],
            env=os.environ | BEST,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def seconds(self, *asked: Rows) -> float:
        """What the requests take together, all sent at once, with log-probabilities."""
        requests = [self._request(rows) for rows in asked]
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(requests) + "\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def _request(self, rows: Rows) -> dict[str, Any]:
        server = self._engine._ready().server
        messages = [asdict(message) for message in prompts.ask(rows.question)]
        return {
            "prompt": server.tokenize(server.render(messages), special=True),
            "n": rows.count,
            "max_tokens": rows.tokens,
            "ignore_eos": True,
            "temperature": 1.0 if rows.sampled else 0.0,
            "samplers": ["temperature"],
            "logprobs": ALTERNATIVES,
            "cache_prompt": False,
            "stream": True,
        }


def main(path: str, cells: int, threads: int, batch: int) -> None:
    """Answer each line of standard input, requests to run at once, with their seconds."""
    import xllamacpp

    params: Any = xllamacpp.CommonParams()
    params.model.path = path
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.n_batch = batch
    params.n_ctx, params.n_parallel, params.kv_unified = cells, SLOTS, True
    params.warmup = params.fit_params = False
    params.verbosity = -1
    server = xllamacpp.Server(params)
    with ThreadPoolExecutor(SLOTS) as callers:
        for line in sys.stdin:
            requests = json.loads(line)
            started = time.perf_counter()
            list(callers.map(lambda it: server.handle_completions(it, lambda chunk: False), requests))
            print(time.perf_counter() - started, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
