"""How reliable a judge is: measured once on labelled answers, and kept."""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from codex import prompts
from codex.calibration.metrics import auroc
from codex.calibration.resampling import Resamples
from codex.errors import Cancelled
from codex.grounding import labelled
from codex.grounding.form import Form
from codex.grounding.labelled import Case, Labelled
from codex.private import make_folder, opener
from codex.store.codec.nouns import decode, encode
from codex.text import sha256
from codex.types import Reliability

RESAMPLES = 1000
SHIPPED = Path(__file__).parent / "shipped"
"""What was measured of the default model, which nobody has to wait for: by `codex models judge`."""
UNMEASURED = Reliability()

log = logging.getLogger(__name__)

Turn = Callable[[], threading.Event]
"""Waits until a case may be judged. Its event is set when the case has to make room; then it is judged again.

Raises Cancelled where measuring is to end.
"""
Score = Callable[[Case, threading.Event], float | None]
"""The probability that a case holds; None where that was not to be told. Raises Cancelled."""
Done = Callable[[int, int], None]
"""Called with the cases that are judged, and how many there are."""


def judge_key(judge: str) -> str:
    """What the reliability of a judge of evidence is kept under. judge: its name, and its model's version."""
    return f"judge {judge} {prompts.fingerprint()} {labelled.evidence().fingerprint}"


def verifier_key(verifier: str, form: Form) -> str:
    """What the reliability of a verifier is kept under. verifier: the engine's fingerprint."""
    return f"verifier {verifier} {form} {prompts.fingerprint()} {labelled.answers().fingerprint}"


def at_once() -> threading.Event:
    """The turn of who waits for nobody."""
    return threading.Event()


def measured(labelled: Labelled, score: Score, turn: Turn = at_once, done: Done | None = None) -> Reliability:
    """How far the scores of cases that hold lie above the others: AUROC with its interval. Raises Cancelled.

    A case whose score was not to be told counts as the least likely.
    """
    scores = []
    for number, case in enumerate(labelled.cases):
        if done is not None:
            done(number, len(labelled.cases))
        scores.append(_scored(case, score, turn))
    likely = np.array([np.nan if each is None else each for each in scores], dtype=np.float64)
    holds = np.array([case.holds for case in labelled.cases])
    low, high = Resamples(holds, RESAMPLES).ranking(likely)["auroc"] or (None, None)
    return Reliability(auroc(likely, holds), low, high, len(holds), labelled.fingerprint)


def _scored(case: Case, score: Score, turn: Turn) -> float | None:
    while True:
        cancel = turn()
        try:
            return score(case, cancel)
        except Cancelled:
            if not cancel.is_set():
                raise


class Reliabilities:
    """What was measured, one small file a judge. What cannot be read counts as not measured.

    What a folder lacks may have come with Codex.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, key: str) -> Reliability:
        """What is kept under a key, which stands for all that it depends on; else UNMEASURED."""
        for folder in (self.folder, SHIPPED):
            with suppress(OSError, ValueError):
                return decode(Reliability, json.loads(_path(folder, key).read_text("utf-8")))
        return UNMEASURED

    def keep(self, key: str, reliability: Reliability) -> None:
        """Keep what was measured; a full disk costs measuring it again."""
        self._write(_path(self.folder, key), json.dumps(encode(reliability) | {"of": key}))

    def files(self) -> dict[str, str]:
        """What is kept, by file name, for `add` on another machine."""
        with suppress(OSError, UnicodeDecodeError):
            return {path.name: path.read_text("utf-8") for path in sorted(self.folder.glob("*.json"))}
        return {}

    def add(self, files: Mapping[str, str]) -> None:
        """Keep what was measured elsewhere, and is not kept here."""
        for name, text in files.items():
            if not (self.folder / name).exists():
                self._write(self.folder / name, text)

    def _write(self, path: Path, text: str) -> None:
        # Several processes may keep the same at once.
        partial = path.with_suffix(f".{os.getpid()}.part")
        try:
            make_folder(self.folder)
            with open(partial, "w", encoding="utf-8", opener=opener) as file:
                file.write(text)
            partial.replace(path)
        except OSError as error:
            log.warning("%s is not kept: %s", path, error)


def _path(folder: Path, key: str) -> Path:
    return folder / f"{sha256(key)[:32]}.json"
