"""What Codex guards against."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict

from codex import origins


def pattern_of(entry: str) -> re.Pattern[str]:
    """What a denied word, or a /pattern/, is searched for with. Raises ValueError."""
    entry = entry.strip()
    if len(entry) > 2 and entry.startswith("/") and entry.endswith("/"):
        try:
            return re.compile(entry[1:-1], re.IGNORECASE)
        except re.error as error:
            raise ValueError(f"{entry} is no regular expression: {error}") from error
    if not entry:
        raise ValueError("an entry is empty")
    return re.compile(rf"(?<!\w){re.escape(entry)}(?!\w)", re.IGNORECASE)


def _denied(entry: str) -> str:
    pattern_of(entry)
    return entry.strip()


class SafetyConfig(BaseModel):
    """Rules on questions, passages and answers, and where Codex may connect to on somebody's word."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    rules: tuple[str, ...] = ("deny", "secrets", "planted")
    """Which are applied; beside these, those of installed packages, or module:object. What they find is told
    with the decision, and in the trace."""
    block: tuple[str, ...] = ()
    """Those of them that block: a question is refused, a passage left out, an answer not given."""
    deny: tuple[Annotated[str, AfterValidator(_denied)], ...] = ()
    """What the rule deny finds: words or phrases, in any case of letters, or /regular expressions/."""
    private_addresses: bool | None = None
    """Whether a model server that is named over HTTP or on a page may be on this machine or in a private
    network; none: while server.host is loopback. An address in the settings may be anywhere."""

    def allows_private(self, host: str) -> bool:
        """host: that the server listens on."""
        return origins.is_loopback(host) if self.private_addresses is None else self.private_addresses
