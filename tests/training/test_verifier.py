"""A verifier trained on a random model that learns one word, and served by the engine beside other calls."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from codex import prompts
from codex.engines.base import GenerationParams
from codex.engines.huggingface.activated import load_activated
from codex.engines.huggingface.adapters import CONFIG, MANIFEST, WEIGHTS
from codex.engines.huggingface.engine import HuggingFaceEngine
from codex.engines.huggingface.loading import HuggingFaceConfig
from codex.engines.huggingface.passes import Reading, forward
from codex.engines.models import Models, model_id
from codex.errors import AdapterError, Cancelled, CapabilityError, InvalidInput
from codex.grounding.trained import WHOLE, InUse, TrainedVerifier
from codex.grounding.verifier import verification, verify
from codex.prompts import judging
from codex.training.verifier import Outcome, train_verifier
from codex.training.verifier_labels import Labelled, check_run, labelled
from codex.training.verifier_options import FitOptions
from codex.training.verifier_states import Labels
from codex.types import Generation, Observation, Run, RunParams
from tests.support.scripted import Script, ScriptedEngine
from tests.support.tiny_model import tiny_model

OPTIONS = FitOptions(epochs=3, folds=2, learning_rate=0.01)
QUESTIONS = 64


def answered(number: int, *, correct: bool) -> Observation:
    word = "green" if correct else "purple"
    return Observation(f"What is colour number {number}?", Generation(word, (), "stop", 1, 0.1))


def answers(n: int = QUESTIONS) -> list[tuple[Observation, bool]]:
    drawn = np.random.default_rng(0).random(n) < 0.4
    return [(answered(number, correct=bool(each)), bool(each)) for number, each in enumerate(drawn)]


def run_of(model: str) -> Run:
    now = datetime.now(UTC)
    return Run("r", "colours", "colours", now, model, prompts.fingerprint(), RunParams(), QUESTIONS)


@dataclass(frozen=True, slots=True)
class Taught:
    """A verifier, and the engine that it is an adapter for."""

    home: Path
    config: HuggingFaceConfig
    engine: HuggingFaceEngine
    outcome: Outcome
    base: str
    """SHA-256 of the weights before the training."""

    @property
    def in_use(self) -> InUse:
        return InUse(self.outcome.verifier, self.home)

    @property
    def base_id(self) -> str:
        """As adapters name their base."""
        return model_id(self.config.model_path, Path(self.config.model_path))

    @property
    def whole(self) -> Path:
        return self.in_use.folder / WHOLE


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Taught]:
    home = tmp_path_factory.mktemp("home")
    model = tiny_model(home / "model")
    base = digest(model / "model.safetensors")
    config = HuggingFaceConfig(model_path=str(model), dtype="float32", device="cpu", threads=1)
    engine = HuggingFaceEngine(config, Models(home))
    found = labelled(answers(), "plain")
    own = engine.fingerprint
    outcome = train_verifier(found, [run_of(own)], config, own, home, "colours", OPTIONS, 0.5)
    yield Taught(home, config, engine, outcome, base)
    engine.unload()


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_it_ranks_answers_that_it_did_not_see_better_than_the_model_as_it_is(taught: Taught) -> None:
    verifier = taught.outcome.verifier
    zero_shot, trained = verifier.metrics["zero_shot"]["auroc"], verifier.metrics["trained"]["auroc"]
    assert trained.value > 0.9 > zero_shot.value + 0.1
    assert trained.low > zero_shot.high - 0.1
    assert verifier.reliability.is_sufficient
    assert (verifier.labels, verifier.layers, verifier.folds) == (QUESTIONS, (3, 4), 2)
    assert len(verifier.curve) >= verifier.epochs >= 1


def test_the_weights_of_the_base_are_what_they_were(taught: Taught) -> None:
    assert digest(Path(taught.config.model_path) / "model.safetensors") == taught.base


def test_a_question_that_it_was_trained_on_is_verified_by_the_fold_that_did_not_see_it(
    taught: Taught,
) -> None:
    used = {taught.in_use.adapter(observation.question).name for observation, _ in answers()}
    assert used == {"without-0", "without-1"}
    assert taught.in_use.adapter("What is colour number 1000?").name == WHOLE
    loaded = taught.engine.loaded()
    labels = Labels.of(loaded)
    for (observation, _), heldout in list(zip(answers(), taught.outcome.logits, strict=True))[:8]:
        prompt, _ = verification(observation, prompts.ask(observation.question), "plain")
        token = taught.engine.adapted_token(prompt, taught.in_use.adapter(observation.question))
        adapter = load_activated(taught.in_use.adapter(observation.question), loaded.model, taught.base_id)
        ids = taught.engine.token_ids(prompt)
        own = len(adapter.invocation)
        with torch.inference_mode():
            read = Reading(loaded, ids[:-own], 512, None)
            assert read.advance()
            with adapter.switched.on():
                told = forward(loaded, torch.tensor([ids[-own:]]), read.cache)[0].float()
        found = float(labels.logit(told)) + taught.outcome.verifier.offset
        assert abs(found - heldout) < 0.05, "states are kept in float16"
        assert int(told.argmax()) == token.id


def test_the_verdict_says_who_verified_and_how_reliable_that_is(taught: Taught) -> None:
    observation = answered(3000, correct=True)
    conversation = prompts.ask(observation.question)
    own = verify(taught.engine, observation, conversation, "plain", None, taught.in_use)
    plain = verify(taught.engine, observation, conversation, "plain")
    assert own.verifier == f"{taught.engine.fingerprint}+{taught.outcome.verifier.version}"
    assert own.reliability == taught.outcome.verifier.reliability
    assert own.is_reliable
    assert plain.verifier == taught.engine.fingerprint
    assert plain.reliability is None
    assert own.temperature == taught.outcome.verifier.temperature
    assert own.offset == taught.outcome.verifier.offset
    assert own.alternatives != plain.alternatives


def test_served_and_trained_it_is_one_function(taught: Taught) -> None:
    """Full LoRA arithmetic by PEFT, merged and not, says what the engine serves, to 1e-3."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    observation = answered(77_000, correct=False)
    prompt, _ = verification(observation, prompts.ask(observation.question), "plain")
    served = taught.engine.adapted_token(prompt, taught.whole)
    ids = torch.tensor([taught.engine.token_ids(prompt)])
    base = AutoModelForCausalLM.from_pretrained(taught.config.model_path, dtype=torch.float32)
    adapted = PeftModel.from_pretrained(base, str(taught.whole)).eval()
    with torch.inference_mode():
        told = adapted(input_ids=ids).logits[0, -1].float().log_softmax(-1)
    for each in served.alternatives:
        assert abs(float(told[each.id]) - each.logprob) < 1e-3


def test_answers_are_the_same_to_the_last_bit_with_the_verifier_at_work_and_without(taught: Taught) -> None:
    conversation = prompts.ask("What is colour number 9?")
    rows = [GenerationParams(max_tokens=12), GenerationParams(max_tokens=12, temperature=1.0, seed=4)]
    prompt, _ = verification(answered(9, correct=True), conversation, "plain")

    def asked() -> list[Generation]:
        return [replace(each, seconds=0.0) for each in taught.engine._batch(conversation, rows)]

    before = asked()
    alone = taught.engine.adapted_token(prompt, taught.whole)
    plain = taught.engine.next_token(prompt)
    with ThreadPoolExecutor(4) as threads:
        decoded = [threads.submit(asked) for _ in range(3)]
        verified = [threads.submit(taught.engine.adapted_token, prompt, taught.whole) for _ in range(6)]
        peeked = [threads.submit(taught.engine.next_token, prompt) for _ in range(3)]
    for each in decoded:
        # Rows of other calls beside them move sums by rounding: see Batch. Texts and tokens stay.
        assert [it.text for it in each.result()] == [it.text for it in before]
    assert {each.result() for each in verified} == {alone}
    assert {round(each.result().logprob or 0, 4) for each in peeked} == {round(plain.logprob or 0, 4)}
    assert asked() == before, "and alone again, bit by bit"


def test_what_is_kept_of_prompts_is_the_base_s_own(taught: Taught) -> None:
    """The adapted states of a prompt never serve another call."""
    observation = answered(123, correct=True)
    prompt, _ = verification(observation, prompts.ask(observation.question), "plain")
    fresh = HuggingFaceEngine(taught.config, Models(taught.home))
    expected = fresh.next_token(prompt)
    fresh.unload()
    adapted = taught.engine.adapted_token(prompt, taught.whole)
    found = taught.engine.next_token(prompt)
    assert adapted.logprob != found.logprob
    for one, other in zip(found.alternatives, expected.alternatives, strict=True):
        assert one.id == other.id
        assert abs(one.logprob - other.logprob) < 1e-4


def test_a_prompt_that_ends_otherwise_does_not_invoke_the_adapter(taught: Taught) -> None:
    with pytest.raises(AdapterError, match="end in other tokens than this one"):
        taught.engine.adapted_token(prompts.ask("What is it?"), taught.whole)


def test_an_engine_without_adapters_says_which_one_has_them() -> None:
    with pytest.raises(CapabilityError, match="use engine=huggingface"):
        ScriptedEngine(lambda prompt: Script(("a",))).adapted_token("a", Path("nowhere"))


@pytest.fixture
def copied(taught: Taught, tmp_path: Path) -> Path:
    """A copy of the adapter, to be spoilt."""
    folder = tmp_path / "adapter"
    folder.mkdir()
    for name in (MANIFEST, CONFIG, WEIGHTS):
        (folder / name).write_bytes((taught.whole / name).read_bytes())
    return folder


def spoil(folder: Path, change: str) -> None:
    weights = load_file(folder / WEIGHTS)
    if change == "missing":
        weights.pop(next(key for key in weights if "lora_B" in key))
    elif change == "empty":
        weights = {key: value * ("lora_A" in key) for key, value in weights.items()}
    elif change == "elsewhere":
        weights = {key.replace("layers.3", "layers.30"): value for key, value in weights.items()}
    elif change == "narrow":
        weights = {
            key: value[:, :-1].contiguous() if "lora_A" in key else value for key, value in weights.items()
        }
    save_file(weights, folder / WEIGHTS)
    manifest = json.loads((folder / MANIFEST).read_text())
    manifest["weights_sha256"] = digest(folder / WEIGHTS)
    if change == "other base":
        manifest["base"] = "another@0123456789ab"
    (folder / MANIFEST).write_text(json.dumps(manifest))
    if change == "not activated":
        config = json.loads((folder / CONFIG).read_text())
        (folder / CONFIG).write_text(json.dumps(config | {"alora_invocation_tokens": None}))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("missing", r"lora_B is missing or of another size"),
        ("empty", "no effect"),
        ("elsewhere", "no such linear layer"),
        ("narrow", "inputs for"),
        ("other base", "trained for another@0123456789ab"),
        ("not activated", "switched on for some tokens"),
    ],
)
def test_an_adapter_that_does_not_fit_is_an_error(
    taught: Taught, copied: Path, change: str, words: str
) -> None:
    spoil(copied, change)
    prompt, _ = verification(answered(1, correct=True), prompts.ask("What?"), "plain")
    with pytest.raises(AdapterError, match=words):
        taught.engine.adapted_token(prompt, copied)


def test_an_adapter_that_is_not_there_or_damaged_is_an_error(taught: Taught, copied: Path) -> None:
    prompt, _ = verification(answered(1, correct=True), prompts.ask("What?"), "plain")
    with pytest.raises(AdapterError, match="is no adapter: it is not there"):
        taught.engine.adapted_token(prompt, copied / "nowhere")
    (copied / WEIGHTS).write_bytes((copied / WEIGHTS).read_bytes()[:-8])
    with pytest.raises(AdapterError, match="damaged"):
        taught.engine.adapted_token(prompt, copied)


def test_for_another_model_form_or_templates_the_model_verifies_as_it_is(
    taught: Taught, monkeypatch: pytest.MonkeyPatch
) -> None:
    verifier, engine = taught.outcome.verifier, taught.engine
    assert verifier.mismatch(engine, "plain") == ""
    assert "verifier_form=plain" in verifier.mismatch(engine, "candidates")
    other = verifier.model_copy(update={"model": "huggingface:other:float32"})
    assert "an adapter for huggingface:other:float32" in other.mismatch(engine, "plain")
    assert "use engine=huggingface" in verifier.mismatch(
        ScriptedEngine(lambda prompt: Script(("a",))), "plain"
    )
    observation = answered(5, correct=True)
    verdict = verify(
        engine, observation, prompts.ask(observation.question), "plain", None, InUse(other, taught.home)
    )
    assert verdict.verifier == engine.fingerprint
    monkeypatch.setattr(judging, "TEMPLATES", (*judging.TEMPLATES, "another"))
    assert "other prompt templates" in verifier.mismatch(engine, "plain")


def test_what_is_stored_is_read_again(taught: Taught) -> None:
    verifier = taught.outcome.verifier
    read = TrainedVerifier.model_validate_json(verifier.model_dump_json())
    assert read == verifier
    assert read.version == verifier.version
    assert read.version.startswith("colours@")


def test_the_same_labels_and_seed_give_the_same_verifier(taught: Taught) -> None:
    found = labelled(answers(), "plain")
    own = taught.engine.fingerprint
    again = train_verifier(found, [run_of(own)], taught.config, own, taught.home, "again", OPTIONS, 0.5)
    assert again.verifier.digits == taught.outcome.verifier.digits


def test_cancelled_nothing_is_kept(taught: Taught, tmp_path: Path) -> None:
    for stage in ("reading", "training"):
        cancel = threading.Event()

        def stop(what: str, done: int, total: int, at: str = stage, event: threading.Event = cancel) -> None:
            if what.startswith(at) and done > 16:
                event.set()

        with pytest.raises(Cancelled, match="nothing was saved"):
            train_verifier(
                labelled(answers(), "plain"),
                [run_of("m")],
                taught.config,
                "m",
                tmp_path,
                "colours",
                OPTIONS,
                progress=stop,
                cancel=cancel,
            )
    assert not (tmp_path / "verifiers").exists()


def few(n: int, correct: int) -> Labelled:
    return labelled([(answered(at, correct=at < correct), at < correct) for at in range(n)], "plain")


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (few(0, 0), r"^0 graded answers are too few"),
        (few(20, 10), r"^20 graded answers are too few .* 40 are needed"),
        (few(50, 50), r"^Of the 50 graded answers 0 are incorrect"),
        (few(50, 2), r"^Of the 50 graded answers 2 are correct"),
    ],
)
def test_labels_that_are_too_few_or_of_one_kind_are_told_before_a_model_is_loaded(
    found: Labelled, words: str, tmp_path: Path
) -> None:
    config = HuggingFaceConfig(model_path="nowhere")
    with pytest.raises(InvalidInput, match=words):
        train_verifier(found, [run_of("m")], config, "m", tmp_path, "v", OPTIONS)


def test_each_question_counts_once_and_an_answer_without_words_not_at_all() -> None:
    first = answered(1, correct=True)
    again = replace(first, question="what is colour number 1")
    silent = replace(answered(2, correct=True), generation=Generation(" ", (), "stop", 1, 0.1))
    found = labelled([(first, True), (again, False), (silent, True)], "plain")
    assert found.correct.tolist() == [True]


def test_labels_of_another_model_are_refused() -> None:
    with pytest.raises(InvalidInput, match="are by llama_cpp:other, and the settings name huggingface:m"):
        check_run(run_of("llama_cpp:other"), "huggingface:m")
    with pytest.raises(InvalidInput, match="other prompt templates"):
        check_run(replace(run_of("m"), prompt="0123456789ab"), "m")
    check_run(run_of("m"), "m")
