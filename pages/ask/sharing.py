"""Links to an answer: made, listed and revoked on the Ask page."""

from __future__ import annotations

from codex.ask.workbench import Workbench
from codex.origins import is_loopback
from codex.pages import JSON
from codex.server.guard import SHARED
from codex.store.traces.shares import Share

HERE = "Codex answers this machine only, so the link works only here. Set server.host to serve others."


class Sharing:
    """What the page can do, as plain calls."""

    def __init__(self, workbench: Workbench) -> None:
        self._shares = workbench.store.shares
        self._host = workbench.settings.server.host

    def shares(self, wanted: JSON) -> JSON:
        """The links to an answer that can be opened. wanted: {trace}."""
        found = self._shares.list(str(wanted["trace"]))
        return {
            "links": [_line(share) for share in found if share.revoked_at is None],
            "note": HERE if is_loopback(self._host) else "",
        }

    def share(self, wanted: JSON) -> JSON:
        """A new link; its address is told this once. wanted: {trace, label}."""
        share, token = self._shares.create(str(wanted["trace"]), str(wanted["label"]))
        return _line(share) | {"path": f"{SHARED.removeprefix('/')}{token}"}

    def unshare(self, wanted: JSON) -> None:
        """Close a link for good. wanted: {id}."""
        self._shares.revoke(str(wanted["id"]))


def _line(share: Share) -> JSON:
    return {"id": share.id, "label": share.label, "created": share.created_at.isoformat()}
