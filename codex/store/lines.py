"""A record as a line of JSON that holds all of it, and back: how a copy of a run is made."""

from __future__ import annotations

import json
from typing import Any

from codex.store.codec import encode, parts
from codex.store.observations import observation_of, observation_row
from codex.types import Record

OBSERVATION = "observation"


def record_line(record: Record) -> str:
    """The record as JSON, in ASCII, with the end of its line."""
    row = encode(record, (OBSERVATION,)) | {OBSERVATION: observation_row(record.observation)}
    return json.dumps(row, allow_nan=False) + "\n"


def record_of_line(line: str) -> Record:
    """What `record_line` wrote. Raises KeyError, TypeError, ValueError for any other text."""
    row = json.loads(line)
    told: dict[str, Any] = {
        part.name: part.form.read(row[part.name])
        for part in parts(Record)
        if part.name != OBSERVATION and part.name in row
    }
    return Record(**told, observation=observation_of(row[OBSERVATION]))
