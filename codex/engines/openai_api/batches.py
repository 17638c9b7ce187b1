"""Many conversations as one batch of a server that has OpenAI's batch interface: cheaper, and later."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from codex.engines.openai_api.server import Server
from codex.engines.openai_api.shapes import Json
from codex.errors import CapabilityError, InvalidInput, ModelError

ENDED = ("completed", "failed", "expired", "cancelled")
WINDOW = "24h"
"""The only time within which servers take a batch."""

Result = Json | str
"""The body of a response, or why there is none."""


async def run_batch(
    server: Server, path: str, bodies: Sequence[dict[str, Any]], poll_seconds: float
) -> list[Result]:
    """What came of each body, in their order; the batch is cancelled where the caller is.

    Raises CapabilityError where the server has no batches, ModelError where the whole batch failed.
    """
    lines = [
        {"custom_id": str(at), "method": "POST", "url": f"/v1{path}", "body": body}
        for at, body in enumerate(bodies)
    ]
    try:
        batch = await server.begin_batch(f"/v1{path}", "\n".join(map(json.dumps, lines)).encode(), WINDOW)
    except (InvalidInput, ModelError) as error:
        raise CapabilityError(f"{server.address} takes no batch: {error}") from error
    batch_id = str(batch["id"])
    try:
        while batch.get("status") not in ENDED:
            await asyncio.sleep(poll_seconds)
            batch = await server.batch(batch_id)
    except asyncio.CancelledError:
        await asyncio.shield(server.cancel_batch(batch_id))
        raise
    missing = f"the batch {batch['status']} before it"
    results: list[Result] = [missing] * len(bodies)
    files = [batch.get(name) for name in ("output_file_id", "error_file_id")]
    if not any(files):
        raise ModelError(f"{server.address}: the batch {batch_id} {batch['status']}: {_why(batch)}")
    for file_id in filter(None, files):
        for line in (await server.content(str(file_id))).splitlines():
            _take(line, results)
    return results


def _take(line: str, results: list[Result]) -> None:
    said = json.loads(line) if line.strip() else {}
    at = said.get("custom_id", "")
    if not str(at).isdecimal() or int(at) >= len(results):
        return
    response = said.get("response") or {}
    body = response.get("body") or {}
    if response.get("status_code") == 200:
        results[int(at)] = body
    else:
        error = said.get("error") or body.get("error") or {}
        results[int(at)] = str(error.get("message") or f"status {response.get('status_code')}")


def _why(batch: Json) -> str:
    errors = (batch.get("errors") or {}).get("data") or ()
    return "; ".join(str(each.get("message")) for each in errors[:3]) or "it gives no reason"
