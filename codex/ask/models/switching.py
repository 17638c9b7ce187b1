"""From what somebody wants to load to the settings of its engine."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

from pydantic import ValidationError

from codex.engines import EngineName
from codex.engines.models import Models
from codex.engines.openai_api.config import ServedConfig
from codex.errors import InvalidInput, NotFound
from codex.settings import EngineSettings, Settings, load_settings

KEYS = "CODEX_KEY"
"""How the variables begin that may hold the key of a server that is named while Codex runs."""


def engine_settings(
    settings: Settings,
    model: str,
    engine: EngineName | None = None,
    base_url: str | None = None,
    api_key_env: str | None = None,
) -> EngineSettings:
    """The settings of an engine for another model: those of now where they apply, else the defaults.

    model: a name that `codex models` lists, a local path, or a model of the server at `base_url`. engine:
    None takes openai_api for a server, huggingface for a Transformers folder, and for a GGUF file the one in
    use where it reads that, else llama_cpp. Raises InvalidInput; NotFound where the model is not on this
    machine.
    """
    if engine is not None and engine not in get_args(EngineName):
        # This may come over HTTP, and settings would run a module that they are given as the engine.
        raise InvalidInput(
            f"There is no engine {engine!r} to change to. There are: {', '.join(get_args(EngineName))}. An "
            "engine of a plug-in is chosen when Codex starts.",
            ["engine"],
        )
    if base_url is not None or engine == "openai_api":
        if engine not in (None, "openai_api"):
            raise InvalidInput(f"base_url is for engine=openai_api, not {engine}: leave one out.", ["engine"])
        if base_url is None and settings.engine.name != "openai_api":
            raise InvalidInput("engine=openai_api needs the base_url of its server.", ["base_url"])
        return _changed(
            settings, "openai_api", {"model_path": model, **_server(settings, base_url, api_key_env)}
        )
    path = Models(settings.home).find(model)
    if path is None:
        raise NotFound(
            f"There is no model {model!r} on this machine. `codex models` lists those that are here; fetch "
            "it first, or give the path of a GGUF file or of a Transformers folder."
        )
    return _changed(settings, engine or _engine_for(path, settings.engine.name), {"model_path": model})


def _server(settings: Settings, base_url: str | None, api_key_env: str | None) -> dict[str, object]:
    """The address and the variable of the key. Another server never gets the key of this one, or any other.

    Whoever reaches the pages may name a server of their own, and would read each variable there.
    """
    if api_key_env and not api_key_env.startswith(KEYS):
        raise InvalidInput(
            f"The key of a server that is named here must be in a variable that begins with {KEYS}, not in "
            f"{api_key_env!r}. Set it before Codex starts, or start Codex with engine.api_key_env.",
            ["api_key_env"],
        )
    now = settings.engine
    if base_url is None or (isinstance(now, ServedConfig) and base_url == now.where):
        return {"api_key_env": api_key_env} if api_key_env else {}
    public_only = not settings.safety.allows_private(settings.server.host)
    return {"base_url": base_url, "api_key_env": api_key_env or "", "public_only": public_only}


def _engine_for(path: Path, now: str) -> EngineName:
    if path.is_dir() and not list(path.glob("*.gguf")):
        return "huggingface"
    return "huggingface" if now == "huggingface" else "llama_cpp"


def _changed(settings: Settings, name: EngineName, changes: dict[str, object]) -> EngineSettings:
    now = settings.engine
    base = now if now.name == name else load_settings([f"engine={name}"]).engine
    kept = base.model_dump() | {"params": now.params, "seed": now.seed}
    try:
        return type(base).model_validate(kept | changes)
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0]) if first["loc"] else ""
        raise InvalidInput(f"{field} cannot be {first['input']!r}: {first['msg']}.", [field]) from error
