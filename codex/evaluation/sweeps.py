"""Settings with several values: one run for each combination of them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from omegaconf.errors import OmegaConfBaseException

from codex.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Combination:
    """One choice of every setting."""

    overrides: tuple[str, ...]
    """Each with one value."""
    swept: tuple[str, ...]
    """Those of them that had several."""


def combinations(overrides: Sequence[str]) -> list[Combination]:
    """Every combination, the last setting changing fastest; `temperature=0.3,1.0` has two values.

    Raises SettingsError for what is no setting.
    """
    choices = [_values(text) for text in overrides]
    several = [at for at, values in enumerate(choices) if len(values) > 1]
    return [
        Combination(chosen, tuple(chosen[at] for at in several)) for chosen in itertools.product(*choices)
    ]


def _values(text: str) -> list[str]:
    try:
        override = OverridesParser.create().parse_override(text)
        if not override.is_sweep_override():
            return [text]
        return [f"{override.get_key_element()}={value}" for value in override.sweep_string_iterator()]
    except (HydraException, OmegaConfBaseException) as error:
        raise SettingsError(f"Cannot read the setting {text!r}: write it as key=value.", [text]) from error
