"""The huggingface engine as a service: many callers, callers that leave, memory, and bad input."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
import torch

from codex.engines.base import Finished
from codex.engines.huggingface.engine import ROWS, HuggingFaceEngine
from codex.engines.huggingface.loading import HuggingFaceConfig
from codex.engines.models import Models
from codex.errors import CapabilityError, InvalidInput, ModelError, PromptTooLong
from codex.types import Generation, Message, Token
from tests.support.decoding import (
    CAPITAL,
    POEM,
    greedy,
    sampled,
)


class TestManners:
    def test_several_callers_at_once_get_their_own_answers(self, hf: HuggingFaceEngine) -> None:
        prompts = [f"{word} {word} {word} {word}" for word in ("red", "blue", "green", "black")]
        expected = [hf.complete(it, greedy(5)).text for it in prompts]
        got: dict[int, str] = {}
        threads = [
            threading.Thread(target=lambda at=at: got.update({at: hf.complete(prompts[at], greedy(5)).text}))
            for at in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert [got[at] for at in range(4)] == expected
        assert len(set(expected)) == 4

    def test_cancel_ends_every_row_within_a_token_and_keeps_what_there_is(
        self, hf: HuggingFaceEngine
    ) -> None:
        cancel = threading.Event()
        tokens: list[Token] = []
        done: list[Generation] = []
        for item in hf.decode(POEM, [greedy(400), sampled(400)], cancel=cancel):
            if isinstance(item, Finished):
                done.append(item.generation)
                continue
            tokens.append(item)
            if len(tokens) == 3:
                cancel.set()
        assert [it.finish_reason for it in done] == ["cancelled", "cancelled"]
        assert done[0].tokens == tuple(tokens)
        # One more token is under way when the model is told; a busy machine may be late in telling it.
        assert 3 <= len(tokens) <= 10
        assert done[0].text == b"".join(it.bytes for it in tokens).decode("utf-8", "replace")

    def test_a_caller_that_waits_can_leave_at_once(self, hf: HuggingFaceEngine) -> None:
        hf.load()
        cancel = threading.Event()
        threading.Timer(0.1, cancel.set).start()
        with hf._admission.taken(ROWS, 0, lambda: False):
            (left,) = hf.decode(CAPITAL, [greedy(5)], cancel=cancel)
        assert isinstance(left, Finished)
        assert left.generation.finish_reason == "cancelled"
        assert left.generation.tokens == ()

    def test_closing_the_iterator_frees_the_model_for_the_next_caller(self, hf: HuggingFaceEngine) -> None:
        busy = hf.decode(POEM, [greedy(2000)])
        next(busy)
        busy.close()
        began = time.perf_counter()
        assert hf.complete("The capital of France is", greedy(1)).text == " Paris"
        assert time.perf_counter() - began < 5, "the 2000 tokens, a minute and more, were not given up"

    def test_an_iterator_that_is_dropped_frees_the_model_too(self, hf: HuggingFaceEngine) -> None:
        next(hf.stream(POEM, greedy(2000)))
        began = time.perf_counter()
        hf.complete("one two one", greedy(1))
        assert time.perf_counter() - began < 5

    def test_a_caller_that_stops_reading_holds_up_nobody(self, hf: HuggingFaceEngine) -> None:
        idle = hf.decode(POEM, [greedy(6)])
        next(idle)
        assert hf.complete("The capital of France is", greedy(1)).text == " Paris"
        assert sum(isinstance(it, Token) for it in idle) == 5, "what it did not read is still there"

    def test_a_short_answer_does_not_wait_for_a_long_one(self, hf: HuggingFaceEngine) -> None:
        busy = hf.decode(POEM, [greedy(2000)])
        next(busy)
        assert hf.complete("The capital of France is", greedy(1)).text == " Paris"
        assert isinstance(next(busy), Token)
        busy.close()

    def test_unload_cancels_gives_the_memory_back_and_the_next_call_loads_again(
        self, hf: HuggingFaceEngine
    ) -> None:
        engine = HuggingFaceEngine(hf.config, hf._models)
        gc.collect()
        process = psutil.Process()
        before = process.memory_info().rss
        engine.load()
        weights = sum(it.nbytes for it in engine._ready().model.parameters())
        assert process.memory_info().rss - before > 0.8 * weights
        call, other = (engine.decode(POEM, [greedy(400)]) for _ in range(2))
        next(call)
        next(other)
        engine.unload()
        left = list(other)
        assert [it.generation.finish_reason for it in left if isinstance(it, Finished)] == ["cancelled"]
        assert not engine.is_loaded
        assert [it.generation.finish_reason for it in call if isinstance(it, Finished)] == ["cancelled"]
        assert process.memory_info().rss - before < 0.2 * weights
        assert engine.complete("The capital of France is", greedy(1)).text == " Paris"
        engine.unload()


class TestBadInput:
    def test_a_prompt_that_does_not_fit_is_refused_with_exact_numbers(self, hf: HuggingFaceEngine) -> None:
        prompt = "word " * 5000
        size = len(hf.tokenize(prompt))
        with pytest.raises(PromptTooLong) as caught:
            hf.decode(prompt, [greedy(10), greedy(30)])
        assert (caught.value.prompt_tokens, caught.value.room) == (size, 4096 - 30)
        with pytest.raises(PromptTooLong):
            hf.score([Message("user", prompt)], "word")
        with pytest.raises(PromptTooLong):
            hf.embed(prompt)

    def test_a_prompt_fits_to_the_last_token_of_the_context(self, hf: HuggingFaceEngine) -> None:
        small = HuggingFaceEngine(hf.config.model_copy(update={"context_size": 64}), hf._models)
        prompt = " a" * 60
        small.load()
        assert len(small.complete(prompt, greedy(4)).tokens) == 4
        with pytest.raises(PromptTooLong, match="1 tokens too long"):
            small.complete(prompt, greedy(5))
        small.unload()

    def test_an_empty_prompt_is_refused(self, hf: HuggingFaceEngine) -> None:
        with pytest.raises(InvalidInput, match="empty"):
            hf.decode("", [greedy(1)])

    def test_a_chat_template_that_refuses_is_quoted_and_a_missing_one_is_named(
        self, hf: HuggingFaceEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        tokenizer = hf._ready().tokenizer
        monkeypatch.setattr(tokenizer, "chat_template", "{{ raise_exception('no system turns here') }}")
        with pytest.raises(InvalidInput, match="no system turns here"):
            hf.render(CAPITAL)
        monkeypatch.setattr(tokenizer, "chat_template", None)
        with pytest.raises(CapabilityError, match="no chat template"):
            hf.decode(CAPITAL, [greedy(1)])

    def test_a_missing_path_is_named(self, models: Models) -> None:
        engine = HuggingFaceEngine(HuggingFaceConfig(model_path="/no/such/model"), models)
        with pytest.raises(ModelError, match="/no/such/model"):
            engine.load()
        assert not engine.is_loaded
        assert "/no/such/model" in engine.fingerprint

    def test_a_folder_that_is_no_model_is_named(self, models: Models, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=r"no config\.json"):
            HuggingFaceEngine(HuggingFaceConfig(model_path=str(tmp_path)), models).load()

    def test_weights_that_are_cut_short_are_said_to_be(
        self, hf: HuggingFaceEngine, models: Models, tmp_path: Path
    ) -> None:
        source = Path(hf._ready().model.config.name_or_path)
        for file in source.iterdir():
            data = file.read_bytes()
            (tmp_path / file.name).write_bytes(data[: 1 << 20] if file.suffix == ".safetensors" else data)
        config = HuggingFaceConfig(model_path=str(tmp_path), device="cpu")
        with pytest.raises(ModelError, match="damaged or cut short"):
            HuggingFaceEngine(config, models).load()

    def test_a_hub_that_cannot_be_reached_fails_quickly(
        self, models: Models, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # Nothing listens on port 9, the discard port.
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
        monkeypatch.setattr("huggingface_hub.hf_api.constants.ENDPOINT", "http://127.0.0.1:9")
        began = time.perf_counter()
        with pytest.raises(ModelError, match="cannot be reached"):
            HuggingFaceEngine(HuggingFaceConfig(model_path="nobody/nothing"), models).load()
        assert time.perf_counter() - began < 15

    @pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
    def test_a_missing_gpu_is_said_to_be_missing(self, models: Models) -> None:
        with pytest.raises(ModelError, match=r"no CUDA device.*engine\.device=cpu"):
            HuggingFaceEngine(HuggingFaceConfig(device="cuda"), models).load()

    def test_missing_bitsandbytes_says_what_to_set(
        self, hf: HuggingFaceEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        config = HuggingFaceConfig(quantization="nf4", device="cpu")
        with pytest.raises(ModelError, match=r"bitsandbytes.*engine\.quantization=none"):
            HuggingFaceEngine(config, hf._models).load()


def test_importing_the_module_does_not_import_torch() -> None:
    code = "import sys, codex.engines.huggingface.engine; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
