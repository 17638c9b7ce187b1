"""The engine behind a classifier: one for all clones of an estimator, since a model is held once."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from codex.engines import EngineName, create, preferred_engine
from codex.engines.base import Engine
from codex.engines.models import Models
from codex.errors import InvalidInput
from codex.settings import load_settings

_engines: dict[tuple[str, str, str | None], Engine] = {}
_lock = threading.Lock()


def shared_engine(
    name: EngineName | None, base_url: str | Sequence[str] | None, key: str | None, changes: dict[str, Any]
) -> Engine:
    """The engine of these settings; made, and not loaded, where there is none yet.

    name: None: openai_api where there is a base_url, else the preferred one. changes: settings of its group
    that differ from the defaults; None: as they are. Raises InvalidInput, SettingsError.
    """
    chosen = name or ("openai_api" if base_url else preferred_engine())
    if chosen != "openai_api" and (base_url or key):
        raise InvalidInput(f"base_url and api_key are of engine='openai_api', not {chosen!r}.", ["base_url"])
    settings = load_settings([f"engine={chosen}"])
    given = {"base_url": base_url, **changes}
    values = {field: value for field, value in given.items() if value is not None}
    unknown = values.keys() - type(settings.engine).model_fields.keys()
    if unknown:
        raise InvalidInput(f"The engine {chosen} has no {sorted(unknown)[0]}.", sorted(unknown))
    config = type(settings.engine).model_validate(settings.engine.model_dump() | values)
    with _lock:
        place = (chosen, config.model_dump_json(), key)
        if place not in _engines:
            _engines[place] = create(chosen, config, Models(settings.home), key)
        return _engines[place]


def unload_all() -> None:
    """Give the memory of every model back; classifiers load theirs again when they are used."""
    with _lock:
        engines = list(_engines.values())
        _engines.clear()
    for engine in engines:
        engine.unload()
