"""Text from a GGUF model in this process, decoded by llama.cpp."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from codex.engines.admission import Admission
from codex.engines.base import (
    ALTERNATIVES,
    Capabilities,
    Engine,
    Enough,
    Finished,
    GenerationParams,
    Internals,
    JsonParams,
    ModelConfig,
    check_invoked,
    check_tokens,
    peeked,
)
from codex.engines.continuation import Call
from codex.engines.gguf_header import read_header
from codex.engines.llama_cpp.adapters import gguf_of, invocation_of
from codex.engines.llama_cpp.rows import Chunk, Row
from codex.engines.llama_cpp.server import SLOTS, LlamaServer
from codex.engines.models import Models, model_id
from codex.errors import AdapterError, Cancelled, CapabilityError, InvalidInput, ModelError, PromptTooLong
from codex.types import Generation, HiddenStates, Message, Prompt, Token

ROWS_AT_ONCE = 11
"""The most rows in a batch of one call. More go in waves."""
ANY_SEED = 2**32 - 1
"""llama.cpp takes this seed for "any"."""
_SEED_STEP = 7919


@dataclass(frozen=True, slots=True)
class _Loaded:
    server: LlamaServer
    admission: Admission
    adapters: dict[Path, Path]
    """Those that it was loaded with: folder -> GGUF file."""


Work = Callable[[_Loaded, Call], None]
"""What a call's worker does; it puts out what the caller gets."""


class LlamaCppEngine(Engine):
    """A GGUF model held by llama.cpp, on a CPU or a GPU.

    Row 0 is decoded first and alone. On a CPU it streams several times as fast as beside ten samples,
    and the whole takes no longer: the samples start from its prompt's cells in the cache. Rows that
    differ in nothing but consecutive seeds are decoded as one batch.

    On a CPU the same request gives the same tokens, to the last bit, as long as it is alone. Beside other
    callers' rows the model's sums are taken in another order. That moves log-probabilities by hundredths,
    rarely tenths, and an answer takes another turn where two tokens are almost equally likely.
    """

    name: ClassVar[str] = "llama_cpp"
    config: ModelConfig

    def __init__(self, config: ModelConfig, models: Models) -> None:
        self.config = config
        self._models = models
        self._loaded: _Loaded | None = None
        self._lock = threading.RLock()
        """Held while the model is loaded or given back."""
        self._running: dict[Call, threading.Thread] = {}
        self._fingerprint: str | None = None
        self._adapters: tuple[Path, ...] = ()

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            logprobs="raw",
            full_vocabulary=False,
            prefix=True,
            score=True,
            embed=False,
            json_schema=True,
            hidden_states="last layer",
            adapters=True,
        )

    @property
    def fingerprint(self) -> str:
        if self._fingerprint is None:
            path = self._models.find(self.config.model_path)
            if path is None or not path.is_file():
                return f"{self.name}:{self.config.model_path}:unknown"
            try:
                self._fingerprint = self._identified(path)
            except ModelError:  # load says what is wrong with the file
                return f"{self.name}:{self.config.model_path}:unknown"
        return self._fingerprint

    @property
    def is_loaded(self) -> bool:
        return self._loaded is not None

    @property
    def context(self) -> int | None:
        loaded = self._loaded
        return loaded.server.context if loaded else None

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

    def use_adapters(self, folders: Sequence[Path]) -> None:
        """See Engine.use_adapters."""
        with self._lock:
            self._adapters = tuple(folders)

    def adapted_token(self, prompt: Prompt, adapter: Path, cancel: threading.Event | None = None) -> Token:
        """See Engine.adapted_token. What comes before the tokens that invoke it is read without it."""
        with self._lock:
            if adapter not in self._ready().adapters:
                if self._running:
                    raise AdapterError(
                        f"The model was loaded without the adapter in {adapter}, and answers others now. "
                        "Load it again, or ask when it is idle."
                    )
                self._adapters = (*self._adapters, adapter)
                self.unload()
            path = self._ready().adapters[adapter]
        invocation = invocation_of(adapter)
        call = self._call(prompt, (GenerationParams(max_tokens=1),), (), cancel)
        check_invoked(call.prompt, invocation)
        for item in self._stream(call, lambda loaded, call: self._peek(loaded, call, path)):
            if isinstance(item, Token):
                return item
        raise Cancelled("The question was cancelled.")

    def render(self, messages: Sequence[Message]) -> str:
        return self._ready().server.render([{"role": it.role, "content": it.content} for it in messages])

    def tokenize(self, text: str) -> list[int]:
        return self._ready().server.tokenize(text)

    def prompt_tokens(self, messages: Sequence[Message]) -> int:
        return len(self._ready().server.tokenize(self.render(messages), special=True))

    def decode(
        self,
        prompt: Prompt,
        rows: Sequence[GenerationParams],
        *,
        prefix: Sequence[Token] = (),
        cancel: threading.Event | None = None,
        enough: Enough | None = None,
        internals: Internals | None = None,
    ) -> Iterator[Token | Finished]:
        """See Engine.decode. The prompt, the prefix and max_tokens must fit in the context together.

        For hidden states prompt and answer are read once more, in one batch, which holds 512 tokens at most;
        the cells that they take move the rounding of the rows after the first.
        """
        if not rows:
            return iter(())
        call = self._call(prompt, tuple(rows), tuple(prefix), cancel, enough, internals)
        return self._stream(call, self._decode_all)

    @property
    def slots(self) -> int:
        """One on a CPU: rows of different prompts at once push one another out of the cache there."""
        return SLOTS if self.config.gpu_layers else 1

    def ahead(
        self,
        prompt: Prompt,
        most: int = 1,
        *,
        prefix: Sequence[Token] = (),
        cancel: threading.Event | None = None,
    ) -> Generation:
        """See Engine.ahead. Cells that the last calls left are used as far as the prompt is theirs."""
        started = time.perf_counter()
        call = self._call(prompt, (GenerationParams(max_tokens=1),), tuple(prefix), cancel)
        for item in self._stream(call, self._peek):
            if isinstance(item, Token):
                return peeked(item, len(call.prompt), call.prefix, time.perf_counter() - started)
        raise Cancelled("The question was cancelled.")

    def score(
        self,
        prompt: Prompt,
        answer: str,
        cancel: threading.Event | None = None,
        internals: Internals | None = None,
    ) -> Generation:
        """See Engine.score. One pass a token: llama.cpp's server does not tell them all at once."""
        given = self.tokenize(answer)
        call = self._call(prompt, (GenerationParams(max_tokens=1),), (), cancel, internals=internals)
        room = self._ready().server.context - len(given) - 1
        if len(call.prompt) > room:
            raise PromptTooLong(len(call.prompt), room, len(given))
        for item in self._stream(call, lambda loaded, call: self._score(loaded, call, given)):
            if isinstance(item, Finished):
                return item.generation
        raise Cancelled("The question was cancelled.")

    def read_states(
        self,
        prompt: Prompt,
        tokens: Sequence[Token],
        layers: tuple[int | float, ...],
        cancel: threading.Event | None = None,
    ) -> HiddenStates:
        """See Engine.read_states. The last layer's alone."""
        check_tokens(tokens, self._ready().server.vocabulary.size)
        rows = (GenerationParams(max_tokens=1),)
        call = self._call(prompt, rows, tuple(tokens), cancel, internals=Internals(layers))
        for item in self._stream(call, self._read_states):
            if isinstance(item, Finished) and item.generation.hidden_states:
                return item.generation.hidden_states
        raise Cancelled("The question was cancelled.")

    def _call(
        self,
        prompt: Prompt,
        rows: tuple[GenerationParams, ...],
        prefix: tuple[Token, ...],
        cancel: threading.Event | None,
        enough: Enough | None = None,
        internals: Internals | None = None,
    ) -> Call:
        server = self._ready().server
        if internals:
            _check(internals, server.layers)
        text = prompt if isinstance(prompt, str) else self.render(prompt)
        ids = server.tokenize(text, special=True)
        if not ids:
            raise InvalidInput("There is nothing to continue: the prompt is empty.", ["prompt"])
        answer = len(prefix) + max(row.max_tokens for row in rows)
        if len(ids) + answer > server.context:
            raise PromptTooLong(len(ids), server.context - answer, answer)
        if internals and internals.layers:
            server.check_states(len(ids) + answer)
        return Call(ids, rows, prefix, cancel or threading.Event(), enough, internals)

    def _identified(self, path: Path) -> str:
        shown = model_id(self.config.model_path, path)
        return f"{self.name}:{shown}:{read_header(path).quantization}"

    def _ready(self) -> _Loaded:
        loaded = self._loaded
        if loaded is None:
            with self._lock:
                if self._loaded is None:
                    path = self._models.resolve(self.config.model_path, gguf=True)
                    base = model_id(self.config.model_path, path)
                    adapters = {folder: gguf_of(folder, path, base) for folder in self._adapters}
                    server = LlamaServer(path, self.config, tuple(adapters.values()))
                    self._fingerprint = self._identified(path)
                    self._loaded = _Loaded(server, Admission(SLOTS, server.cells), adapters)
                loaded = self._loaded
        return loaded

    def _stream(self, call: Call, work: Work) -> Iterator[Token | Finished]:
        """The caller's side of a call: hands out what the worker puts out."""
        with self._lock:
            loaded = self._ready()
            worker = threading.Thread(target=self._run, args=(loaded, call, work), name="codex-llama-cpp")
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

    def _run(self, loaded: _Loaded, call: Call, work: Work) -> None:
        """The worker's side."""
        try:
            work(loaded, call)
            call.out.put(None)
        except BaseException as error:
            call.out.put(error)

    def _peek(self, loaded: _Loaded, call: Call, adapter: Path | None = None) -> None:
        """Put out the likeliest next token, unless the call is cancelled. adapter: a GGUF file, on for it."""
        ids = [*call.prompt, *(token.id for token in call.prefix)]
        cells = len(ids) + 1
        with loaded.admission.taken(1, cells, lambda: call.cancelled, call.client) as admitted:
            if admitted:
                server = loaded.server
                entries = server.probe(ids, ALTERNATIVES, lambda: call.cancelled, adapter)
                if entries:
                    call.out.put(server.vocabulary.token(entries[0], entries))

    def _score(self, loaded: _Loaded, call: Call, given: Sequence[int]) -> None:
        """Put out the given tokens as a generation, unless the call is cancelled."""
        server, started = loaded.server, time.perf_counter()
        cells = len(call.prompt) + len(given) + 1
        with loaded.admission.taken(1, cells, lambda: call.cancelled, call.client) as admitted:
            if not admitted:
                return
            context, tokens = list(call.prompt), []
            for chosen in given:
                token = server.read(context, chosen, lambda: call.cancelled)
                if token is None:
                    return
                tokens.append(token)
                context.append(chosen)
            after = server.probe(context, ALTERNATIVES, lambda: call.cancelled)
            if call.cancelled or not after:
                return
        ends = [entry["logprob"] for entry in after if entry["id"] in server.vocabulary.ends]
        generation = Generation(
            text=b"".join(token.bytes for token in tokens).decode("utf-8", "replace"),
            tokens=tuple(tokens),
            finish_reason="stop",
            prompt_tokens=len(call.prompt),
            seconds=time.perf_counter() - started,
            end_logprob=max(ends, default=None),
        )
        call.out.put(Finished(0, _with_states(server, call, generation)))

    def _read_states(self, loaded: _Loaded, call: Call) -> None:
        """Put out the tokens of the prefix with their hidden states, unless the call is cancelled."""
        cells = len(call.prompt) + len(call.prefix)
        with loaded.admission.taken(1, cells, lambda: call.cancelled, call.client) as admitted:
            if admitted and not call.cancelled:
                read = Generation("", tuple(call.prefix), "stop", len(call.prompt), 0.0)
                call.out.put(Finished(0, _with_states(loaded.server, call, read)))

    def _decode_all(self, loaded: _Loaded, call: Call) -> None:
        """One wave after another, until there are enough rows."""
        for group in call.groups():
            if not call.begins(group.start):
                return
            for wave in _waves(call, group, loaded.server.cells):
                self._decode(loaded, call, wave)

    def _decode(self, loaded: _Loaded, call: Call, wave: range) -> None:
        """Decode rows that make one request, and tell the caller."""
        cells = len(call.prompt) + len(call.prefix) + len(wave) * call.rows[wave.start].max_tokens
        with loaded.admission.taken(len(wave), cells, lambda: call.cancelled, call.client) as admitted:
            server, cached = loaded.server, wave.start > 0
            rows = [Row(at, call.rows[at], call.prompt, call.prefix, server.vocabulary) for at in wave]
            left = set(wave)
            watched: list[Generation] = []

            def tell(row: Row, cancelled: bool = False) -> None:
                for item in row.news(cancelled):
                    _tell(call, item, watched)
                if row.reason:
                    left.discard(row.index)

            def take(chunk: Chunk) -> bool:
                row = rows[chunk["choices"][0]["index"]]
                if row.index in left:
                    row.take(chunk)
                    tell(row)
                # A new request would begin the grammar again.
                alone = len(rows) == 1 and not isinstance(row.params, JsonParams)
                return call.cancelled or not left or (row.paused and alone)

            for row in rows:
                tell(row)  # a prefix may hold a stop string
            while admitted and left and not call.cancelled:
                server.stream(_request(rows, cached, server.context), take)
                cached = True
                for row in rows:
                    if row.paused and not call.cancelled:
                        row.mend(server.probe)
                        tell(row)
                    row.restart()
            for index in sorted(left):
                tell(rows[index - wave.start], cancelled=True)
            for generation in watched:
                call.tell(Finished(0, _with_states(server, call, generation)))


def _tell(call: Call, item: Token | Finished, watched: list[Generation]) -> None:
    """Hand an item to the caller; the answer whose internals are asked for waits among `watched`."""
    if isinstance(item, Finished) and item.row == 0 and call.internals:
        watched.append(item.generation)
    else:
        call.tell(item)


def _check(internals: Internals, layers: int | None) -> None:
    """Raises CapabilityError, InvalidInput where something else than the last layer is asked for."""
    last = layers or 1
    if internals.attention or any(number != last for number in internals.numbered(last)):
        raise CapabilityError(
            "llama.cpp shows the hidden states of the last layer alone: ask for layer -1, or use "
            "engine=huggingface."
        )


def _with_states(server: LlamaServer, call: Call, generation: Generation) -> Generation:
    """With the last layer's hidden states, where they are asked for and the answer was not cancelled."""
    if not (call.internals and call.internals.layers) or generation.finish_reason == "cancelled":
        return generation
    states = server.states([*call.prompt, *(token.id for token in generation.tokens)])
    before = len(call.prompt)
    return replace(
        generation,
        hidden_states=HiddenStates((server.layers or 1,), states[None, before - 1], states[None, before:]),
    )


def _waves(call: Call, group: range, cells: int) -> Iterator[range]:
    """Row 0 alone, and rows that are equal but for consecutive seeds together, as many as fit."""
    start = group.start
    if start == 0:
        yield range(1)
        start = 1
    while start < group.stop:
        room = cells - len(call.prompt) - len(call.prefix)
        most = min(ROWS_AT_ONCE, room // call.rows[start].max_tokens)
        end = start + 1
        while end < group.stop and end - start < most and _follows(call.rows[end - 1], call.rows[end]):
            end += 1
        yield range(start, end)
        start = end


def _follows(first: GenerationParams, second: GenerationParams) -> bool:
    return second == first.model_copy(update={"seed": first.seed + 1}) and second.seed < ANY_SEED


def _request(rows: Sequence[Row], cached: bool, context: int) -> dict[str, Any]:
    """What makes the server continue the rows from where they are.

    Every sampler of llama.cpp but those asked for is off: at temperature 1 it draws from the model's own
    distribution. A row that goes on after a pause draws with other random numbers.

    cached: start from cells that hold the beginning already. Not for the first request of a call: what
    they hold would depend on what was asked before.
    """
    first, params = rows[0], rows[0].params
    form = {"json_schema": json.loads(params.json_schema)} if isinstance(params, JsonParams) else {}
    return {
        **form,
        "prompt": first.context,
        "n": len(rows),
        "seed": (params.seed + _SEED_STEP * (params.max_tokens - first.tokens_left)) % ANY_SEED,
        "max_tokens": first.tokens_left,
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
        "cache_prompt": cached,
    }
