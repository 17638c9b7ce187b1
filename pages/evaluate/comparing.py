"""Two runs side by side, as the Evaluate page shows them: plain JSON."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict

from codex.calibration.glossary import glossary_view
from codex.evaluation.comparison import METRICS, OUTCOMES, Comparison, Side, compare, pairs
from codex.pages import JSON
from codex.pages.evaluate.questions import PAGE

KEPT = 16
"""Comparisons that stay in memory: turning a page resamples nothing."""


class Comparisons:
    """The last comparisons that were looked at. Thread-safe."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Comparison] = OrderedDict()
        self._lock = threading.Lock()

    def view(self, first: Side, second: Side, wanted: JSON) -> JSON:
        """What a comparison shows. wanted: {show, page}. Raises InvalidInput where no question is shared."""
        found = self._of(first, second)
        counts = {name: getattr(found, name, found.shared - found.n) for name in OUTCOMES}
        show = str(wanted.get("show") or "gained")
        shown = [pair for pair in pairs(first.lines, second.lines) if pair.outcome == show]
        page = max(0, int(wanted.get("page") or 0))
        at = min(page, max(0, (len(shown) - 1) // PAGE)) * PAGE
        return {
            "names": [first.name, second.name],
            "summary": found.summary,
            "metrics": [
                {"key": name, **metric, **getattr(found, name).model_dump(mode="json")}
                for name, metric in glossary_view(METRICS).items()
            ],
            "outcomes": [[name, words, counts[name]] for name, words in OUTCOMES.items()],
            "rows": [
                {
                    "id": second.lines.ids[pair.second],
                    "question": second.lines.questions[pair.second],
                    "first": first.lines.texts[pair.first],
                    "second": second.lines.texts[pair.second],
                }
                for pair in shown[at : at + PAGE]
            ],
            "total": len(shown),
            "first": at,
            "size": PAGE,
        }

    def _of(self, first: Side, second: Side) -> Comparison:
        key = _key(first, second)
        with self._lock:
            known = self._kept.get(key)
        found = known or compare(first, second)
        with self._lock:
            self._kept[key] = found
            self._kept.move_to_end(key)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found


def _key(*sides: Side) -> str:
    """Of all that a comparison rests on."""
    digest = hashlib.sha256()
    for side in sides:
        lines = side.lines
        for part in (side.name, lines.ids, lines.questions, lines.groups, lines.correct):
            digest.update(repr(part).encode(errors="replace"))
        digest.update(side.confidence.tobytes())
    return digest.hexdigest()
