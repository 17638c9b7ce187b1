"""Where answers are kept, and how much of a question stays in the database."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, SecretStr

Privacy = Literal["hash", "preview", "full"]
"""What is kept of a question besides its SHA-256: nothing, its first 127 characters, or all of it.

The rendered prompt repeats the question, and the passages that were found tell it, so their texts are kept
under "full" only. Answers, samples and the places of passages are always kept.
"""


class StoreConfig(BaseModel):
    """The database file and what it may hold."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    path: Path | None = None
    """The database file; none: codex.duckdb in the home folder."""
    privacy: Privacy = "hash"
    """What is kept of a question besides its SHA-256: nothing (hash), its start (preview), or all (full)."""
    mask_secrets: bool = True
    """Whether keys, tokens, passwords and private keys in answers, passages and questions are masked where
    they are shown and before they are stored. In logs and errors they always are."""
    redact: bool = False
    """Whether e-mail addresses, phone numbers and card numbers in questions, answers and passages are
    replaced before anything is stored."""
    hidden_states: bool = False
    """Whether the hidden states that a training of probes reads are kept (in float16, in codex.duckdb.states
    beside the database), so that the next one on the same answers does not read them again."""
    events: SecretStr | None = None
    """A second home for events: an address such as postgresql://user:password@host/database; none: only here.
    ${secret:NAME} is what the environment variable NAME holds, or the file that NAME_FILE names.

    Events that cannot be copied now wait in the database file, and follow in order, once each.
    """
