"""What Codex guards against."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from codex import origins


class SafetyConfig(BaseModel):
    """Where it may connect to on somebody's word."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    private_addresses: bool | None = None
    """Whether a model server that is named over HTTP or on a page may be on this machine or in a private
    network; none: while server.host is loopback. An address in the settings may be anywhere."""

    def allows_private(self, host: str) -> bool:
        """host: that the server listens on."""
        return origins.is_loopback(host) if self.private_addresses is None else self.private_addresses
