"""Text from a Transformers model in this process, by our own decode loop."""

from __future__ import annotations

import ctypes
import gc
import queue
import sys
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from codex.engines.admission import Admission
from codex.engines.base import (
    Capabilities,
    Engine,
    Enough,
    Finished,
    GenerationParams,
    Internals,
    check_tokens,
    peeked,
)
from codex.engines.continuation import Call, unstarted
from codex.engines.huggingface.loading import HuggingFaceConfig, LoadedModel, Placement, load_model
from codex.engines.huggingface.rendering import encode, render
from codex.engines.models import Models, model_id
from codex.errors import Cancelled, InvalidInput, ModelError, PromptTooLong
from codex.types import Generation, HiddenStates, Message, Prompt, Token

if TYPE_CHECKING:
    from codex.engines.huggingface.activated import Adapters
    from codex.engines.huggingface.decoding import Decoding
    from codex.engines.huggingface.internals import Plan
    from codex.engines.huggingface.kept import KeptPrompts

ROWS = 96
"""Rows that are continued together, of all callers."""
CALLS = ROWS // 6
"""Calls whose rows fit, with the usual samples."""
CONTEXTS = 8
"""The tokens of all rows under way, as a multiple of the longest one's."""
_PATIENCE = 0.05
"""Seconds between two looks at whether a caller that waits for its turn still wants it."""


@dataclass(frozen=True, slots=True)
class _Loaded:
    """What a loaded model runs with."""

    model: LoadedModel
    kept: KeptPrompts
    """The worker's own."""
    decoding: Decoding
    """The worker's own."""
    adapters: Adapters
    """The worker's own."""


class HuggingFaceEngine(Engine):
    """A model held by Transformers, on a GPU or a CPU.

    One thread of its own runs the model, turn by turn: rows of several callers are continued together, and
    callers only wait for what it puts out. So one that stops reading holds up nobody, and threads of a
    server do not each grow a set of compute threads.
    """

    name: ClassVar[str] = "huggingface"
    config: HuggingFaceConfig

    def __init__(self, config: HuggingFaceConfig, models: Models) -> None:
        self.config = config
        self._models = models
        self._loaded: _Loaded | None = None
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="codex-huggingface")
        self._calls: set[Call] = set()
        self._calls_lock = threading.Lock()
        self._tokenizing = threading.Lock()
        self._fingerprint: str | None = None
        self._admission = Admission(ROWS, 0)
        """Of the loaded model."""
        self._turning = False
        """Whether the worker will have another turn."""
        self._waiting: deque[Call] = deque()
        """Decodes that the worker has not begun. This and whether it turns: under the lock of the calls."""

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            logprobs="raw",
            full_vocabulary=True,
            prefix=True,
            score=True,
            embed=True,
            hidden_states="all layers",
            attention=True,
            adapters=True,
        )

    @property
    def fingerprint(self) -> str:
        if self._fingerprint is None:
            model, place = self.config.model_path, Placement.of(self.config)
            held = place.dtype if place.quantization == "none" else place.quantization
            path = self._models.find(model)
            if path is None:
                return f"{self.name}:{model}:{held}"
            self._fingerprint = f"{self.name}:{model_id(model, path)}:{held}"
        return self._fingerprint

    @property
    def is_loaded(self) -> bool:
        return self._loaded is not None

    @property
    def context(self) -> int | None:
        loaded = self._loaded
        return loaded.model.context if loaded else None

    @property
    def slots(self) -> int:
        return CALLS

    def load(self) -> None:
        self._ready()

    def unload(self) -> None:
        with self._calls_lock:
            for call in self._calls:
                call.stop.set()
        self._worker.submit(self._release).result()

    def render(self, messages: Sequence[Message]) -> str:
        return render(self._ready().tokenizer, messages, self.config.model_path)

    def loaded(self) -> LoadedModel:
        """The model itself, for who trains it. Nobody may ask the engine meanwhile."""
        return self._ready()

    def token_ids(self, prompt: Prompt) -> list[int]:
        """The tokens of a prompt as `decode` reads it."""
        return self._encode(prompt)

    def tokenize(self, text: str) -> list[int]:
        return self._ids(text, control=False, opened=True)

    def prompt_tokens(self, messages: Sequence[Message]) -> int:
        return len(self._encode(messages))

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
        if not rows:
            return iter(())
        ids = self._encode(prompt)
        self._check_room(ids, max(row.max_tokens for row in rows) + len(prefix))
        self._plan(internals)
        return self._stream(
            Call(ids, tuple(rows), tuple(prefix), cancel or threading.Event(), enough, internals)
        )

    def ahead(
        self,
        prompt: Prompt,
        most: int = 1,
        *,
        prefix: Sequence[Token] = (),
        cancel: threading.Event | None = None,
    ) -> Generation:
        """See Engine.ahead. The states of the last prompts are used as far as this one is like one."""
        started = time.perf_counter()
        ids = self._encode(prompt)
        token = self._next(ids, tuple(prefix), cancel)
        return peeked(token, len(ids), tuple(prefix), time.perf_counter() - started)

    def adapted_token(self, prompt: Prompt, adapter: Path, cancel: threading.Event | None = None) -> Token:
        """See Engine.adapted_token. The tokens before those that invoke the adapter are read without it."""
        return self._next(self._encode(prompt), (), cancel, adapter)

    def score(
        self,
        prompt: Prompt,
        answer: str,
        cancel: threading.Event | None = None,
        internals: Internals | None = None,
    ) -> Generation:
        """See Engine.score."""
        ids, given = self._encode(prompt), self.tokenize(answer)
        self._check_room(ids, len(given))
        plan = self._plan(internals)
        return self._worker.submit(self._score, ids, given, cancel or threading.Event(), plan).result()

    def read_states(
        self,
        prompt: Prompt,
        tokens: Sequence[Token],
        layers: tuple[int | float, ...],
        cancel: threading.Event | None = None,
    ) -> HiddenStates:
        """See Engine.read_states."""
        ids, given = self._encode(prompt), [token.id for token in tokens]
        embedding: Any = self._ready().model.get_input_embeddings()
        check_tokens(tokens, embedding.num_embeddings)
        self._check_room(ids, len(given))
        plan = self._plan(Internals(layers))
        assert plan
        return self._worker.submit(self._read_states, ids, given, plan, cancel or threading.Event()).result()

    def embed(self, text: str) -> NDArray[np.float32]:
        ids = self._encode(text)
        self._check_room(ids, 0)
        return self._worker.submit(self._embed, ids).result()

    def _next(
        self,
        ids: list[int],
        prefix: tuple[Token, ...],
        cancel: threading.Event | None,
        adapter: Path | None = None,
    ) -> Token:
        """The likeliest token after a prompt and what is given of the answer. Raises Cancelled."""
        self._check_room(ids, 1 + len(prefix))
        call = Call(ids, (GenerationParams(max_tokens=1),), prefix, cancel or threading.Event())
        with self._known(call):
            job = self._worker.submit(self._peek, call, adapter)
            while True:
                try:
                    token = job.result(_PATIENCE)
                except TimeoutError:
                    if not (call.cancelled and job.cancel()):
                        continue
                    token = None
                if token is None:
                    raise Cancelled("The question was cancelled.")
                return token

    def _ready(self) -> LoadedModel:
        return (self._loaded or self._worker.submit(self._load).result()).model

    def _encode(self, prompt: Prompt) -> list[int]:
        """Ids of a prompt; plain text gets the token that opens a text, where the model has one."""
        text = prompt if isinstance(prompt, str) else self.render(prompt)
        tokenizer = self._ready().tokenizer
        opened = not isinstance(prompt, str) or text.startswith(tokenizer.bos_token or "\0")
        ids = self._ids(text, control=True, opened=opened)
        if not ids:
            raise InvalidInput("There is nothing to continue: the prompt is empty.", ["prompt"])
        return ids

    def _ids(self, text: str, *, control: bool, opened: bool) -> list[int]:
        """control: read `<|im_end|>` as the control token, not as ten characters; opened: add no BOS."""
        tokenizer = self._ready().tokenizer
        with self._tokenizing:
            return encode(tokenizer, [text], control=control, opened=opened)[0]

    def _check_room(self, ids: list[int], taken: int) -> None:
        room = self._ready().context - taken
        if len(ids) > room:
            raise PromptTooLong(len(ids), room, taken)

    @contextmanager
    def _known(self, call: Call) -> Iterator[None]:
        """Unloading ends the call inside."""
        with self._calls_lock:
            self._calls.add(call)
        try:
            yield
        finally:
            call.stop.set()
            with self._calls_lock:
                self._calls.discard(call)

    def _stream(self, call: Call) -> Iterator[Token | Finished]:
        """The caller's side of a decode: hands out what the worker puts out."""
        rows = len(call.rows)
        cells = rows * (len(call.prompt) + len(call.prefix) + max(row.max_tokens for row in call.rows))
        # What is larger than all there is has it alone.
        rows, cells = min(rows, ROWS), min(cells, CONTEXTS * self._ready().context)
        with (
            self._known(call),
            self._admission.taken(rows, cells, lambda: call.cancelled, call.client) as admitted,
        ):
            if admitted:
                with self._calls_lock:
                    self._waiting.append(call)
                    self._turn_again()
            while admitted:
                try:
                    item = call.out.get(timeout=_PATIENCE)
                except queue.Empty:
                    admitted = not (call.cancelled and self._left_the_queue(call))
                    continue
                if item is None:
                    return
                if isinstance(item, BaseException):
                    raise item
                yield item
            yield from unstarted(call)

    def _left_the_queue(self, call: Call) -> bool:
        """Whether the worker had not begun with a call, and never will."""
        with self._calls_lock:
            if call not in self._waiting:
                return False
            self._waiting.remove(call)
            return True

    def _turn_again(self) -> None:
        """Have the worker take a turn, behind what else it was given to do. Under the lock of the calls."""
        if not self._turning:
            self._turning = True
            self._worker.submit(self._turn)

    def _turn(self) -> None:
        """One step of the decodes under way; the worker's side."""
        import torch

        loaded = self._loaded
        try:
            if loaded is None:  # It was unloaded, and a later call wants it again.
                loaded = self._loaded_for_next()
            if loaded is not None:
                with torch.inference_mode():
                    loaded.decoding.turn(self._next_call)
        except torch.OutOfMemoryError:
            self._fail(
                ModelError(
                    "The GPU has not enough memory for so many answers at once. "
                    "Ask for fewer samples or fewer tokens."
                )
            )
        except BaseException as error:
            self._fail(error)
        finally:
            with self._calls_lock:
                self._turning = False
                if self._waiting or (loaded is not None and not loaded.decoding.is_idle):
                    self._turn_again()

    def _fail(self, error: BaseException) -> None:
        """Every call under way gets the error."""
        if self._loaded is not None:
            self._loaded.kept.clear()
            self._loaded.decoding.fail(error)

    def _loaded_for_next(self) -> _Loaded | None:
        """The model, where somebody waits for it; who waits is told why it cannot be loaded."""
        call = self._next_call()
        if call is None:
            return None
        try:
            loaded = self._load()
        except BaseException as error:
            call.out.put(error)
            return None
        with self._calls_lock:
            self._waiting.appendleft(call)
        return loaded

    def _next_call(self) -> Call | None:
        """The next decode to begin; those cancelled meanwhile are ended."""
        while True:
            with self._calls_lock:
                if not self._waiting:
                    return None
                call = self._waiting.popleft()
            if not call.cancelled:
                return call
            for item in unstarted(call):
                call.tell(item)
            call.out.put(None)

    def _peek(self, call: Call, adapter: Path | None) -> Token | None:
        """The likeliest next token; None: the call was cancelled on the way."""
        import torch

        from codex.engines.huggingface.peeking import peek

        if call.cancelled:  # Looked at before the model is: what unload cancelled must not load it again.
            return None
        loaded = self._load()
        switched = loaded.adapters.get(adapter) if adapter else None
        with torch.inference_mode():
            return peek(loaded.model, loaded.kept, call, self.config.batch_size, switched)

    def _plan(self, internals: Internals | None) -> Plan | None:
        from codex.engines.huggingface.internals import Plan

        return Plan.of(internals, self._ready().model) if internals else None

    def _score(
        self, ids: list[int], given: list[int], cancel: threading.Event, plan: Plan | None
    ) -> Generation:
        from codex.engines.huggingface.passes import score

        return score(self._load().model, ids, given, self.config.batch_size, cancel, plan)

    def _read_states(
        self, ids: list[int], given: list[int], plan: Plan, cancel: threading.Event
    ) -> HiddenStates:
        from codex.engines.huggingface.passes import read_states

        loaded = self._load()
        return read_states(loaded.model, loaded.kept, ids, given, self.config.batch_size, plan, cancel)

    def _embed(self, ids: list[int]) -> NDArray[np.float32]:
        from codex.engines.huggingface.passes import embed

        return embed(self._load().model, ids)

    def _load(self) -> _Loaded:
        """On the worker, so that two callers never load twice, and its compute threads are the worker's."""
        if self._loaded is None:
            from codex.engines.huggingface.activated import Adapters
            from codex.engines.huggingface.decoding import Decoding
            from codex.engines.huggingface.kept import KeptPrompts

            path = self._models.resolve(self.config.model_path)
            model = load_model(self.config, path, self._models.cache)
            kept = KeptPrompts(model.context)
            self._admission = Admission(ROWS, CONTEXTS * model.context)
            decoding = Decoding(model, kept, self.config.batch_size)
            adapters = Adapters(model.model, model_id(self.config.model_path, path))
            self._loaded = _Loaded(model, kept, decoding, adapters)
        return self._loaded

    def _release(self) -> None:
        if self._loaded is None:
            return
        import torch

        with torch.inference_mode():
            self._loaded.decoding.cancel()
        self._loaded = None
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if sys.platform == "linux":
            # The weights are many blocks of a mebibyte, which the C library would keep for later.
            getattr(ctypes.CDLL(None), "malloc_trim", int)(0)
