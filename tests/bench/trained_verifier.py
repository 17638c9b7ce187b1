"""A verifier trained on stored answers against the same model's zero-shot P(True).

    python -m tests.bench.trained_verifier MODEL --data FOLDER [--method lora] [--labels 50 100 200 466]

--method readout, the default, is in `tests.bench.readout_verifier`; options of adapters are of --method lora.

Trains on frozen_more/qwen15-triviaqa-2, whose answers are graded by containment of an accepted one, and
scores on frozen/qwen15-triviaqa: no row in common. Epochs and temperature come of cross-validation inside
the training rows; what is scored chooses nothing. Prints AUROC and ECE with 95 % bootstrap intervals over the
scored rows, for each number of labels (the first ones), and the gain over zero-shot with the interval of the
difference over the same resamples. MODEL reads the answers of Qwen2.5-Coder-1.5B; it may be a smaller one.
--keep: what the lower layers make of the prompts is kept there, so that an interrupted bench resumes.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from codex.calibration.calibrator import Metric, MetricName, measured
from codex.calibration.resampling import Resamples, interval
from codex.engines.huggingface.engine import HuggingFaceEngine
from codex.engines.huggingface.loading import HuggingFaceConfig
from codex.engines.models import Models, default_home
from codex.evaluation.generations import read
from codex.training.verifier import crossfitted, endings, fold_numbers, sigmoid, use_threads
from codex.training.verifier_fit import Trained, logits, switched, train
from codex.training.verifier_labels import Labelled, labelled
from codex.training.verifier_options import FitOptions
from codex.training.verifier_states import Labels, States, Upper, read_all, shared_end
from tests.bench.line import Line
from tests.support.frozen import is_correct
from tests.support.shared_data import add_option, shared_data

TRAINED_ON = ("frozen_more", "qwen15-triviaqa-2.jsonl.gz")
SCORED_ON = ("frozen", "qwen15-triviaqa.jsonl.gz")
DEFAULTS = FitOptions()
LABELS = (50, 100, 200, 466)
RESAMPLES = 1000
GAIN, ECE = 0.05, 0.05
"""What is asked of it: AUROC at least so much above zero-shot, and at most this ECE."""


@dataclass(frozen=True, slots=True)
class Found:
    """How one verifier does on the scored rows."""

    labels: int
    metrics: dict[MetricName, Metric]
    gain: tuple[float, float, float]
    """AUROC above zero-shot, with its 95 % interval."""
    heldout: dict[MetricName, Metric]
    """Cross-fitted on the training rows."""
    trained: Trained
    seconds: float


class KeptStates(States):
    """States in a file that stays, with an index beside it."""

    def __init__(self, folder: Path, *args: Any) -> None:
        super().__init__(*args)
        self._file.close()
        folder.mkdir(parents=True, exist_ok=True)
        self._index = folder / "index.jsonl"
        path = folder / "states.bin"
        path.touch()
        self._file = path.open("r+b")
        for line in self._index.read_text("utf-8").splitlines() if self._index.exists() else ():
            places, before, zero_shot, self._end = json.loads(line)
            self._places.append(([(at, tuple(shape)) for at, shape in places], before))
            self.zero_shot.append(zero_shot)

    def add(self, *args: Any) -> None:
        super().add(*args)
        places, before = self._places[-1]
        with self._index.open("a", encoding="utf-8") as file:
            file.write(json.dumps([places, before, self.zero_shot[-1], self._end]) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.trained_verifier",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", help="a GGUF file, a folder, or a name")
    parser.add_argument("--method", choices=("readout", "lora"), default="readout")
    parser.add_argument("--engine", help="of --method readout; llama_cpp for a GGUF file when left out")
    parser.add_argument("--labels", type=int, nargs="+", default=LABELS)
    parser.add_argument("--scored", type=int, help="rows, the first ones; all when left out")
    parser.add_argument("--epochs", type=int, default=DEFAULTS.epochs, help="at most")
    parser.add_argument("--adapted", type=int, default=DEFAULTS.adapted, help="tokens, at most")
    parser.add_argument("--layers", type=float, default=1 / 3, help="share of the layers that are adapted")
    parser.add_argument("--learning-rate", type=float, default=DEFAULTS.learning_rate)
    parser.add_argument("--kl-weight", type=float, default=DEFAULTS.kl_weight)
    parser.add_argument("--keep", type=Path, help="a folder for what is read of the prompts")
    parser.add_argument("--json", type=Path, help="a file that each result is added to")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    add_option(parser, "frozen and frozen_more")
    given = parser.parse_args()
    if not shared_data(*TRAINED_ON).exists() or not shared_data(*SCORED_ON).exists():
        sys.exit("frozen or frozen_more is missing; --data names the folder of both.")
    if given.method == "readout":
        from tests.bench import readout_verifier

        name = given.engine or ("llama_cpp" if given.model.endswith(".gguf") else "huggingface")
        curve = list(
            readout_verifier.compared(
                given.model, name, given.threads, given.labels, given.json, given.scored
            )
        )
        return 0 if all(line.reached for line in readout_verifier.lines(curve)) else 1
    options = FitOptions(
        epochs=given.epochs,
        adapted=given.adapted,
        learning_rate=given.learning_rate,
        kl_weight=given.kl_weight,
    )
    config = HuggingFaceConfig(model_path=given.model, dtype="float32", threads=given.threads)
    found = list(compared(config, given.labels, options, given.layers, given.keep, given.json, given.scored))
    return 0 if all(line.reached for line in lines(found)) else 1


def measure(home: Path) -> Iterator[Line]:
    """The part of `make bench`; CODEX_BENCH_MODEL names the GGUF file, without which it is left out."""
    model = Path(os.environ.get("CODEX_BENCH_MODEL", ""))
    if not model.is_file() or not shared_data(*TRAINED_ON).exists() or not shared_data(*SCORED_ON).exists():
        print("trained_verifier: left out; it takes CODEX_BENCH_MODEL=FILE.gguf and --data FOLDER.")
        return
    from tests.bench import readout_verifier

    threads = len(os.sched_getaffinity(0))
    curve = readout_verifier.compared(str(model), "llama_cpp", threads, LABELS[-1:], None, None)
    yield from readout_verifier.lines(list(curve))
    config = HuggingFaceConfig(model_path=str(model), dtype="float32", threads=threads)
    yield from lines(list(compared(config, LABELS[-1:], FitOptions(), 1 / 3)))


def compared(
    config: HuggingFaceConfig,
    counts: Sequence[int],
    options: FitOptions,
    layers: float,
    keep: Path | None = None,
    told: Path | None = None,
    scored_rows: int | None = None,
) -> Iterator[Found]:
    """A verifier for each number of labels, each scored on the same rows."""
    train_on, score_on = answers(TRAINED_ON).first(max(counts)), answers(SCORED_ON)
    score_on = score_on.first(scored_rows or len(score_on.correct))
    both = labelled_of(train_on, score_on)
    n = len(train_on.correct)
    engine = HuggingFaceEngine(config, Models(default_home()))
    loaded = engine.loaded()
    use_threads(config.threads)
    asked = [engine.token_ids(prompt) for prompt in both.prompts]
    end = shared_end([*asked, *(engine.token_ids(each) for each in endings(both))])[-options.adapted :]
    depth = loaded.model.config.get_text_config().num_hidden_layers
    below = min(depth - 1, max(1, round(depth * (1 - layers))))
    labels = Labels.of(loaded)
    states = KeptStates(keep, loaded, below, len(end)) if keep else States(loaded, below, len(end))
    started = time.perf_counter()
    with states:
        done = len(states)
        read_all(states, asked[done:], labels, progress("read"))
        print(f"\n{len(asked) - done} prompts read in {time.perf_counter() - started:.0f} s", flush=True)
        upper = Upper(states, labels)
        upper.check(states)
        correct = both.correct
        zero_shot = sigmoid(np.array(states.zero_shot))
        scored = np.arange(n, len(correct))
        report_zero_shot(zero_shot[scored], correct[scored])
        for count in counts:
            found = one(upper, states, train_on.first(count), scored, zero_shot, correct, options)
            report(found, told)
            yield found


def one(
    upper: Upper,
    states: States,
    train_on: Labelled,
    scored: NDArray[np.int64],
    zero_shot: NDArray[np.float64],
    correct: NDArray[np.bool_],
    options: FitOptions,
) -> Found:
    """Trained on the first rows of `states`, scored on those of the places `scored`."""
    started = time.perf_counter()
    folds = fold_numbers(train_on, options.folds)
    trained = train(upper, states, train_on.correct, folds, options, progress("trained on"))
    told = logits(upper, states, switched(states, trained.weights, options), scored.tolist())
    own = sigmoid((told + trained.offset) / trained.temperature)
    drawn = Resamples(correct[scored], RESAMPLES)
    gains = (
        drawn.ranking_draws(own, ("auroc",))["auroc"]
        - drawn.ranking_draws(zero_shot[scored], ("auroc",))["auroc"]
    )
    metrics = measured(own, correct[scored], RESAMPLES)
    gain = metrics["auroc"].value - measured(zero_shot[scored], correct[scored], 1)["auroc"].value
    low, high = interval(gains) or (np.nan, np.nan)
    heldout = measured(crossfitted(trained.heldout, train_on, options.folds), train_on.correct, RESAMPLES)
    seconds = time.perf_counter() - started
    return Found(len(train_on.correct), metrics, (gain, low, high), heldout, trained, seconds)


def answers(place: tuple[str, str]) -> Labelled:
    """Stored answers with their grades."""
    rows = read(shared_data(*place))
    return labelled(
        [(row.observation, is_correct(row.observation.generation.text, row.answers)) for row in rows], "plain"
    )


def labelled_of(first: Labelled, second: Labelled) -> Labelled:
    """One set behind the other."""
    if shared := set(first.keys) & set(second.keys):
        sys.exit(f"{len(shared)} questions are in both sets.")
    return Labelled(
        (*first.prompts, *second.prompts),
        (*first.keys, *second.keys),
        np.concatenate([first.correct, second.correct]),
        first.form,
        (*first.verdicts, *second.verdicts),
    )


def lines(found: Sequence[Found]) -> Iterator[Line]:
    """What is asked of the verifier with the most labels."""
    best = max(found, key=lambda each: each.labels)
    how = f"{best.labels} labels of {TRAINED_ON[1]}, scored on {SCORED_ON[1]}"
    low, high = best.gain[1:]
    yield Line("trained verifier above zero-shot", GAIN, best.gain[0], "AUROC", how, (low, high), True)
    ece = best.metrics["ece"]
    yield Line("ECE of the trained verifier", ECE, ece.value, "", how, (ece.low, ece.high))


def report_zero_shot(confidence: NDArray[np.float64], correct: NDArray[np.bool_]) -> None:
    """The model as it is, on the scored rows."""
    found = measured(confidence, correct, RESAMPLES)
    print(
        f"zero-shot on {len(correct)} rows, {correct.mean():.3f} correct: {told_metrics(found)}", flush=True
    )


def report(found: Found, told: Path | None) -> None:
    """One line of the curve."""
    console, table = Console(width=200), Table(box=None)
    for title in ("labels", "scored", "gain in AUROC", "cross-fitted", "epochs", "temperature", "curve", "s"):
        table.add_column(title)
    gain, low, high = found.gain
    table.add_row(
        str(found.labels),
        told_metrics(found.metrics),
        f"{gain:+.3f} ({low:+.3f} to {high:+.3f})",
        told_metrics(found.heldout),
        str(found.trained.epochs),
        f"{found.trained.temperature:.2f}",
        " ".join(f"{each:.3f}" for each in found.trained.curve),
        f"{found.seconds:.0f}",
    )
    console.print(table)
    if told:
        row = {
            "labels": found.labels,
            "gain": found.gain,
            "metrics": {name: each.model_dump() for name, each in found.metrics.items()},
            "heldout": {name: each.model_dump() for name, each in found.heldout.items()},
            "epochs": found.trained.epochs,
            "temperature": found.trained.temperature,
            "seconds": found.seconds,
        }
        with told.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")


def told_metrics(metrics: dict[MetricName, Metric]) -> str:
    """AUROC and ECE with their intervals."""
    shown: tuple[MetricName, ...] = ("auroc", "ece")
    return ", ".join(
        f"{name} {metrics[name].value:.3f} ({metrics[name].low:.3f} to {metrics[name].high:.3f})"
        for name in shown
    )


def progress(what: str) -> Any:
    """Prints how far it is, every ten seconds."""
    last = [0.0]

    def tell(done: int, total: float) -> None:
        if time.perf_counter() - last[0] > 10:
            last[0] = time.perf_counter()
            print(f"{what} {done}, {total:.4g}", end="  \r", flush=True)

    return tell


if __name__ == "__main__":
    sys.exit(main())
