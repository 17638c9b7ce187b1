"""Teaching the model to state its confidence: reinforcement by rewards, measured before and after."""

from __future__ import annotations

import heapq
import json
import math
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import nn

from codex.calibration.metrics import auroc, brier, ece
from codex.engines.base import ModelConfig
from codex.engines.huggingface.adapters import AdapterManifest
from codex.engines.huggingface.rendering import encode, render
from codex.engines.models import Models
from codex.errors import InvalidInput, TrainingError
from codex.grading.kinds import grader_of
from codex.grounding.stated import read_stated
from codex.outputs import output
from codex.prompts import stating
from codex.text import sha256
from codex.training.agents import GRPO, Agent, AgentOptions, ShippedAgent
from codex.training.answerer import TrainedOn, check_ended, keep, manifest_of
from codex.training.base_model import Base, load_base, trainable
from codex.training.config import TrainConfig
from codex.training.course import Engine, Progress, Task, Trained, fit, steps_of
from codex.training.data import answer_loss
from codex.training.examples import Example, Source, described
from codex.training.filters import filtered
from codex.training.format_start import teach_format
from codex.training.generated import greedy
from codex.training.loop import measuring
from codex.training.questions import Asked, Questions
from codex.training.rewards import Reward, is_correct
from codex.training.state import After, Loss, Training
from codex.training.verifier_reward import VerifierReward

if TYPE_CHECKING:
    from codex.engines.huggingface.loading import LoadedModel

KIND = "reward"
MEASURED = "confidence.json"
"""What the held-out questions measure before and after, in the folder of a training."""
SAVE_EVERY = 10
"""Updates between two checkpoints where nothing else is set: one takes far longer than a supervised one."""

Stage = dict[str, float]


@dataclass(frozen=True, slots=True)
class Rewarded:
    """What a training by rewards made."""

    folder: Path
    """Of the adapter."""
    manifest: AdapterManifest
    trained: Trained
    counts: Counter[str]
    """What became of the rows."""
    stages: Mapping[str, Stage]
    """What the held-out questions measure "before", after the "start" where there is one, and "after"."""


def train_reward(
    source: Source,
    rewards: Sequence[Reward],
    engine: ModelConfig,
    models: Models,
    config: TrainConfig,
    options: AgentOptions,
    folder: Path,
    *,
    agent: Agent | None = None,
    grader: str | None = None,
    examples: Sequence[stating.Shown] = stating.EXAMPLES,
    told: Callable[[Counter[str]], None] | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancel: threading.Event | None = None,
) -> Rewarded:
    """Train on the questions of a source in a folder, which resumes where it was interrupted.

    rewards: are summed. agent: how the model learns by them; None: GRPO. grader: of the measured answers;
    None: the one of each question. examples: show the format in every prompt. told: called with what became
    of the rows before training begins. Raises Cancelled when it was stopped, InvalidInput: nothing is left to
    train on, settings that do not fit; what a reward or an agent raises; see `course.fit` and
    `adapters.save_adapter`.
    """
    config = _fitting(config)
    base = load_base(engine, models, config)
    counts: Counter[str] = Counter()
    train, held_out = _asked(source, base, config, options, examples, counts)
    rows = Questions(train, config, options.generations)
    if told:
        told(counts)
    model = trainable(base.loaded.model, config)
    rewards = [each.of(model, base, config) if isinstance(each, VerifierReward) else each for each in rewards]
    config = config.model_copy(
        update={"generate_every": config.generate_every or steps_of(config, rows.units)}
    )
    measure = _Measure(held_out, base.loaded, config, options.tokens, grader)

    def begin(training: Training) -> None:
        if options.start:
            teach_format(training.model, train, base.loaded, config, options, cancel)
            with measuring(training.model, config):
                _write(folder, {"start": measure(training.model)})

    data_sha256 = sha256(f"{source.sha256()} {stating.fingerprint(examples)} {config.data.model_dump_json()}")
    agent = agent or ShippedAgent(GRPO)
    about: dict[str, object] = {"rewards": [each.name for each in rewards], "grader": grader}
    # As trainings by GRPO, which resume, have always been named.
    learning = options.model_dump()
    about |= {GRPO: learning} if agent.name == GRPO else {"agent": agent.name, "options": learning}
    task = Task(
        model=model,
        rows=rows,
        validation=None,
        loss=answer_loss,
        identity={"kind": KIND, **base.identity, "data_sha256": data_sha256, **about},
        generated=measure if held_out else None,
        environment={
            "data": source.name,
            "data_sha256": data_sha256,
            "rows": dict(counts),
            "seed": config.seed,
            **base.identity,
            **about,
        },
        engine=_begun(agent(base.loaded, rewards, options), begin),
    )
    trained = fit(task, config, folder, progress, cancel)
    check_ended(trained)
    _check_learned(model)
    stages = _stages(folder, trained.metrics)
    data = TrainedOn(KIND, stating.fingerprint(examples), data_sha256, len(train))
    manifest = manifest_of(data, folder.name, base, config, trained)
    manifest = manifest.model_copy(update={"settings": manifest.settings | about})
    made = keep(model, base, folder, manifest, config)
    return Rewarded(made[0], made[1], trained, counts, stages)


def _begun(engine: Engine, begin: Callable[[Training], None]) -> Engine:
    """The engine; begin is called before the first update of all."""

    def train(training: Training, batches: Questions, loss: Loss, config: TrainConfig, after: After) -> None:
        if training.step == 0:
            begin(training)
        engine(training, batches, loss, config, after)

    return train


def _check_learned(model: nn.Module) -> None:
    """Raises TrainingError where no update changed anything."""
    if not any(value.any() for name, value in model.named_parameters() if "lora_B" in name):
        raise TrainingError(
            "Nothing was learned: each question's answers all got the same reward in every update. Where the "
            "model writes no readable confidence, teach it the format first, with --start 20; or take more "
            "--generations, or another --reward."
        )


def _fitting(config: TrainConfig) -> TrainConfig:
    """Raises InvalidInput for settings that a training by rewards does not have."""
    if config.lora is None or config.quantization != "none":
        raise InvalidInput(
            "Rewards train an adapter on weights that are not quantized: leave train.lora and "
            "train.quantization as they are.",
            ["train.lora", "train.quantization"],
        )
    if "save_every" not in config.model_fields_set:
        return config.model_copy(update={"save_every": SAVE_EVERY})
    return config


def _asked(
    source: Source,
    base: Base,
    config: TrainConfig,
    options: AgentOptions,
    examples: Sequence[stating.Shown],
    counts: Counter[str],
) -> tuple[list[Asked], list[Asked]]:
    """The questions to train on, and at most `config.generate` held-out ones, of the smallest hashes."""
    train: list[Example] = []
    held_out: list[Example] = []
    for example, is_validation in filtered(source.examples(counts), config.data, counts):
        if example.item is None:
            counts["texts without a question"] += 1
        elif grader_of(example.item) == "judge":
            counts["only a judge can grade"] += 1
        else:
            (held_out if is_validation else train).append(example)
    held_out = heapq.nsmallest(config.generate, held_out, key=lambda each: sha256(each.question))
    made = [_rendered(some, base, options, examples, counts) for some in (train, held_out)]
    counts["questions trained on"], counts["held-out questions"] = map(len, made)
    if not made[0]:
        raise InvalidInput(
            f"Nothing of {source.name} is left to train on. {'; '.join(described(counts))}.", ["data"]
        )
    return made[0], made[1]


def _rendered(
    some: Sequence[Example],
    base: Base,
    options: AgentOptions,
    examples: Sequence[stating.Shown],
    counts: Counter[str],
) -> list[Asked]:
    loaded = base.loaded
    texts = [render(loaded.tokenizer, stating.ask(each.prompt, examples), base.name) for each in some]
    prompts = encode(loaded.tokenizer, texts, control=True, opened=True) if texts else []
    found = []
    for each, text, prompt in zip(some, texts, prompts, strict=True):
        if len(prompt) + options.tokens > loaded.context:
            counts["too long"] += 1
        elif each.item is not None:
            found.append(Asked(text, prompt, each.item))
    return found


class _Measure:
    """Greedy answers to held-out questions: how many are correct, how calibrated their confidence is."""

    def __init__(
        self,
        asked: Sequence[Asked],
        loaded: LoadedModel,
        config: TrainConfig,
        tokens: int,
        grader: str | None,
    ) -> None:
        self._asked, self._loaded, self._tokens, self._grader = asked, loaded, tokens, grader
        self._rows = max(1, 4 * config.batch_size)  # Decoding takes far less memory than an update.

    def __call__(self, model: nn.Module) -> Stage:
        """graded_accuracy; stated_readable: the share with a readable confidence; of these stated_ece,
        stated_brier and stated_auroc. One that is not defined is left out.
        """
        confidence, correct = [], []
        for at in range(0, len(self._asked), self._rows):
            some = self._asked[at : at + self._rows]
            said = greedy(model, [it.prompt for it in some], self._loaded, self._tokens)
            for it, answer in zip(some, said, strict=True):
                stated = read_stated(answer.text)
                if (grade := is_correct(it.item, stated.answer, self._grader)) is not None:
                    confidence.append(math.nan if stated.confidence is None else stated.confidence)
                    correct.append(grade)
        return measured(np.array(confidence), np.array(correct, bool))


def measured(confidence: Any, correct: Any) -> Stage:
    """Metrics of answers. confidence: [answers], NaN where none can be read. correct: [answers]."""
    if not len(correct):
        return {}
    readable = ~np.isnan(confidence)
    found = {"graded_accuracy": float(correct.mean()), "stated_readable": float(readable.mean())}
    if readable.any():
        told = confidence[readable], correct[readable]
        found |= {"stated_ece": ece(*told), "stated_brier": brier(*told), "stated_auroc": auroc(*told)}
    return {name: value for name, value in found.items() if math.isfinite(value)}


def _stages(folder: Path, metrics: Mapping[str, float]) -> dict[str, Stage]:
    """What was measured, by stage, which is kept in the folder too. metrics: of the training."""
    names = [name for name in metrics if not name.endswith("_before")]
    before = {name.removesuffix("_before"): it for name, it in metrics.items() if name.endswith("_before")}
    found = {"before": before, **_read(folder), "after": {name: metrics[name] for name in names}}
    stages = {stage: found[stage] for stage in ("before", "start", "after") if found.get(stage)}
    _write(folder, stages)
    return stages


def _read(folder: Path) -> dict[str, Stage]:
    path = folder / MEASURED
    found: dict[str, Stage] = json.loads(path.read_bytes()) if path.is_file() else {}
    return {"start": found["start"]} if "start" in found else {}


def _write(folder: Path, stages: Mapping[str, Stage]) -> None:
    with output(folder / MEASURED) as file:
        file.write(json.dumps(stages, indent=2).encode() + b"\n")
