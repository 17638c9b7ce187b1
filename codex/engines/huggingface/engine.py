"""Text from a Transformers model in this process, by our own decode loop."""

from __future__ import annotations

import ctypes
import gc
import itertools
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from codex.engines.base import Capabilities, Engine, Finished, GenerationParams, peeked
from codex.engines.continuation import Call, Continuation
from codex.engines.control_tokens import neutral
from codex.engines.huggingface.loading import HuggingFaceConfig, LoadedModel, Placement, load_model
from codex.engines.models import Models, model_id
from codex.errors import Cancelled, CapabilityError, InvalidInput, ModelError, PromptTooLong
from codex.types import Generation, Message, Prompt, Token

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import Cache

SCORED_AT_ONCE = 32
"""Positions of a given text whose distributions are held at the same time."""
_PATIENCE = 0.05
"""Seconds between two looks at whether a caller that waits for its turn still wants it."""


def _unstarted(call: Call) -> Iterator[Token | Finished]:
    """What a call that never had its turn comes to."""
    for at, params in enumerate(call.rows):
        yield from Continuation(at, params, call.prompt, call.prefix, frozenset()).news(cancelled=True)


Work = Callable[[LoadedModel, Call], Iterator[Token | Finished]]
"""What the worker does for a call; it yields what the caller gets."""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A prompt and its keys and values, layer by layer, [1, heads, tokens, head size] each."""

    ids: list[int] = field(default_factory=list)
    states: list[tuple[Tensor, Tensor]] = field(default_factory=list)


class HuggingFaceEngine(Engine):
    """A model held by Transformers, on a GPU or a CPU.

    One thread of its own runs the model, one call after another in the order they came; callers only
    wait for what it puts out. So a caller that stops reading holds up nobody, and threads of a server
    do not each grow a set of compute threads.
    """

    name: ClassVar[str] = "huggingface"
    config: HuggingFaceConfig

    def __init__(self, config: HuggingFaceConfig, models: Models) -> None:
        self.config = config
        self._models = models
        self._loaded: LoadedModel | None = None
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="codex-huggingface")
        self._calls: set[Call] = set()
        self._calls_lock = threading.Lock()
        self._tokenizing = threading.Lock()
        self._fingerprint: str | None = None
        self._kept = _Kept()
        """Of the last prompt; the worker's own."""

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(logprobs="raw", full_vocabulary=True, prefix=True, score=True, embed=True)

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

    def load(self) -> None:
        self._ready()

    def unload(self) -> None:
        with self._calls_lock:
            for call in self._calls:
                call.stop.set()
        self._worker.submit(self._release).result()

    def render(self, messages: Sequence[Message]) -> str:
        from jinja2 import TemplateError

        tokenizer = self._ready().tokenizer
        if tokenizer.chat_template is None:
            raise CapabilityError(
                f"{self.config.model_path} has no chat template: it only continues text. "
                "Take an instruct model, or use complete()."
            )
        controls = {it.content for it in tokenizer.added_tokens_decoder.values() if it.special}
        controls.update(tokenizer.all_special_tokens)
        turns = [{"role": it.role, "content": neutral(it.content, controls)} for it in messages]
        try:
            return str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))
        except TemplateError as error:
            raise InvalidInput(
                f"The model's chat template refuses these messages: {error}", ["messages"]
            ) from error

    def tokenize(self, text: str) -> list[int]:
        return self._ids(text, control=False, opened=True)

    def decode(
        self,
        prompt: Prompt,
        rows: Sequence[GenerationParams],
        *,
        prefix: Sequence[Token] = (),
        cancel: threading.Event | None = None,
    ) -> Iterator[Token | Finished]:
        if not rows:
            return iter(())
        ids = self._encode(prompt)
        self._check_room(ids, max(row.max_tokens for row in rows) + len(prefix))
        call = Call(ids, tuple(rows), tuple(prefix), cancel or threading.Event())
        return self._stream(call, self._decode)

    def ahead(
        self,
        prompt: Prompt,
        most: int = 1,
        *,
        prefix: Sequence[Token] = (),
        cancel: threading.Event | None = None,
    ) -> Generation:
        """See Engine.ahead. The states of the last prompt are used as far as this one is the same."""
        started = time.perf_counter()
        ids = self._encode(prompt)
        self._check_room(ids, 1 + len(prefix))
        call = Call(ids, (GenerationParams(max_tokens=1),), tuple(prefix), cancel or threading.Event())
        for item in self._stream(call, self._peek):
            if isinstance(item, Token):
                return peeked(item, len(ids), call.prefix, time.perf_counter() - started)
        raise Cancelled("The question was cancelled.")

    def score(self, messages: Sequence[Message], answer: str) -> Generation:
        ids, given = self._encode(messages), self.tokenize(answer)
        self._check_room(ids, len(given))
        return self._worker.submit(self._score, ids, given).result()

    def embed(self, text: str) -> NDArray[np.float32]:
        ids = self._encode(text)
        self._check_room(ids, 0)
        return self._worker.submit(self._embed, ids).result()

    def _ready(self) -> LoadedModel:
        return self._loaded or self._worker.submit(self._load).result()

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
        tokenizer = self._ready().tokenizer.backend_tokenizer
        with self._tokenizing:
            tokenizer.encode_special_tokens = not control
            return list(tokenizer.encode(text, add_special_tokens=not opened).ids)

    def _check_room(self, ids: list[int], taken: int) -> None:
        room = self._ready().context - taken
        if len(ids) > room:
            raise PromptTooLong(len(ids), room, taken)

    def _stream(self, call: Call, work: Work) -> Iterator[Token | Finished]:
        """The caller's side of a call: hands out what the worker puts out."""
        with self._calls_lock:
            self._calls.add(call)
        job = self._worker.submit(self._run, call, work)
        job.add_done_callback(lambda job: call.out.put(None if job.cancelled() else job.exception()))
        try:
            while True:
                try:
                    item = call.out.get(timeout=_PATIENCE)
                except queue.Empty:
                    if call.cancelled and job.cancel():
                        yield from _unstarted(call)
                        return
                    continue
                if item is None:
                    return
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            call.stop.set()
            job.cancel()
            with self._calls_lock:
                self._calls.discard(call)

    def _run(self, call: Call, work: Work) -> None:
        """The worker's side of a call."""
        import torch

        with torch.inference_mode():
            try:
                # Looked at before the model is: a call that unload cancelled must not load it again.
                items = _unstarted(call) if call.cancelled else work(self._load(), call)
                for item in items:
                    call.out.put(item)
            except torch.OutOfMemoryError:
                self._kept = _Kept()
                raise ModelError(
                    f"The GPU has not enough memory for {len(call.rows)} answers at once. "
                    "Ask for fewer samples or fewer tokens."
                ) from None

    def _decode(self, loaded: LoadedModel, call: Call) -> Iterator[Token | Finished]:
        """One prefill, then one step of the model for all rows at a time.

        Of a step's distributions, [rows, vocabulary], only the statistics stay.
        """
        import torch

        from codex.engines.huggingface.sampling import Draw
        from codex.engines.huggingface.statistics import measure, unpack

        rows = [
            Continuation(at, params, call.prompt, call.prefix, loaded.ends)
            for at, params in enumerate(call.rows)
        ]
        context = call.prompt + [token.id for token in call.prefix]
        cache, logits = self._prefill(loaded, context, call)
        self._keep(context, cache, call)
        cache.batch_repeat_interleave(len(rows))
        draw = Draw(call.rows, context, len(call.prefix), logits.shape[-1], logits.device)
        ids = logits.new_empty(len(rows), dtype=torch.long)
        for step in itertools.count():
            for row in rows:
                yield from row.news(call.cancelled)
            kept = [at for at, row in enumerate(rows) if row.reason is None]
            if not kept:
                return
            if len(kept) < len(rows):
                rows = [rows[at] for at in kept]
                index = torch.tensor(kept, device=logits.device)
                cache.batch_select_indices(index)
                draw.keep(index, kept)
                ids = ids[index]
            if step > 0:
                logits = self._forward(loaded, ids[:, None], cache)
            distribution = logits.float()  # [1, vocabulary] at first: all rows share it
            ids = draw(distribution.expand(len(rows), -1), step)
            # The step's one transfer from the device.
            for row, values in zip(rows, measure(distribution, ids).tolist(), strict=True):
                row.push(unpack(values, loaded.spelled, loaded.ends))

    def _peek(self, loaded: LoadedModel, call: Call) -> Iterator[Token]:
        """The likeliest next token, unless the call is cancelled on the way."""
        from codex.engines.huggingface.statistics import measure, unpack

        ids = call.prompt + [token.id for token in call.prefix]
        cache, logits = self._prefill(loaded, ids, call, self._known(ids))
        self._keep(ids, cache, call)
        if not call.cancelled:
            distribution = logits.float()
            values = measure(distribution, distribution.argmax(-1)).tolist()
            yield unpack(values[0], loaded.spelled, loaded.ends)

    def _keep(self, ids: list[int], cache: Cache, call: Call) -> None:
        """Keep a prompt's states for the next `ahead`, which may go on from them; one prompt at a time.

        Kept are the tensors, not the cache: it replaces them when it grows and leaves them as they are.
        Layers that forget (sliding windows, recurrent states) cannot go back to an earlier token.
        """
        from transformers.cache_utils import DynamicLayer

        states = [
            (layer.keys, layer.values)
            for layer in cache.layers
            if type(layer) is DynamicLayer and layer.keys is not None and layer.values is not None
        ]
        if len(states) == len(cache.layers) and not call.cancelled:
            self._kept = _Kept(ids, states)

    def _known(self, ids: list[int]) -> _Kept:
        """What is kept of the beginning of a prompt; its last token is always read anew."""
        kept = self._kept
        pairs = zip(kept.ids, ids[:-1], strict=False)
        same = sum(1 for _ in itertools.takewhile(lambda pair: pair[0] == pair[1], pairs))
        return _Kept(ids[:same], [(k[:, :, :same], v[:, :, :same]) for k, v in kept.states])

    def _prefill(
        self, loaded: LoadedModel, ids: list[int], call: Call | None = None, known: _Kept | None = None
    ) -> tuple[Cache, Tensor]:
        """Read a prompt, batch_size tokens at a time: the cache, and logits [1, vocabulary] of what follows.

        What is `known` of its beginning is not read again. A cancelled call's prompt is not read to the end.
        """
        import torch
        from transformers import DynamicCache

        cache = DynamicCache(config=loaded.model.config)
        read = known.ids if known else []
        for at, (keys, values) in enumerate(known.states if known and read else []):
            cache.update(keys, values, at)
        whole = torch.tensor([ids[len(read) :]], device=loaded.model.device)
        for piece in whole.split(self.config.batch_size, dim=1):
            logits = self._forward(loaded, piece, cache)
            if call and call.cancelled:
                break
        return cache, logits

    @staticmethod
    def _forward(loaded: LoadedModel, ids: Tensor, cache: Cache) -> Tensor:
        """ids [rows, n] -> logits [rows, vocabulary] of the token after the last."""
        out = loaded.model(input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
        logits: Tensor = out.logits
        return logits[:, -1]

    def _score(self, ids: list[int], given: list[int]) -> Generation:
        """Teacher forcing: the given tokens are read, never drawn."""
        import torch

        from codex.engines.huggingface.statistics import measure, unpack

        loaded, started = self._load(), time.perf_counter()
        tokens: list[Token] = []
        with torch.inference_mode():
            cache, logits = self._prefill(loaded, ids)
            for piece in torch.tensor(given, device=logits.device).split(SCORED_AT_ONCE):
                out = loaded.model(input_ids=piece[None], past_key_values=cache, use_cache=True).logits[0]
                before, logits = torch.cat([logits, out[:-1]]), out[-1:]
                rows = measure(before.float(), piece).tolist()
                tokens += [unpack(values, loaded.spelled, loaded.ends) for values in rows]
        return Generation(
            text=b"".join(token.bytes for token in tokens).decode("utf-8", "replace"),
            tokens=tuple(tokens),
            finish_reason="stop",
            prompt_tokens=len(ids),
            seconds=time.perf_counter() - started,
        )

    def _embed(self, ids: list[int]) -> NDArray[np.float32]:
        import torch

        loaded = self._load()
        with torch.inference_mode():
            whole = torch.tensor([ids], device=loaded.model.device)
            states: Tensor = loaded.model.base_model(input_ids=whole, use_cache=False).last_hidden_state
            mean = states[0].float().mean(0)
            vector: NDArray[np.float32] = (mean / mean.norm()).cpu().numpy()
        return vector

    def _load(self) -> LoadedModel:
        """On the worker, so that two callers never load twice, and its compute threads are the worker's."""
        if self._loaded is None:
            path = self._models.resolve(self.config.model_path)
            self._loaded = load_model(self.config, path, self._models.cache)
        return self._loaded

    def _release(self) -> None:
        if self._loaded is None:
            return
        import torch

        self._loaded, self._kept = None, _Kept()
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if sys.platform == "linux":
            # The weights are many blocks of a mebibyte, which the C library would keep for later.
            getattr(ctypes.CDLL(None), "malloc_trim", int)(0)
