"""codex train verifier: LoRA of a model that tells whether an answer is correct, from graded answers."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from codex import prompts
from codex.calibration import metrics
from codex.calibration.calibrator import Metric, MetricName, measured
from codex.engines.huggingface.adapters import AdapterManifest, base_sha256
from codex.engines.huggingface.engine import HuggingFaceEngine
from codex.engines.huggingface.loading import HuggingFaceConfig, Placement
from codex.engines.llama_cpp.adapters import gguf_of
from codex.engines.models import Models, model_id
from codex.errors import AdapterError, Cancelled, InvalidInput
from codex.grounding.trained import WHOLE, TrainedVerifier, fold, fold_name, verifier_folder
from codex.grounding.verifier import verification
from codex.outputs import output_folder
from codex.private import make_folder
from codex.text import sha256
from codex.training.verifier_labels import Labelled
from codex.training.verifier_options import FitOptions
from codex.types import Generation, Message, Observation, Run

if TYPE_CHECKING:
    from codex.engines.huggingface.switched import Pair
    from codex.training.verifier_fit import Trained
    from codex.training.verifier_states import States, Upper

Array = NDArray[np.float64]
OnProgress = Callable[[str, int, int], None]
"""Called with what is under way, what is done of it and what there is in all."""
ENDINGS = ("0", "no.", "Ä", "a)", "…", "it is\n\nso", "東京")
"""How answers may end: the tokens behind them, which invoke the adapter, must not depend on it."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """How far a training is: what its verifier says of the answers that it has not seen."""

    number: int
    """0: the model as it is."""
    loss: float | None
    """Mean of the steps, in nats; None before the first."""
    heldout: float
    """Cross-entropy of the held-out answers, in nats."""
    auroc: float
    ece: float
    """Both of the held-out answers; the temperature is cross-fitted."""

    @classmethod
    def of(cls, number: int, loss: float | None, heldout: Array, correct: NDArray[np.bool_]) -> Epoch:
        """heldout: [n], probabilities of the answers by adapters that did not see them."""
        nll, auroc, ece = (of(heldout, correct) for of in (metrics.nll, metrics.auroc, metrics.ece))
        return cls(number, loss, nll, auroc, ece)


OnEpoch = Callable[[Epoch], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verifier that was trained, and is not stored yet."""

    verifier: TrainedVerifier
    heldout: Array
    """[n]: probabilities of the answers it was trained on, each by an adapter that did not see it."""
    logits: Array
    """[n]: the log-odds of True behind them, with the offset."""


def train_verifier(
    labelled: Labelled,
    runs: Sequence[Run],
    config: HuggingFaceConfig,
    serving: str,
    home: Path,
    name: str,
    options: FitOptions,
    upper: float = 1 / 3,
    progress: OnProgress | None = None,
    cancel: threading.Event | None = None,
    on_epoch: OnEpoch | None = None,
) -> Outcome:
    """Train a verifier and write its adapters into the home. The model is loaded for it, and let go.

    runs: where the labels are from, of one model. serving: the fingerprint of the engine that will verify.
    upper: the share of the layers that are adapted, from the last one down. Raises InvalidInput: too few
    labels or only of one kind; ModelError, CapabilityError, AdapterError; Cancelled, with nothing kept.
    """
    from codex.training.verifier_states import Labels, States, Upper, read_all, shared_end

    labelled.check()
    if not 0.0 < upper <= 1.0:
        raise InvalidInput(f"The share of adapted layers must be in ]0, 1], not {upper}.", ["layers"])
    tell = progress or (lambda what, done, total: None)
    started = time.perf_counter()
    models = Models(home)
    trained_as = computing(config)
    engine = HuggingFaceEngine(trained_as, models)
    tell("loading the model", 0, 1)
    try:
        loaded = engine.loaded()
        use_threads(config.threads)
        asked = [engine.token_ids(prompt) for prompt in labelled.prompts]
        longest = max(map(len, asked))
        if longest >= loaded.context:
            raise InvalidInput(
                f"An answer takes {longest} tokens with its question and the verifier's, and the context has "
                f"{loaded.context}. Raise engine.context_size.",
                ["engine.context_size"],
            )
        end = shared_end([*asked, *(engine.token_ids(each) for each in endings(labelled))])
        end = end[-options.adapted :]
        depth = loaded.model.config.get_text_config().num_hidden_layers
        below = min(depth - 1, max(1, round(depth * (1 - upper))))
        labels = Labels.of(loaded)
        with States(loaded, below, len(end)) as states:
            read_all(states, asked, labels, lambda done, total: tell("reading", done, total), cancel)
            model = Upper(states, labels)
            model.check(states)
            zero_shot = np.array(states.zero_shot)
            watched = on_epoch or (lambda epoch: None)
            watched(Epoch.of(0, None, sigmoid(zero_shot), labelled.correct))
            fitted = _fitted(model, states, labelled, options, tell, cancel, watched)
    finally:
        engine.unload()
    tell("saving", 0, 1)
    heldout = crossfitted(fitted.heldout, labelled, options.folds)
    verifier = TrainedVerifier(
        name=name,
        model=serving,
        prompt=prompts.fingerprint(),
        form=labelled.form,
        answers_of=runs[0].model,
        runs=tuple(run.id for run in runs),
        datasets=tuple(dict.fromkeys(run.dataset for run in runs)),
        labels=len(labelled.correct),
        accuracy=float(labelled.correct.mean()),
        folds=options.folds,
        questions=labelled.keys,
        layers=(below + 1, depth),
        rank=options.rank,
        kl_weight=options.kl_weight,
        epochs=fitted.epochs,
        curve=tuple(fitted.curve),
        temperature=fitted.temperature,
        offset=fitted.offset,
        metrics={
            "zero_shot": _metrics(sigmoid(zero_shot), labelled.correct),
            "trained": _metrics(heldout, labelled.correct),
        },
        weights=_digest(fitted),
        seconds=time.perf_counter() - started,
    )
    if cancel is not None and cancel.is_set():
        raise Cancelled("The training was cancelled; nothing was saved.")
    base = models.resolve(config.model_path)
    manifest = AdapterManifest(
        kind="verifier",
        name=name,
        base=model_id(config.model_path, base),
        base_sha256=base_sha256(base),
        prompt=verifier.prompt,
        settings=asdict(options) | {"layers": verifier.layers},
        data_sha256=sha256("\n".join(labelled.keys)),
        rows=verifier.labels,
        steps=fitted.epochs * -(-verifier.labels // options.batch_size),
        metrics={key: each.value for key, each in verifier.metrics["trained"].items()},
        created_at=datetime.now(UTC).isoformat(),
        versions={package: version(package) for package in ("torch", "transformers", "peft")},
    )
    save(verifier_folder(home, verifier), fitted, options, end, manifest, base)
    return Outcome(verifier, heldout, fitted.heldout)


def save(
    folder: Path,
    fitted: Trained,
    options: FitOptions,
    invocation: Sequence[int],
    manifest: AdapterManifest,
    base: Path,
) -> None:
    """Write the adapters of a verifier, whole or not at all: for a GGUF file as llama.cpp reads them too.

    base: the model's file or folder. Raises AdapterError.
    """
    from safetensors import SafetensorError

    from codex.engines.huggingface.activated import write_activated

    parts: dict[str, Mapping[str, Pair]] = {WHOLE: fitted.weights}
    parts |= {fold_name(number): weights for number, weights in enumerate(fitted.folds)}
    try:
        make_folder(folder.parent)
        with output_folder(folder) as made:
            for part, weights in parts.items():
                write_activated(made / part, weights, options.alpha, invocation, manifest)
                if base.suffix == ".gguf":
                    gguf_of(made / part, base, manifest.base)
    except (OSError, SafetensorError) as error:
        why = getattr(error, "strerror", None) or error
        raise AdapterError(f"{folder} cannot be written: {why}. Make room, and train again.") from error


def computing(config: HuggingFaceConfig) -> HuggingFaceConfig:
    """How the model is held while it is trained: in float32 on a CPU that is slow at half precision."""
    place = Placement.of(config)
    if place.device == "cpu" and place.dtype != "float32" and not _fast_at_half():
        return config.model_copy(update={"dtype": "float32"})
    return config


def use_threads(threads: int) -> None:
    """Compute threads of the calling thread: those of the settings, or as many as there are processors."""
    import torch

    torch.set_num_threads(max(1, min(threads, len(os.sched_getaffinity(0)))))


def endings(labelled: Labelled) -> list[list[Message]]:
    """The first prompt with answers that end in many ways."""
    first = labelled.prompts[0]
    conversation, question = first[:-2], ""
    found = []
    for text in ENDINGS:
        answer = Generation(text, (), "stop", 0, 0.0, "none")
        samples = (answer,) if labelled.form == "candidates" else ()
        prompt, _ = verification(Observation(question, answer, samples), conversation, labelled.form)
        found.append(prompt)
    return found


def crossfitted(heldout: Array, labelled: Labelled, folds: int) -> Array:
    """[n]: held-out log-odds as probabilities, each fold's by the temperature of the others."""
    from codex.training.verifier_fit import fitted_temperature

    which = fold_numbers(labelled, folds)
    found = np.empty(len(heldout))
    for number in range(folds):
        others = which != number
        temperature = fitted_temperature(heldout[others], labelled.correct[others])
        found[~others] = sigmoid(heldout[~others] / temperature)
    return found


def fold_numbers(labelled: Labelled, folds: int) -> NDArray[np.int64]:
    """[n]: the fold of each answer, by its question alone."""
    return np.array([fold(key, folds) for key in labelled.keys])


def sigmoid(logit: Array) -> Array:
    """Log-odds as probabilities."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * logit)))


def _fitted(
    upper: Upper,
    states: States,
    labelled: Labelled,
    options: FitOptions,
    tell: OnProgress,
    cancel: threading.Event | None,
    on_epoch: OnEpoch,
) -> Trained:
    from codex.training.verifier_fit import train

    def told(epoch: int, loss: float, heldout: Array) -> None:
        found = crossfitted(heldout, labelled, options.folds)
        on_epoch(Epoch.of(epoch, loss, found, labelled.correct))

    n = len(labelled.correct)
    most = n * options.folds * options.epochs
    return train(
        upper,
        states,
        labelled.correct,
        fold_numbers(labelled, options.folds),
        options,
        lambda done, loss: tell(f"training (loss {loss:.3f})", done, most),
        cancel,
        told,
    )


def _metrics(probability: Array, correct: NDArray[np.bool_]) -> dict[MetricName, Metric]:
    return measured(probability, correct, 1000)


def _digest(fitted: Trained) -> str:
    digest = hashlib.sha256()
    for weights in (fitted.weights, *fitted.folds):
        for name in sorted(weights):
            digest.update(name.encode())
            for matrix in weights[name]:
                digest.update(matrix.cpu().numpy().tobytes())
    return digest.hexdigest()


def _fast_at_half() -> bool:
    """Whether the processor multiplies bfloat16 itself."""
    import torch

    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
