"""A verifier's readouts against zero-shot P(True) where passages were given: SQuAD 2.0, half unanswerable.

    python -m tests.bench.squad_verifier MODEL.gguf --keep FOLDER [--labels 402] [--scored 300]

MODEL answers the questions of `tests.bench.grounding` with their passage, and verifies its own answers. It
trains on the first questions and scores on the ones behind them, whose passages are others. Layer, penalty,
temperature and offset come of cross-validation inside the training rows. Intervals are 95 %, by a bootstrap
over the scored answers. --keep: what was answered and read there is not answered and read again.
"""

from __future__ import annotations

import argparse
import base64
import os
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from codex import prompts
from codex.calibration.calibrator import measured
from codex.calibration.resampling import auroc_gain
from codex.engines.base import Engine, GenerationParams
from codex.grounding.trained import WHOLE, question_key
from codex.grounding.verifier import verification
from codex.signals.verifier import label_probability
from codex.training.probe_states import States
from codex.training.readout import fit_readouts, scaled
from codex.training.verifier_labels import Labelled
from codex.types import Observation, Passage
from tests.bench import kept
from tests.bench.grounding import NEW_TOKENS, OF_EACH, chosen, is_correct
from tests.bench.kept import Row
from tests.bench.line import Line
from tests.bench.trained_verifier import ECE, GAIN, RESAMPLES, report_zero_shot, told_metrics
from tests.support.shared_data import add_option

A_PASSAGE = 2 * OF_EACH
"""Questions of a passage."""


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.squad_verifier",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", help="a GGUF file")
    parser.add_argument("--keep", type=Path, required=True)
    parser.add_argument("--labels", type=int, default=67 * A_PASSAGE)
    parser.add_argument("--scored", type=int, default=50 * A_PASSAGE)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    add_option(parser, "squad2_dev")
    given = parser.parse_args()
    if given.labels % A_PASSAGE:
        parser.error(f"--labels: a multiple of {A_PASSAGE}, so that no passage is on both sides")
    given.keep.mkdir(parents=True, exist_ok=True)
    wanted = chosen(given.labels + given.scored)
    rows = kept.rows(
        given.keep / "squad2.jsonl",
        wanted,
        lambda: kept.engine_of("llama_cpp", given.model, given.threads),
        _read,
    )
    reached = [line.reached for line in lines(rows[: given.labels], rows[given.labels :])]
    return 0 if all(reached) else 1


def _read(engine: Engine, row: Row) -> Row:
    """{id, question, answer, correct, zero_shot, state}."""
    title, text = row["passage"]["title"].replace("_", " "), row["passage"]["text"]
    passages = (Passage(row["pid"], row["pid"], title, text, 0, len(text)),)
    conversation = prompts.ask(row["question"], passages)
    generation = engine.chat(conversation, GenerationParams(max_tokens=NEW_TOKENS))
    prompt, _ = verification(Observation(row["question"], generation, (), passages), conversation, "plain")
    zero_shot = label_probability(engine.next_token(prompt).alternatives, "True", "False")
    state = engine.read_states(prompt, (), (-1,)).prompt[0].astype(np.float16)
    return {
        "id": row["id"],
        "question": row["question"],
        "answer": generation.text,
        "correct": is_correct(generation.text, row["answers"]),
        "zero_shot": 0.5 if zero_shot is None else zero_shot,
        "state": base64.b64encode(state.tobytes()).decode(),
    }


def lines(train_on: Sequence[Row], score_on: Sequence[Row]) -> list[Line]:
    """Prints how the readouts do beside the model as it is; returns what is wanted of them."""
    labelled = _labelled(train_on)
    fitted = fit_readouts(_states(train_on), labelled)
    readout = fitted.parts[WHOLE]
    raw = readout.probabilities(_states(score_on).vectors(readout.layer, "prompt"))
    confidence = scaled(np.log(raw) - np.log1p(-raw), fitted.temperature, fitted.offset)
    correct = np.array([row["correct"] for row in score_on], dtype=np.bool_)
    zero_shot = np.array([row["zero_shot"] for row in score_on])
    report_zero_shot(zero_shot, correct)
    metrics = measured(confidence, correct, RESAMPLES)
    gain, low, high = auroc_gain(confidence, zero_shot, correct)
    print(
        f"{len(labelled.keys)} labels: {told_metrics(metrics)}; gain {gain:+.3f} ({low:+.3f} to {high:+.3f})"
    )
    print(f"cross-fitted: {told_metrics(measured(fitted.heldout, labelled.correct, RESAMPLES))}")
    how, ece = f"{len(labelled.keys)} labels, {len(correct)} answers scored", metrics["ece"]
    return [
        Line("readout verifier above zero-shot on squad2", GAIN, gain, "AUROC", how, (low, high), True),
        Line("its ECE", ECE, ece.value, "", how, (ece.low, ece.high)),
    ]


def _labelled(rows: Sequence[Row]) -> Labelled:
    correct = np.array([row["correct"] for row in rows], dtype=np.bool_)
    keys = tuple(question_key(row["question"]) for row in rows)
    return Labelled(([],) * len(rows), keys, correct, "plain", (None,) * len(rows))


def _states(rows: Sequence[Row]) -> States:
    vectors = [np.frombuffer(base64.b64decode(row["state"]), np.float16) for row in rows]
    return States((1,), {"prompt": np.stack(vectors)[:, None]})


if __name__ == "__main__":
    sys.exit(main())
