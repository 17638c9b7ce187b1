"""llama.cpp's own server core in this process, through xllamacpp: opened, asked and closed."""

from __future__ import annotations

import http.client
import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from codex.engines.base import ALTERNATIVES, ModelConfig
from codex.engines.chat_template import check_template
from codex.engines.control_tokens import neutral
from codex.engines.gguf_header import read_control_tokens, read_header
from codex.engines.llama_cpp.rows import Chunk, Entry, Vocabulary
from codex.errors import CapabilityError, ModelError
from codex.threads import spin_briefly
from codex.types import Token

SLOTS = 16
"""Rows that the server decodes at once, whoever asked for them."""
_HTTP_SECONDS = 60.0
_LOADS = """
import sys, xllamacpp
params = xllamacpp.CommonParams()
params.model.path, params.n_gpu_layers, params.n_ctx = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
params.verbosity, params.fit_params = 1, False
xllamacpp.Server(params)
"""


class LlamaServer:
    """One loaded model.

    context: tokens of prompt and answer together. cells: tokens in the key-value cache, which is one
    pool for all rows. Who starts more rows than it holds makes llama.cpp give up all of them.
    """

    def __init__(self, path: Path, config: ModelConfig, adapters: Sequence[Path] = ()) -> None:
        """adapters: GGUF files, each switched on for the calls that name it.

        Raises ModelError: not GGUF, cut short, of an unknown architecture, not enough memory, a chat
        template that does not end.
        """
        self._adapters = tuple(adapters)
        header = read_header(path)
        check_template(header.chat_template, path.name)
        self.context = min(config.context_size, header.context_length or config.context_size)
        self.layers = header.layers
        self.cells = 2 * self.context
        self._key = secrets.token_hex()
        self._server = self._open(path, config)
        self._address = self._server.listening_address.removeprefix("http://")
        properties = self._ask("GET", "/props")
        self._opening = properties["bos_token"]
        self._has_template = bool(properties["chat_template"])
        self._whole = self.tokenize("a")[-1]
        self.vocabulary = Vocabulary(
            size=self._ask("GET", "/v1/models")["data"][0]["meta"]["n_vocab"], ends=self._ends()
        )
        # Ends too: some files call them plain tokens, and llama.cpp knows them by their spelling.
        self._controls = read_control_tokens(path, self.vocabulary.ends)

    def close(self) -> None:
        """Give the memory back. Nothing may run any more."""
        del self._server

    def stream(self, request: dict[str, Any], take: Callable[[Chunk], bool]) -> None:
        """Run a completion; `take` gets each chunk and ends it by returning True.

        What `take` raises reaches the caller. Raises ModelError with the server's words.
        """
        failure: list[BaseException] = []

        def guarded(chunk: Chunk) -> bool:
            try:
                if "error" in chunk:
                    raise ModelError(f"llama.cpp: {chunk['error']['message']}")
                return take(chunk)
            except BaseException as error:
                failure.append(error)
                return True

        self._server.handle_completions({**self._switched(), **request, "stream": True}, guarded)
        if failure:
            raise failure[0]

    def probe(
        self,
        ids: Sequence[int],
        wanted: int,
        given_up: Callable[[], bool] = lambda: False,
        adapter: Path | None = None,
    ) -> list[Entry]:
        """The `wanted` likeliest tokens after `ids`, likeliest first, raw; none when `given_up()` came first.

        A whole character is forced as the outcome, since for a part of one, or for the end of the text,
        nothing would be sent. adapter: one of those that the server was opened with, on for this call.
        """
        forced = self._forced(ids, self._whole, wanted, given_up, adapter)
        return list(forced["top_logprobs"]) if forced else []

    def read(
        self, ids: Sequence[int], chosen: int, given_up: Callable[[], bool] = lambda: False
    ) -> Token | None:
        """The token `chosen` after `ids`, with its raw distribution; None when `given_up()` came first."""
        forced = self._forced(ids, chosen, ALTERNATIVES, given_up)
        if forced:
            return self.vocabulary.token(forced, forced["top_logprobs"])
        # Nothing is sent for a part of a character, or for the end of the text.
        entries = self.probe(ids, self.vocabulary.size, given_up)
        found = next((entry for entry in entries if entry["id"] == chosen), None)
        return self.vocabulary.token(found, entries[:ALTERNATIVES]) if found else None

    def _switched(self, adapter: Path | None = None) -> dict[str, Any]:
        """The part of a request that says which adapter is on; said always, since cells of another one, or of
        none, are then not taken for this request's own."""
        if not self._adapters:
            return {}
        return {
            "lora": [{"id": at, "scale": float(each == adapter)} for at, each in enumerate(self._adapters)]
        }

    def _forced(
        self,
        ids: Sequence[int],
        outcome: int,
        wanted: int,
        given_up: Callable[[], bool],
        adapter: Path | None = None,
    ) -> Entry | None:
        """The entry of a token that is forced as the next one; None where nothing is sent for it."""
        request = {
            **self._switched(adapter),
            "prompt": list(ids),
            "max_tokens": 1,
            "logprobs": wanted,
            "logit_bias": [[outcome, 1e6]],
            "cache_prompt": True,
            "temperature": 0,
            # A chunk after each batch of a long prompt, at which it can be cancelled.
            "return_progress": True,
        }
        entries: list[Entry] = []

        def take(chunk: Chunk) -> bool:
            said = chunk["choices"][0]["logprobs"]
            if said and not entries:
                entries.append(said["content"][0])
            return given_up()

        self.stream(request, take)
        return entries[0] if entries else None

    def states(self, ids: Sequence[int]) -> NDArray[np.float16]:
        """What the last layer puts out at each token, behind the final norm, [tokens, hidden size].

        They are read again for it. Raises CapabilityError as `check_states`.
        """
        self.check_states(len(ids))
        # A large model on a busy CPU takes minutes; when it is unloaded, the connection ends.
        (found,) = self._ask("POST", "/embedding", {"content": list(ids)}, seconds=None)
        states = np.array(found["embedding"], dtype=np.float32)
        most = np.finfo(np.float16).max
        return states.clip(-most, most).astype(np.float16)

    def check_states(self, tokens: int) -> None:
        """Raises CapabilityError where so many tokens are more than the server shows at once."""
        if tokens > self._most_at_once:
            raise CapabilityError(
                f"llama.cpp shows hidden states of up to {self._most_at_once} tokens of prompt and answer, "
                f"and these are {tokens}. Ask for a shorter answer, or use engine=huggingface."
            )

    def tokenize(self, text: str, *, special: bool = False) -> list[int]:
        """Token ids; with `special`, control tokens are read and what opens a text is put in front."""
        opened = not special or (bool(self._opening) and text.startswith(self._opening))
        body = {"content": text, "parse_special": special, "add_special": not opened}
        ids: list[int] = self._ask("POST", "/tokenize", body)["tokens"]
        return ids

    def render(self, messages: list[dict[str, str]]) -> str:
        """The model's own chat template applied; control tokens in a content become plain text.

        Raises CapabilityError when the model has no template.
        """
        if not self._has_template:
            raise CapabilityError(
                "This model has no chat template: it only continues text. "
                "Take an instruct model, or use complete()."
            )
        turns = [{**it, "content": neutral(it["content"], self._controls)} for it in messages]
        return str(self._ask("POST", "/apply-template", {"messages": turns})["prompt"])

    def _ends(self) -> frozenset[int]:
        """The tokens that llama.cpp forbids when it is told to continue after the end."""
        answer = self._server.handle_completions(
            {
                **self._switched(),
                "prompt": [self._whole],
                "max_tokens": 1,
                "ignore_eos": True,
                "verbose": True,
            }
        )
        return frozenset(it["token"] for it in answer["__verbose"]["generation_settings"]["logit_bias"])

    def _ask(self, method: str, path: str, body: object = None, seconds: float | None = _HTTP_SECONDS) -> Any:
        """The few calls that xllamacpp offers over its loopback port only. The key keeps others out."""
        connection = http.client.HTTPConnection(self._address, timeout=seconds)
        try:
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._key}"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = json.loads(connection.getresponse().read())
        except TimeoutError as error:
            raise ModelError(f"llama.cpp did not answer within {seconds:.0f} s. Ask again.") from error
        except OSError as error:
            raise ModelError(f"The model was unloaded meanwhile ({error}). Ask again.") from error
        finally:
            connection.close()
        if "error" in answer:
            raise ModelError(f"llama.cpp: {answer['error']['message']}")
        return answer

    def _open(self, path: Path, config: ModelConfig) -> Any:
        spin_briefly()
        import xllamacpp

        params = xllamacpp.CommonParams()
        params.model.path = str(path)
        params.n_gpu_layers = _layers(config)
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = config.threads
        params.n_batch = config.batch_size
        params.n_ubatch = self._most_at_once = min(config.batch_size, params.n_ubatch)
        # Hidden states are told beside generation, which it does not touch.
        params.embedding, params.pooling_type = True, 0
        params.n_ctx = self.cells
        params.n_parallel = SLOTS
        params.kv_unified = True
        # What a row leaves behind is dropped when the next one starts: cells are then handed out in
        # the same order for the same request, and sums come out the same to the last bit.
        params.cache_idle_slots = True
        params.cache_ram_mib = 1
        params.n_ctx_checkpoints = 0
        params.warmup = params.fit_params = params.ui = params.endpoint_slots = False
        params.n_threads_http = 2
        params.api_keys = [self._key]
        params.lora_adapters = [_switchable(each) for each in self._adapters]
        params.verbosity = 3 if os.environ.get("CODEX_DEBUG") else -1
        try:
            return xllamacpp.Server(params)
        except RuntimeError as error:
            raise ModelError(
                f"llama.cpp cannot load {path}: {_complaint(path, _layers(config), params.n_ctx)}"
            ) from error


def _switchable(adapter: Path) -> Any:
    """An adapter as the server is opened with it: off, unless a request says otherwise."""
    import xllamacpp

    made = xllamacpp.CommonAdapterLoraInfo()
    made.path, made.scale = str(adapter), 0.0
    return made


def _layers(config: ModelConfig) -> int:
    """More layers than any model has, for all: what llama.cpp makes of -1 changes between versions."""
    return config.gpu_layers if config.gpu_layers >= 0 else 10_000


def _complaint(path: Path, gpu_layers: int, context: int) -> str:
    """Why a model cannot be loaded: only the log says so, so another process loads it with the log on."""
    tried = subprocess.run(
        [sys.executable, "-c", _LOADS, str(path), str(gpu_layers), str(context)],
        capture_output=True,
        text=True,
        errors="replace",
    )
    said = re.findall(r"(?:error loading model: |ggml_\w+: |: failed to )(.+)", tried.stderr)
    return f"{said[0]}." if said else "it gives no reason. CODEX_DEBUG=1 shows llama.cpp's log."
