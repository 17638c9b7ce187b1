"""Saves traces one after another and prints the number of each that was saved, until it is killed.

python -m tests.store.database.writer DATABASE FIRST_NUMBER CHECKPOINT_BYTES
"""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

from codex.store import Store
from codex.store.database import file as database
from tests.support.traces import make_trace

path, first, checkpoint_bytes = sys.argv[1:]
database.CHECKPOINT_BYTES = int(checkpoint_bytes)
store = Store(Path(path), "full")
for number in itertools.count(int(first)):
    store.save(make_trace(number))
    print(number, flush=True)
