"""llama.cpp's server by itself, at its best settings, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict
from typing import Any, Self

from codex import prompts
from codex.engines.base import ALTERNATIVES
from codex.engines.llama_cpp.engine import LlamaCppEngine
from codex.engines.llama_cpp.server import SLOTS

# Longer than any wait inside a token, and short enough that it sleeps while the other side of a pair runs.
BEST = {"OMP_WAIT_POLICY": "active", "GOMP_SPINCOUNT": "300000"}


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

    def seconds(self, question: str, rows: int, tokens: int) -> float:
        """What one request of so many rows of so many tokens takes, with log-probabilities."""
        server = self._engine._ready().server
        ids = server.tokenize(server.render([asdict(m) for m in prompts.ask(question)]), special=True)
        request = {
            "prompt": ids,
            "n": rows,
            "max_tokens": tokens,
            "ignore_eos": True,
            "temperature": 1.0 if rows > 1 else 0.0,
            "samplers": ["temperature"],
            "logprobs": ALTERNATIVES,
            "cache_prompt": False,
            "stream": True,
        }
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())


def main(path: str, cells: int, threads: int, batch: int) -> None:
    """Answer each line of standard input, a request, with its seconds."""
    import xllamacpp

    params: Any = xllamacpp.CommonParams()
    params.model.path = path
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.n_batch = batch
    params.n_ctx, params.n_parallel, params.kv_unified = cells, SLOTS, True
    params.warmup = params.fit_params = False
    params.verbosity = -1
    server = xllamacpp.Server(params)
    for line in sys.stdin:
        started = time.perf_counter()
        server.handle_completions(json.loads(line), lambda chunk: False)
        print(time.perf_counter() - started, flush=True)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
