"""How much memory a model takes: measured of this process, estimated of a model."""

from __future__ import annotations

import json
import os
from pathlib import Path

from codex.engines.catalogue import token_bytes
from codex.engines.gguf_header import read_header
from codex.engines.models import Models, size_on_disk
from codex.errors import ModelError

SCRATCH = 0.1
"""Share of the weights that a model computes in besides."""


def estimated_memory(size: int, per_token: int, context: int) -> int:
    """Bytes: the weights, a tenth of them to compute in, and a full cache of keys and values.

    size: of the weights on disk; per_token: bytes of the cache for a token; context: tokens.
    """
    return round(size * (1 + SCRATCH)) + per_token * context


def model_memory(models: Models, name: str, context: int) -> int | None:
    """Bytes of a model that is here, estimated; None where it is not. context: tokens of its cache."""
    path = models.find(name)
    if path is None:
        return None
    return estimated_memory(size_on_disk(path), cache_token_bytes(path), context)


def available_memory() -> int | None:
    """Bytes that can be taken without swapping, within the limit of a container; None where nobody says."""
    free = [*filter(None, (_machine_free(), _container_free()))]
    return min(free) if free else None


def _machine_free() -> int | None:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:")), None)


def _container_free() -> int | None:
    """Of a control group, version 2; pages of files that it can give up count as free."""
    group = Path("/sys/fs/cgroup")
    try:
        most, used = (int((group / name).read_text()) for name in ("memory.max", "memory.current"))
        files = [line.split() for line in (group / "memory.stat").read_text().splitlines()]
    except (OSError, ValueError):  # "max": there is no limit.
        return None
    return max(1, most - used + next((int(size) for name, size in files if name == "inactive_file"), 0))


def resident_memory() -> int | None:
    """Bytes that this process holds in memory; None where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def cache_token_bytes(path: Path) -> int:
    """Bytes that a token takes in the cache, by the file's own words; 0 where it does not say."""
    try:
        return _folder_token_bytes(path / "config.json") if path.is_dir() else read_header(path).token_bytes
    except (OSError, ValueError, KeyError, TypeError, ModelError):
        return 0


def _folder_token_bytes(config: Path) -> int:
    said = json.loads(config.read_text("utf-8"))
    heads = int(said["num_attention_heads"])
    head_size = said.get("head_dim") or int(said["hidden_size"]) // heads
    kv_heads = said.get("num_key_value_heads") or heads
    return token_bytes(int(said["num_hidden_layers"]), int(kv_heads), int(head_size))
