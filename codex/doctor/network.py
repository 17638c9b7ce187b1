"""What is reached over the network: the port of the workbench, and the servers that are set."""

from __future__ import annotations

import errno
import json
import socket
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codex.doctor.findings import Finding, masked
from codex.errors import SettingsError
from codex.private import secret

if TYPE_CHECKING:
    from codex.settings import Settings

PATIENCE = 2.0
"""Seconds that a server has to answer."""
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - told from others


def check_port(host: str, port: int, announced: Path, installed: str) -> Finding:
    """Whether the port is free, or Codex answers there.

    announced: the file in which a running workbench says where it is. installed: the version of Codex here.
    """
    with suppress(OSError, ValueError, KeyError):
        url = str(json.loads(announced.read_text())["url"])
        if said := _codex_at(url):
            return _answers(url, said, installed)
    if not port:
        return Finding("port", "ok", f"a free one of {host}")
    where = f"{host}:{port}"
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        reached = ANYWHERE.get(host, host)
        url = f"http://{f'[{reached}]' if ':' in reached else reached}:{port}"
        if error.errno == errno.EADDRINUSE and (said := _codex_at(url)):
            return _answers(url, said, installed)
        if error.errno == errno.EADDRINUSE:
            found = f"{where} is taken by another program"
        else:
            found = f"{where} cannot be listened on: {error.strerror or error}"
        return Finding(
            "port", "fail", found, "Choose another: codex serve server.port=8000 (0 takes a free one)."
        )
    return Finding("port", "ok", f"{where} is free")


def check_chroma(url: str) -> Finding:
    """Whether the Chroma server answers."""
    failed = _failure(f"{url.rstrip('/')}/api/v2/heartbeat")
    if failed:
        remedy = "Start it (chroma run), or set retrieval.chroma_url=null to keep the vectors in the home."
        return Finding("Chroma", "fail", f"{masked(url)}: {failed}", remedy)
    return Finding("Chroma", "ok", f"{masked(url)} answers")


def check_postgres(address: str) -> Finding:
    """Whether the PostgreSQL server for the copy of events answers. The address is never shown."""
    import psycopg

    try:
        with psycopg.connect(address, connect_timeout=2) as db:
            version = db.info.server_version // 10000
    except psycopg.Error as error:
        said = masked(str(error).splitlines()[0] if str(error) else type(error).__name__)
        return Finding(
            "PostgreSQL",
            "warn",
            f"does not answer: {said}; events wait in the database",
            "Start it, or correct store.events; what waits follows by itself.",
        )
    return Finding("PostgreSQL", "ok", f"version {version} answers")


def check_servers(urls: tuple[str, ...], key_env: str, name: str = "model server") -> Finding:
    """Whether the OpenAI-compatible servers of engine=openai_api answer."""
    try:
        key = secret(key_env) if key_env else None
    except SettingsError as error:
        return Finding(name, "fail", str(error), f"export {key_env}=KEY")
    if key_env and not key:
        return Finding(
            name, "fail", f"the environment variable {key_env} is not set", f"export {key_env}=KEY"
        )
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    failed = {url: why for url in urls if (why := _failure(f"{url.rstrip('/')}/models", headers))}
    told = "; ".join(f"{masked(url)}: {why}" for url, why in failed.items())
    if failed:
        refused = any(why.startswith(("401", "403")) for why in failed.values())
        remedy = (
            "Set engine.api_key_env to the variable that holds the right key."
            if refused
            else "Start the server, or correct engine.base_url; it ends in /v1 with most servers."
        )
        return Finding(name, "warn" if len(failed) < len(urls) else "fail", told, remedy)
    return Finding(name, "ok", f"{', '.join(map(masked, urls))}: answers")


def larger_server(settings: Settings) -> tuple[tuple[str, ...], str, str] | None:
    """What `check_servers` takes of the larger model, where that is a server's."""
    url = settings.larger.base_url
    return None if url is None else ((url,), settings.larger.api_key_env or "", "larger model")


def _answers(url: str, said: dict[str, Any], installed: str) -> Finding:
    running = str(said["version"])
    details = {"url": url, "version": running, "model": said.get("model"), "status": said.get("status")}
    if running != installed:
        found = f"Codex {running} answers on {url}, and {installed} is installed"
        return Finding("port", "warn", found, "Restart the workbench.", details)
    if said.get("status") == "failed" or said.get("error"):
        remedy = "Choose another model under Models, or correct engine.model_path and restart."
        return Finding("port", "warn", f"Codex answers on {url}: {said.get('error')}", remedy, details)
    return Finding(
        "port", "ok", f"Codex {running} answers on {url}, its model is {said.get('status')}", "", details
    )


def _codex_at(url: str) -> dict[str, Any] | None:
    """What a workbench says of its health; None: none answers there."""
    import httpx

    try:
        said = httpx.get(f"{url}/healthz", timeout=PATIENCE, trust_env=False).json()
    except (httpx.HTTPError, ValueError):
        return None
    return said if isinstance(said, dict) and {"version", "status", "model"} <= said.keys() else None


def _failure(url: str, headers: dict[str, str] | None = None) -> str:
    """Why a server does not answer as it should; "": it does."""
    import httpx

    try:
        response = httpx.get(url, headers=headers, timeout=PATIENCE, trust_env=False)
    except httpx.HTTPError as error:
        return masked(str(error)) or type(error).__name__
    return f"{response.status_code} {response.reason_phrase}" if response.is_error else ""
