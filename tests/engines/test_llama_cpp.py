"""The llama_cpp engine: what its numbers are, and where an answer begins and ends."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFWriter
from scipy.stats import chisquare

from codex.ask.json_schema import accepted
from codex.engines.base import ALTERNATIVES, Finished, GenerationParams, JsonParams, ModelConfig
from codex.engines.entropy import entropy_bounds
from codex.engines.llama_cpp.engine import ANY_SEED, ROWS_AT_ONCE, LlamaCppEngine
from codex.engines.llama_cpp.rows import Row
from codex.engines.models import DEFAULT_MODEL, Models
from codex.errors import CapabilityError, InvalidInput, ModelError, PromptTooLong
from codex.types import Generation, Message, Token
from tests.support.decoding import POEM, decode, greedy, sampled

TOKYO = [Message("user", "What is the capital of Japan?")]
"""Greedy: "The capital of Japan is Tokyo.", each token far ahead of the next."""


def ids(generation: Generation) -> list[int]:
    return [token.id for token in generation.tokens]


class TestNumbers:
    def test_logprobs_do_not_depend_on_how_the_token_was_drawn(self, llama: LlamaCppEngine) -> None:
        plain = llama.chat(TOKYO, greedy(1)).tokens[0]
        shaped = greedy(1, temperature=3.0, top_k=1, top_p=0.5, repeat_penalty=2.0)
        drawn = llama.chat(TOKYO, shaped).tokens[0]
        assert [(a.id, a.logprob) for a in plain.alternatives] == [
            (a.id, a.logprob) for a in drawn.alternatives[:ALTERNATIVES]
        ]

    def test_the_chosen_token_is_among_its_alternatives_with_its_rank(self, llama: LlamaCppEngine) -> None:
        for answer in llama.sample(POEM, sampled(24), 4):
            for token in answer.tokens:
                at = [other.id for other in token.alternatives].index(token.id)
                assert token.alternatives[at].logprob == token.logprob
                assert token.rank == (at + 1 if at < ALTERNATIVES else None)
                assert len(token.alternatives) == ALTERNATIVES + (token.rank is None)
                likeliest = [other.logprob for other in token.alternatives[:ALTERNATIVES]]
                assert likeliest == sorted(likeliest, reverse=True)

    def test_sampled_frequencies_follow_the_models_distribution(self, llama: LlamaCppEngine) -> None:
        """600 first tokens at fixed seeds; outcomes expected fewer than 5 times are taken together."""
        n = 600
        answers = [
            answer
            for start in range(0, n, 50)
            for answer in llama.sample(POEM, sampled(1, seed=1000 + start), 50)
        ]
        drawn = Counter(answer.tokens[0].id for answer in answers if answer.tokens)
        expected = {
            other.id: n * math.exp(other.logprob)
            for other in answers[0].tokens[0].alternatives
            if n * math.exp(other.logprob) >= 5
        }
        seen = [drawn[token_id] for token_id in expected]
        observed = np.array([*seen, n - sum(seen)])
        wanted = np.array([*expected.values(), n - sum(expected.values())])
        # At these seeds p is 0.72; drawn at temperature 0.8 or 1.2 it is below 1e-12.
        assert chisquare(observed, wanted).pvalue > 0.001

    def test_score_gives_the_numbers_that_decoding_gave(self, llama: LlamaCppEngine) -> None:
        answer = llama.chat(TOKYO, greedy(40))
        scored = llama.score(TOKYO, answer.text)
        assert (scored.text, ids(scored)) == (answer.text, ids(answer))
        for given, drawn in zip(scored.tokens, answer.tokens, strict=True):
            # Cells that are read one at a time are summed in another order.
            assert given.logprob == pytest.approx(drawn.logprob, abs=0.05)
            assert given.rank == 1
        assert scored.end_logprob == pytest.approx(answer.end_logprob, abs=0.05)

    def test_score_of_characters_that_tokens_part(self, llama: LlamaCppEngine) -> None:
        scored = llama.score("In Japanese it is ", "東 😀")
        assert scored.text == "東 😀"
        assert b"".join(token.bytes for token in scored.tokens).decode() == "東 😀"
        assert any(token.text == "\ufffd" for token in scored.tokens)
        assert all(token.logprob is not None and token.logprob < 0 for token in scored.tokens)

    def test_json_conforms_to_its_schema_samples_and_characters_in_parts_too(
        self, llama: LlamaCppEngine
    ) -> None:
        """The enum makes the model write characters that its tokens part."""
        schema = {
            "type": "object",
            "properties": {
                "city": {"enum": ["😀"]},
                "people": {"type": "integer", "minimum": 0, "maximum": 99},
            },
            "required": ["city", "people"],
        }
        form = accepted(schema, "schema")
        rows = [JsonParams(max_tokens=60, json_schema=form)]
        rows += [JsonParams(max_tokens=60, temperature=1.0, seed=seed, json_schema=form) for seed in range(2)]
        done = [it for it in llama.decode(TOKYO, rows) if isinstance(it, Finished)]
        assert len(done) == 3
        for each in done:
            said = json.loads(each.generation.text)
            assert said["city"] == "😀"
            assert 0 <= said["people"] <= 99
            assert each.generation.finish_reason == "stop"
            spelled = b"".join(token.bytes for token in each.generation.tokens)
            assert spelled.decode() == each.generation.text

    def test_entropy_is_the_midpoint_of_its_bounds_and_says_so(self, llama: LlamaCppEngine) -> None:
        for token in llama.chat(POEM, greedy(8)).tokens:
            top = [other.logprob for other in token.alternatives[:ALTERNATIVES]]
            low, high = entropy_bounds(top, 49_152)
            assert token.entropy == pytest.approx((low + high) / 2)
            assert not token.entropy_exact
            assert token.self_certainty is None

    def test_the_same_request_gives_the_same_bits_whatever_was_asked_before(
        self, llama: LlamaCppEngine
    ) -> None:
        # At these seeds rows end at several lengths, and one writes characters split over tokens.
        rows = [greedy(24), *(sampled(24, seed=seed) for seed in range(5))]

        def bits() -> list[list[tuple[int, float | None]]]:
            return [[(t.id, t.logprob) for t in g.tokens] for g in decode(llama, TOKYO, rows)[1]]

        first = bits()
        decode(llama, POEM, [sampled(9, seed=1), *(sampled(9, seed=seed) for seed in range(8))])
        assert bits() == first

    def test_a_greedy_answer_takes_the_likeliest_token_each_time(self, llama: LlamaCppEngine) -> None:
        for prompt in ("Once upon a time", "😀🎉🌍😀🎉🌍😀🎉🌍😀"):
            answer = llama.complete(prompt, greedy(12))
            assert {token.rank for token in answer.tokens} == {1}, "also the tokens that were not sent"


class TestText:
    def test_an_answer_that_ends_by_itself_holds_no_end_of_sequence(self, llama: LlamaCppEngine) -> None:
        answer = llama.chat(TOKYO, greedy(40))
        assert answer.text == "The capital of Japan is Tokyo."
        assert b"".join(token.bytes for token in answer.tokens).decode() == answer.text
        assert answer.finish_reason == "stop"
        assert answer.seconds > 0
        last = answer.tokens[-1]
        assert not any(other.is_end for other in last.alternatives if other.id == last.id)

    def test_length_is_told(self, llama: LlamaCppEngine) -> None:
        answer = llama.chat(POEM, greedy(5))
        assert (len(answer.tokens), answer.finish_reason) == (5, "length")

    @pytest.mark.parametrize("stop", [" Japan", "al of Ja", "."])
    def test_the_text_ends_before_a_stop_string(self, llama: LlamaCppEngine, stop: str) -> None:
        answer = llama.chat(TOKYO, greedy(40, stop=(stop,)))
        assert answer.text == "The capital of Japan is Tokyo.".partition(stop)[0]
        assert answer.finish_reason == "stop"

    def test_characters_split_over_tokens_are_whole_in_every_row(self, llama: LlamaCppEngine) -> None:
        rows = [greedy(12), *(sampled(12, seed=seed, temperature=0.5) for seed in range(3))]
        streamed, answers = decode(llama, "😀🎉🌍😀🎉🌍😀🎉🌍😀", rows)
        assert "🎉" in answers[0].text
        assert tuple(streamed) == answers[0].tokens
        for answer in answers:
            joined = b"".join(token.bytes for token in answer.tokens)
            assert joined.decode("utf-8", "replace") == answer.text
            assert len(answer.tokens) == 12

    def test_going_on_from_a_prefix_repeats_the_original(self, llama: LlamaCppEngine) -> None:
        whole = llama.chat(TOKYO, greedy(40))
        again = llama.chat(TOKYO, greedy(40), prefix=whole.tokens[:3])
        assert ids(again) == ids(whole)
        assert (again.prefix_tokens, again.prompt_tokens) == (3, whole.prompt_tokens)
        assert list(llama.stream(TOKYO, greedy(40), prefix=whole.tokens[:3])) == list(again.tokens[3:])

    def test_another_token_in_the_prefix_leads_elsewhere(self, llama: LlamaCppEngine) -> None:
        whole = llama.chat(TOKYO, greedy(40))
        other = whole.tokens[0].alternatives[1]
        turned = Token(other.id, other.bytes, other.logprob)
        assert llama.chat(TOKYO, greedy(12), prefix=[turned]).text.startswith(other.text)

    def test_the_rendered_prompt_is_what_the_model_continues(self, llama: LlamaCppEngine) -> None:
        prompt = llama.render(TOKYO)
        assert prompt is not None
        assert "What is the capital of Japan?" in prompt
        assert ids(llama.complete(prompt, greedy(12))) == ids(llama.chat(TOKYO, greedy(12)))


class TestRows:
    def test_more_rows_than_a_batch_holds_are_decoded_in_waves(self, llama: LlamaCppEngine) -> None:
        rows = [greedy(4), *(sampled(4, seed=seed) for seed in range(2 * ROWS_AT_ONCE))]
        _, answers = decode(llama, POEM, rows)
        assert len(answers) == len(rows)
        assert len({answer.text for answer in answers}) > ROWS_AT_ONCE

    def test_rows_may_differ_in_everything(self, llama: LlamaCppEngine) -> None:
        rows = [sampled(6, seed=9), greedy(3), greedy(8, stop=(" ",)), sampled(2, seed=ANY_SEED)]
        _, answers = decode(llama, POEM, rows)
        assert all(len(answer.tokens) <= row.max_tokens for answer, row in zip(answers, rows, strict=True))
        assert ids(answers[1]) == ids(llama.chat(POEM, greedy(3)))

    def test_seeds_make_rows_differ(self, llama: LlamaCppEngine) -> None:
        one, other = llama.sample(POEM, sampled(16), 2)
        assert ids(one) != ids(other)

    def test_repeat_penalty_keeps_greedy_from_repeating(self, llama: LlamaCppEngine) -> None:
        prompt = "one two three one two three one two three one two"
        assert llama.complete(prompt, greedy(4)).text.startswith(" three one two")
        assert not llama.complete(prompt, greedy(4, repeat_penalty=3.0)).text.startswith(" three one two")

    def test_no_rows_is_no_work(self, llama: LlamaCppEngine) -> None:
        assert list(llama.decode(TOKYO, [])) == []


class TestService:
    def test_several_callers_at_once_get_their_own_answers(self, llama: LlamaCppEngine) -> None:
        capitals = {"Norway": "Oslo", "Greece": "Athens", "Poland": "Warsaw", "Kenya": "Nairobi"}
        said: dict[str, list[Generation]] = {}

        def ask(country: str) -> None:
            question = [Message("user", f"What is the capital of {country}?")]
            said[country] = decode(llama, question, [greedy(16), *(sampled(8, seed=s) for s in range(3))])[1]

        threads = [threading.Thread(target=ask, args=(country,)) for country in capitals]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert {c for c, answers in said.items() if capitals[c] in answers[0].text} == set(capitals)

    def test_cancel_ends_every_row_and_keeps_what_there_is(self, llama: LlamaCppEngine) -> None:
        cancel = threading.Event()
        rows = [greedy(400, repeat_penalty=1.3), *(sampled(400, seed=seed) for seed in range(3))]
        written, done = 0, {}
        for item in llama.decode(POEM, rows, cancel=cancel):
            if isinstance(item, Token):
                written += 1
                if written == 3:
                    cancel.set()
            else:
                done[item.row] = item.generation
        assert {g.finish_reason for g in done.values()} == {"cancelled"}
        assert len(done) == len(rows)
        assert 3 <= len(done[0].tokens) < 40

    def test_closing_the_iterator_leaves_nothing_running(self, llama: LlamaCppEngine) -> None:
        events = llama.decode(POEM, [greedy(400), *(sampled(400, seed=seed) for seed in range(3))])
        next(events)
        events.close()  # type: ignore[attr-defined]
        assert llama._running == {}
        assert not [t for t in threading.enumerate() if t.name == "codex-llama-cpp"]

    def test_unload_cancels_and_the_next_call_loads_again(self, models: Models) -> None:
        engine = LlamaCppEngine(ModelConfig(threads=1, context_size=512), models)
        events = engine.decode(POEM, [greedy(400)])
        next(events)
        engine.unload()
        *_, last = events
        assert not isinstance(last, Token)
        assert last.generation.finish_reason == "cancelled"
        assert not engine.is_loaded
        assert engine.chat(TOKYO, greedy(8)).text.startswith("The capital")
        engine.unload()

    def test_a_prompt_that_does_not_fit_is_refused_with_exact_numbers(self, models: Models) -> None:
        engine = LlamaCppEngine(ModelConfig(threads=1, context_size=128), models)
        tokens = engine.chat(TOKYO, greedy(1)).prompt_tokens
        assert engine.chat(TOKYO, greedy(128 - tokens)).text
        with pytest.raises(PromptTooLong) as error:
            engine.chat(TOKYO, greedy(128 - tokens + 1))
        assert (error.value.prompt_tokens, error.value.room) == (tokens, tokens - 1)
        engine.unload()

    def test_what_it_cannot_do_says_which_engine_can(self, llama: LlamaCppEngine) -> None:
        with pytest.raises(CapabilityError, match="engine=huggingface"):
            llama.embed("Tokyo")

    def test_an_empty_prompt_is_refused(self, llama: LlamaCppEngine) -> None:
        with pytest.raises(InvalidInput, match="empty"):
            llama.complete("", GenerationParams(max_tokens=1))

    def test_a_long_prompt_is_cancelled_while_it_is_read(self, llama: LlamaCppEngine) -> None:
        cancel = threading.Event()
        prompt = "Tell me more. " * 900  # read in seven batches
        events = llama.decode(prompt, [greedy(8)], cancel=cancel)
        threading.Timer(0.3, cancel.set).start()
        (only,) = events
        assert isinstance(only, Finished)
        assert (only.generation.finish_reason, only.generation.tokens) == ("cancelled", ())

    def test_one_that_waits_for_room_can_be_cancelled(self, models: Models) -> None:
        engine = LlamaCppEngine(ModelConfig(threads=1, context_size=128), models)
        holders = [engine.decode("Once", [greedy(120, repeat_penalty=1.3)]) for _ in range(2)]
        for holder in holders:
            next(holder)  # each holds almost half of the cache
        cancel = threading.Event()
        waiting = engine.decode("Once", [greedy(120)], cancel=cancel)
        cancel.set()
        (only,) = waiting
        assert isinstance(only, Finished)
        assert only.generation.finish_reason == "cancelled"
        engine.unload()

    def test_more_rows_than_the_cache_holds_are_decoded_in_waves(self, models: Models) -> None:
        engine = LlamaCppEngine(ModelConfig(threads=1, context_size=96), models)
        assert len(engine.sample([Message("user", "Hi")], sampled(40), 6)) == 6  # 192 cells: three at a time
        engine.unload()

    def test_what_goes_wrong_in_a_stream_reaches_the_caller_and_the_next_call_works(
        self, llama: LlamaCppEngine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(*_: object) -> None:
            raise ZeroDivisionError("on the way")

        with monkeypatch.context() as patched:
            patched.setattr(Row, "take", broken)
            with pytest.raises(ZeroDivisionError, match="on the way"):
                llama.chat(TOKYO, greedy(8))
        assert llama._running == {}
        with pytest.raises(ModelError, match="invalid tokens"):
            llama.chat(TOKYO, greedy(8), prefix=[Token(10**7, b"", -1.0)])
        assert llama.chat(TOKYO, greedy(8)).text.startswith("The capital")


class TestLoading:
    def test_the_fingerprint_names_engine_model_and_quantization(self, models: Models) -> None:
        engine = LlamaCppEngine(ModelConfig(), models)
        assert engine.fingerprint == "llama_cpp:smollm2-135m-instruct:Q4_1"
        assert not engine.is_loaded
        path = models.resolve(DEFAULT_MODEL)
        by_path = LlamaCppEngine(ModelConfig(model_path=str(path)), models)
        assert re.fullmatch(r"llama_cpp:smollm2-135m-instruct@[0-9a-f]{12}:Q4_1", by_path.fingerprint)

    def test_a_model_that_is_not_there_or_broken_has_an_unknown_quantization(
        self, models: Models, tmp_path: Path
    ) -> None:
        broken = tmp_path / "broken.gguf"
        broken.write_bytes(b"GGUF")
        for model in ("none", str(broken), str(tmp_path)):
            engine = LlamaCppEngine(ModelConfig(model_path=model), models)
            assert engine.fingerprint == f"llama_cpp:{model}:unknown"

    def test_llama_cpps_own_words_say_what_is_wrong_with_a_whole_file(
        self, models: Models, tmp_path: Path
    ) -> None:
        writer = GGUFWriter(tmp_path / "odd.gguf", "no_such_thing")
        writer.add_tensor("weights", np.ones((8, 32), np.float32))
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        engine = LlamaCppEngine(ModelConfig(model_path=str(tmp_path / "odd.gguf")), models)
        with pytest.raises(ModelError, match=r"odd\.gguf: unknown model architecture: 'no_such_thing'"):
            engine.load()
        assert not engine.is_loaded

    def test_a_file_cut_short_is_refused_before_llama_cpp_sees_it(
        self, models: Models, tmp_path: Path
    ) -> None:
        with models.resolve(DEFAULT_MODEL).open("rb") as whole:
            (tmp_path / "cut.gguf").write_bytes(whole.read(20_000_000))
        with pytest.raises(ModelError, match="cut short: it has 20000000 of 98362432 bytes"):
            LlamaCppEngine(ModelConfig(model_path=str(tmp_path / "cut.gguf")), models).load()

    def test_nothing_is_written_to_the_terminal(self, models: Models) -> None:
        code = (
            "import sys; from pathlib import Path\n"
            "from codex.engines.base import GenerationParams, ModelConfig\n"
            "from codex.engines.llama_cpp.engine import LlamaCppEngine\n"
            "from codex.engines.models import Models\n"
            "engine = LlamaCppEngine(ModelConfig(threads=1), Models(Path(sys.argv[1])))\n"
            "engine.complete('Hello', GenerationParams(max_tokens=3))\n"
        )
        ran = subprocess.run([sys.executable, "-c", code, str(models.home)], capture_output=True, timeout=60)
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"", b"")

    def test_a_missing_model_is_named(self, models: Models) -> None:
        engine = LlamaCppEngine(ModelConfig(model_path="/no/such.gguf"), models)
        with pytest.raises(ModelError, match=r"/no/such\.gguf"):
            engine.load()
        assert not engine.is_loaded
