"""Has the stream of answers moved away from those that the calibrator was fitted on?

Every EVERY answers the newest WINDOW are compared with the reference, signal by signal, by the two-sample
Kolmogorov-Smirnov distance; a missing value counts as a value of its own, below all others. Its chance is
bounded by 2 exp(-2 D^2 mn / (m + n)) (Smirnov's limit, which ties only make smaller), and corrected twice:
for the number of signals (Holm) and for looking again and again, the j-th look being given 1 / (j (j + 1))
of the level. These shares sum to one, so that over a stream of any length the chance of a false alarm is at
most the level.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict

from codex.calibration.calibrator import Calibrator
from codex.errors import InvalidInput

EVERY = 50
"""Answers between two looks, and before the first."""
WINDOW = 200
"""Newest answers that a look compares; more would find small shifts and be slow to find large ones."""
KEPT = 400
"""Rows of the reference that are kept, drawn at random where there are more."""
LEVEL = 0.01
"""Chance that drift is ever detected in a stream from the reference itself, however long."""

Array = NDArray[np.float64]
Signals = Mapping[str, float | None]


class Drift(BaseModel):
    """What the newest look at the stream found."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    detected: bool
    """The answers have drifted away from those of the calibrator: its guarantee is suspended."""
    p_value: float
    """Corrected for the number of signals and of looks; 1 as long as there are too few answers."""
    moved: tuple[str, ...]
    """Signals that moved, the clearest first."""
    n: int
    """Answers compared."""
    message: str
    """The same in a sentence for people."""


class Column(BaseModel):
    """One signal over the rows of the reference that are kept."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    values: tuple[float, ...]
    """Sorted, to six significant digits."""
    missing: int
    """Rows without a value."""


class Reference(BaseModel):
    """The signals of the answers that a calibrator was fitted on, in brief."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    n: int
    """Answers that it stands for; the newest rows kept of it are at most KEPT."""
    signals: dict[str, Column]

    @classmethod
    def of(cls, columns: Mapping[str, ArrayLike], *, seed: int = 0) -> Self:
        """columns: signal -> [n], NaN where missing. seed: of the draw of the rows that are kept.

        Raises InvalidInput for columns of unequal length, and without any row.
        """
        table, n = _table(columns)
        if n == 0:
            raise InvalidInput("There is no answer to make a reference of.", ["columns"])
        kept = np.random.default_rng(seed).permutation(n)[:KEPT]
        return cls(n=n, signals={name: _column(values[kept]) for name, values in table.items()})

    def compare(
        self, columns: Mapping[str, ArrayLike], *, seen: int | None = None, level: float = LEVEL
    ) -> Drift:
        """The newest look at a stream of answers.

        columns: signal -> [rows], the newest answers of the stream, oldest first, NaN where missing; give
        the newest WINDOW + EVERY of them, or more. A signal that is not there is missing in every row; one
        that the reference lacks is not looked at. seen: answers in the stream since the reference was made,
        the rows when None. level: chance of a false alarm over the whole stream.
        Raises InvalidInput for columns of unequal length, fewer seen than given, a level outside ]0, 1[.
        """
        if not 0 < level < 1:
            raise InvalidInput(f"level is {level:g}; it must lie between 0 and 1.", ["level"])
        table, rows = _table(columns)
        seen = rows if seen is None else seen
        if seen < rows:
            raise InvalidInput(f"{rows} answers were given of {seen} seen.", ["seen"])
        # Looks are only allowed at every EVERY-th answer: what came after waits for the next one.
        look, end = seen // EVERY, rows - seen % EVERY
        n = min(end, WINDOW)
        if n < EVERY or not self.signals:
            return _too_few(rows)
        absent = np.full(rows, np.nan)
        chances = {
            name: _chance(column, table.get(name, absent)[end - n : end])
            for name, column in self.signals.items()
        }
        return _verdict(chances, look * (look + 1), level, n)


def _verdict(chances: dict[str, float], looks: int, level: float, n: int) -> Drift:
    """chances: signal -> p-value; looks: what the level is divided by at this look."""
    ranked = sorted(chances, key=chances.__getitem__)
    moved: list[str] = []
    for index, name in enumerate(ranked):
        if chances[name] * (len(ranked) - index) * looks > level:
            break
        moved.append(name)
    if moved:
        message = (
            f"The newest {n} answers have drifted from those that the calibrator was fitted on, in "
            f"{', '.join(moved[:3])}{f' and {len(moved) - 3} more' if len(moved) > 3 else ''}."
        )
    else:
        message = f"The newest {n} answers look like those that the calibrator was fitted on."
    return Drift(
        detected=bool(moved),
        p_value=min(1.0, chances[ranked[0]] * len(ranked) * looks),
        moved=tuple(moved),
        n=n,
        message=message,
    )


class DriftMonitor:
    """Compares the newest answers with those a calibrator was fitted on, at every EVERY-th. Thread-safe."""

    def __init__(self, calibrator: Calibrator, newest: Iterable[Signals] = (), seen: int = 0) -> None:
        """newest: answers under this calibrator that are stored, oldest first; seen: how many there are."""
        self.calibrator = calibrator
        kept = calibrator.reference
        self._reference = None if kept is None else Reference.model_validate(kept)
        self._lock = threading.Lock()
        self._newest: deque[Signals] = deque(newest, maxlen=WINDOW + EVERY)
        self._seen = max(seen, len(self._newest))
        self._drift = self._look()

    @property
    def drift(self) -> Drift | None:
        """What the newest look found, or the first that detected drift; None where there is no reference."""
        return self._drift

    def add(self, signals: Signals) -> None:
        """One more answer."""
        with self._lock:
            self._newest.append(dict(signals))
            self._seen += 1
            if self._seen % EVERY == 0 and not (self._drift and self._drift.detected):
                self._drift = self._look()

    def _look(self) -> Drift | None:
        if self._reference is None:
            return None
        columns = {
            name: [float("nan") if (value := row.get(name)) is None else value for row in self._newest]
            for name in self._reference.signals
        }
        return self._reference.compare(columns, seen=self._seen)


def _too_few(rows: int) -> Drift:
    message = f"Not enough answers yet: {min(rows, EVERY - 1)} of the {EVERY} needed."
    return Drift(detected=False, p_value=1.0, moved=(), n=0, message=message)


def _chance(column: Column, live: Array) -> float:
    """Bound on the chance of so large a distance when both come from one distribution."""
    reference = np.concatenate([np.full(column.missing, -np.inf), column.values])
    newest = np.sort(_ordered(live))
    points = np.concatenate([reference, newest])
    apart = np.abs(
        np.searchsorted(reference, points, side="right") / len(reference)
        - np.searchsorted(newest, points, side="right") / len(newest)
    ).max()
    size = len(reference) * len(newest) / (len(reference) + len(newest))
    return min(1.0, 2 * float(np.exp(-2 * size * apart**2)))


def _column(values: Array) -> Column:
    ordered = np.sort(_ordered(values))
    missing = int(np.isneginf(ordered).sum())
    return Column(values=tuple(ordered[missing:].tolist()), missing=missing)


def _ordered(values: Array) -> Array:
    """To six significant digits, so that a stored value equals a live one; missing below all others."""
    finite = np.nan_to_num(values, nan=0.0, posinf=1e300, neginf=-1e300)
    digits = np.power(10.0, 5 - np.floor(np.log10(np.maximum(np.abs(finite), 1e-250))))
    rounded = np.where(np.abs(finite) < 1e250, np.round(finite * digits) / digits, finite)
    return np.where(np.isnan(values), -np.inf, rounded)


def _table(columns: Mapping[str, ArrayLike]) -> tuple[dict[str, Array], int]:
    table = {name: np.atleast_1d(np.asarray(values, dtype=np.float64)) for name, values in columns.items()}
    lengths = {len(values) for values in table.values()}
    if len(lengths) > 1:
        raise InvalidInput(f"The signals have {sorted(lengths)} rows: give each as many.", ["columns"])
    return table, lengths.pop() if lengths else 0
