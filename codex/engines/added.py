"""The engines that plug-ins add."""

from __future__ import annotations

from typing import cast

from codex import plugins
from codex.engines.base import Engine, EngineConfig, ModelConfig
from codex.engines.models import Models


def added_engine(name: str) -> type[Engine]:
    """The class of a plug-in's engine by its name or `module:object`. Raises PluginError.

    A subclass of `Engine`, called with its configuration and the models of the home. Its class attribute
    `Config` is what it takes as settings, a subclass of EngineConfig; without one, ModelConfig's.
    """
    plugin, made = plugins.load("engines", name)
    if not (isinstance(made, type) and issubclass(made, Engine)):
        raise plugin.error("is no subclass of codex.engines.base.Engine")
    if not issubclass(config_of(made), EngineConfig):
        raise plugin.error("has a Config that is no subclass of codex.engines.base.EngineConfig")
    return made


def config_of(engine: type[Engine]) -> type[EngineConfig]:
    """What an engine of a plug-in takes as settings."""
    return cast(type[EngineConfig], getattr(engine, "Config", ModelConfig))


def make(name: str, config: EngineConfig, models: Models) -> Engine:
    """The engine, not loaded yet. Raises PluginError."""
    engine = added_engine(name)
    own = config_of(engine)
    values = {key: value for key, value in config.model_dump().items() if key in own.model_fields}
    made: Engine = engine(own.model_validate(values), models)  # type: ignore[call-arg]
    return made
