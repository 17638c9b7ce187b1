"""Text from a GGUF model in this process, decoded by llama.cpp."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from codex.engines.admission import Admission
from codex.engines.base import ALTERNATIVES, Capabilities, Engine, Finished, GenerationParams, ModelConfig
from codex.engines.convert import identity
from codex.engines.gguf_header import read_header
from codex.engines.llama_rows import Row
from codex.engines.llama_server import SLOTS, LlamaServer
from codex.engines.models import PACKAGED, Models
from codex.errors import InvalidInput, PromptTooLong
from codex.types import Message, Prompt, Token

ROWS_AT_ONCE = 11
"""The most rows of one decode in a batch: an answer and ten samples. More go in waves."""


@dataclass(eq=False, slots=True)
class _Call:
    """One decode on its way through the engine."""

    prompt: list[int]
    rows: Sequence[GenerationParams]
    prefix: Sequence[Token]
    cancel: threading.Event
    """The caller's own."""
    stop: threading.Event = field(default_factory=threading.Event)
    """Set when the caller no longer reads, and by unload."""
    out: queue.SimpleQueue[Token | Finished | BaseException | None] = field(default_factory=queue.SimpleQueue)

    @property
    def cancelled(self) -> bool:
        return self.stop.is_set() or self.cancel.is_set()


@dataclass(frozen=True, slots=True)
class _Loaded:
    server: LlamaServer
    admission: Admission


class LlamaCppEngine(Engine):
    """A GGUF model held by llama.cpp, on a CPU or a GPU.

    Row 0 is decoded first and alone: on a CPU it streams several times as fast as beside ten samples,
    and the whole takes as long, because the samples then start from its prompt's cache cells. Rows that
    differ in nothing but consecutive seeds are decoded as one batch.

    The same request gives the same tokens on a CPU as long as it is alone. Beside other callers' rows the
    cells of the cache lie in another order, sums differ in their last bits, and an answer can take
    another turn where two tokens are almost equally likely.
    """

    name: ClassVar[str] = "llama_cpp"

    def __init__(self, config: ModelConfig, models: Models) -> None:
        self.config = config
        self._models = models
        self._loaded: _Loaded | None = None
        self._lock = threading.RLock()
        """Held while the model is loaded or given back."""
        self._running: dict[_Call, threading.Thread] = {}
        self._fingerprint: str | None = None

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(logprobs="raw", full_vocabulary=False, prefix=True, score=False, embed=False)

    @property
    def fingerprint(self) -> str:
        if self._fingerprint is None:
            model = self.config.model_path
            path = self._models.find(model)
            if path is None or path.is_dir():
                return f"{self.name}:{model}:unknown"
            shown = model if model in PACKAGED else f"{path.stem}@{identity(path)}"
            self._fingerprint = f"{self.name}:{shown}:{read_header(path).quantization}"
        return self._fingerprint

    @property
    def is_loaded(self) -> bool:
        return self._loaded is not None

    def load(self) -> None:
        self._ready()

    def unload(self) -> None:
        with self._lock:
            loaded, self._loaded = self._loaded, None
            running = dict(self._running)
            for call in running:
                call.stop.set()
        for thread in running.values():
            thread.join()
        if loaded:
            loaded.server.close()

    def render(self, messages: Sequence[Message]) -> str:
        return self._ready().server.render([{"role": it.role, "content": it.content} for it in messages])

    def tokenize(self, text: str) -> list[int]:
        return self._ready().server.tokenize(text)

    def decode(
        self,
        prompt: Prompt,
        rows: Sequence[GenerationParams],
        *,
        prefix: Sequence[Token] = (),
        cancel: threading.Event | None = None,
    ) -> Iterator[Token | Finished]:
        """See Engine.decode. The prompt, the prefix and max_tokens must fit in the context together."""
        if not rows:
            return iter(())
        server = self._ready().server
        text = prompt if isinstance(prompt, str) else self.render(prompt)
        ids = server.tokenize(text, special=True)
        if not ids:
            raise InvalidInput("There is nothing to continue: the prompt is empty.", ["prompt"])
        room = server.context - len(prefix) - max(row.max_tokens for row in rows)
        if len(ids) > room:
            raise PromptTooLong(len(ids), room)
        return self._stream(_Call(ids, tuple(rows), tuple(prefix), cancel or threading.Event()))

    def _ready(self) -> _Loaded:
        loaded = self._loaded
        if loaded is None:
            with self._lock:
                if self._loaded is None:
                    path = self._models.resolve(self.config.model_path, gguf=True)
                    server = LlamaServer(path, self.config)
                    self._loaded = _Loaded(server, Admission(SLOTS - 1, server.context))
                loaded = self._loaded
        return loaded

    def _stream(self, call: _Call) -> Iterator[Token | Finished]:
        """The caller's side of a decode: hands out what the worker puts out."""
        with self._lock:
            loaded = self._ready()
            worker = threading.Thread(target=self._run, args=(loaded, call), name="codex-llama-cpp")
            self._running[call] = worker
        worker.start()
        try:
            while (item := call.out.get()) is not None:
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            call.stop.set()
            worker.join()
            with self._lock:
                del self._running[call]

    def _run(self, loaded: _Loaded, call: _Call) -> None:
        """The worker's side: one wave after another."""
        try:
            for wave in _waves(call, loaded.server.context):
                self._decode(loaded, call, wave)
            call.out.put(None)
        except BaseException as error:
            call.out.put(error)

    def _decode(self, loaded: _Loaded, call: _Call, wave: range) -> None:
        server, params = loaded.server, call.rows[wave.start]
        rows = [
            Row(at, call.rows[at], call.prompt, call.prefix, server.vocabulary, server.probe) for at in wave
        ]
        left = set(wave)

        def tell(row: Row, cancelled: bool = False) -> None:
            for item in row.news(cancelled):
                call.out.put(item)
            if row.reason:
                left.remove(row.index)

        def take(chunk: dict[str, Any]) -> bool:
            row = rows[chunk["choices"][0]["index"]]
            if row.index in left:
                row.take(chunk)
                tell(row)
            return call.cancelled or not left

        for row in rows:
            tell(row)  # a prefix may hold a stop string
        cells = len(call.prompt) + len(call.prefix) + len(wave) * params.max_tokens
        with loaded.admission.taken(len(wave), cells, lambda: call.cancelled) as admitted:
            if admitted and left:
                server.stream(_request(call, wave, server.context), take)
        for index in sorted(left):
            tell(rows[index - wave.start], cancelled=True)


def _waves(call: _Call, context: int) -> Iterator[range]:
    """Rows that can be decoded as one request: equal but for consecutive seeds, and not too many."""
    start = 0
    while start < len(call.rows):
        params = call.rows[start]
        own = len(call.prompt) + len(call.prefix)
        most = min(ROWS_AT_ONCE, max(1, (context - own) // params.max_tokens))
        end = start + 1
        while end < len(call.rows) and end - start < most and _follows(call.rows[end - 1], call.rows[end]):
            end += 1
        yield range(start, end)
        start = end


def _follows(first: GenerationParams, second: GenerationParams) -> bool:
    return second == first.model_copy(update={"seed": first.seed + 1}) and _seed(second) > _seed(first)


def _seed(params: GenerationParams) -> int:
    """llama.cpp takes 2**32 - 1 for "any"."""
    return params.seed % (2**32 - 1)


def _request(call: _Call, wave: range, context: int) -> dict[str, Any]:
    """Every sampler of llama.cpp but the ones asked for is off: at temperature 1 it draws from the model."""
    params = call.rows[wave.start]
    return {
        "prompt": [*call.prompt, *(token.id for token in call.prefix)],
        "n": len(wave),
        "seed": _seed(params),
        "max_tokens": params.max_tokens,
        "temperature": params.temperature,
        "samplers": ["penalties", "temperature", "top_k", "top_p"],
        "top_k": params.top_k,
        "top_p": params.top_p,
        "repeat_penalty": params.repeat_penalty,
        "repeat_last_n": context if params.repeat_penalty != 1 else 0,
        "logprobs": ALTERNATIVES,
        "timings_per_token": True,
        # A chunk after each batch of a long prompt, at which it can be cancelled.
        "return_progress": True,
        # Not for the first wave: its cells would depend on what was asked before.
        "cache_prompt": wave.start > 0,
    }
