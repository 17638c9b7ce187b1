"""Scipy, scikit-learn and venn_abers are imported by one thread at a time."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = {"scipy", "sklearn", "venn_abers"}
SMALL = {"scipy.special"}
"""What may be imported at a module's top: the others take the start of every command a second."""

CONCURRENT = """
import sys, threading
import numpy as np
from codex.calibration import metrics
from codex.calibration.imports import IMPORTS
from codex.calibration.methods import fit_map
from codex.evaluation.comparison import mcnemar

loose, raised = [], []

class Watch:
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in {"scipy", "sklearn", "venn_abers"} and not IMPORTS._is_owned():
            loose.append(name)

def called(call):
    barrier.wait()
    try:
        call()
    except Exception as error:
        raised.append(repr(error))

sys.meta_path.insert(0, Watch())
confidence, correct = np.linspace(0.1, 0.9, 40), np.arange(40) % 3 > 0
calls = [
    lambda: metrics.auroc(confidence, correct),
    lambda: fit_map("venn_abers", confidence, correct),
    lambda: mcnemar(3, 5),
]
barrier = threading.Barrier(len(calls))
threads = [threading.Thread(target=called, args=[call]) for call in calls]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(loose, raised)
"""


def test_threads_that_score_and_compare_at_once_import_one_after_the_other() -> None:
    command = [sys.executable, "-c", CONCURRENT]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout.strip() == "[] []", done.stderr


def test_nothing_is_imported_at_the_start_or_outside_of_the_lock() -> None:
    loose = [
        f"{path.relative_to(ROOT)}:{line}"
        for folder in ("codex", "pages")
        for path in (ROOT / folder).rglob("*.py")
        for line in unlocked(ast.parse(path.read_text()))
    ]
    assert loose == []


def unlocked(tree: ast.Module) -> Iterator[int]:
    """Lines that import one of the packages outside of `with IMPORTS`, at a module's top too."""
    blocks = [node for node in ast.walk(tree) if isinstance(node, ast.With)]
    locked = {
        id(inner)
        for block in blocks
        if "IMPORTS" in {ast.unparse(item.context_expr) for item in block.items}
        for inner in ast.walk(block)
    }
    for node in ast.walk(tree):
        match node:
            case ast.ImportFrom(module=str(name)):
                names = [name]
            case ast.Import():
                names = [alias.name for alias in node.names]
            case _:
                continue
        if node in tree.body and SMALL.issuperset(names):
            continue
        if id(node) not in locked and PACKAGES & {name.partition(".")[0] for name in names}:
            yield node.lineno
