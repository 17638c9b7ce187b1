"""The settings of a training searched by Optuna, with a tree-structured Parzen estimator (TPE)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from codex.errors import CapabilityError, InvalidInput, SettingsError
from codex.training.config import PREFIX, TrainConfig
from codex.training.sweep import Result, Trial, trial

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

DIGITS = 4
"""Significant ones of a number that is drawn."""
WIDE = 10.0
"""Ends of an interval that are as many times apart are searched on a logarithmic scale."""


@dataclass(frozen=True, slots=True)
class Space:
    """What is searched."""

    fixed: tuple[str, ...]
    """Settings with one value."""
    ranges: dict[str, BaseDistribution]
    """Of each other key."""


def space(overrides: Sequence[str]) -> Space:
    """The settings that are searched: `interval(a,b)`, and those with several values.

    Whole numbers where the setting is one, or as `int(interval(a,b))`; on a logarithmic scale where the ends
    are a factor of ten apart, or as `tag(log,interval(a,b))`. Raises SettingsError; InvalidInput where
    nothing is searched, or no such range is possible; CapabilityError where Optuna is missing.
    """
    try:
        from optuna.distributions import CategoricalDistribution
    except ImportError as error:
        raise CapabilityError("--optuna needs Optuna: pip install 'codex-workbench[optuna]'.") from error
    fixed: list[str] = []
    ranges: dict[str, BaseDistribution] = {}
    for text in overrides:
        try:
            override = OverridesParser.create().parse_override(text)
            key, found = override.get_key_element(), override.value()
            if not override.is_sweep_override():
                fixed.append(text)
            elif override.is_interval_sweep():
                ranges[key] = _interval(key, found, text)
            else:
                ranges[key] = CategoricalDistribution(list(override.sweep_string_iterator()))
        except HydraException as error:
            raise SettingsError(
                f"Cannot read the setting {text!r}: write it as key=value.", [text]
            ) from error
    if not ranges:
        raise InvalidInput(
            "Say what --optuna searches, e.g. train.learning_rate=interval(1e-5,1e-3).", ["optuna"]
        )
    return Space(tuple(fixed), ranges)


def search(over: Space, n: int, seed: int, train: Callable[[int, Trial], Result]) -> None:
    """n trainings, each with settings that TPE draws by the validation losses of those before it.

    What is tried depends on the seed and the results alone: the same search, called again, tries the same
    settings, and `train` finds those done. Raises what it raises; InvalidInput without held-out rows.
    """
    import optuna

    for edge in _edges(over):
        trial([*over.fixed, *edge], edge)  # A wrong value is told before the first training.
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="minimize")
    for number in range(n):
        study.sampler = optuna.samplers.TPESampler(seed=(seed + number) % 2**32)
        asked = study.ask(over.ranges)
        chosen = [f"{key}={_shown(asked.params[key])}" for key in over.ranges]
        result = train(number, trial([*over.fixed, *chosen], chosen))
        if result.error:
            study.tell(asked, state=optuna.trial.TrialState.FAIL)
        elif result.loss is None:
            raise InvalidInput("A search needs held-out rows: raise train.data.validation.", ["optuna"])
        else:
            study.tell(asked, result.loss)


def _interval(key: str, found: Any, text: str) -> BaseDistribution:
    from optuna.distributions import FloatDistribution, IntDistribution

    low, high = found.start, found.end
    if not low < high:
        raise InvalidInput(f"{text!r} is no range: its first end is not below its second.", [key])
    is_log = "log" in found.tags or (low > 0 and high / low >= WIDE)
    if is_log and low <= 0:
        raise InvalidInput(f"{text!r} has no logarithmic scale: its ends must be above 0.", [key])
    if isinstance(low, int) or _is_whole(key):
        return IntDistribution(int(low), int(high), log=is_log)
    return FloatDistribution(float(low), float(high), log=is_log)


def _is_whole(key: str) -> bool:
    """Whether a setting of a training is a whole number."""
    held: Any = TrainConfig()
    *groups, name = key.removeprefix(PREFIX).split(".")
    for group in groups:
        held = getattr(held, group, None)
    field = type(held).model_fields.get(name) if hasattr(type(held), "model_fields") else None
    return field is not None and int in (field.annotation, *get_args(field.annotation))


def _edges(over: Space) -> Iterator[list[str]]:
    """The settings at both ends of every range."""
    from optuna.distributions import CategoricalDistribution

    for end in (0, -1):
        ends = {
            key: it.choices[end] if isinstance(it, CategoricalDistribution) else (it.low, it.high)[end]
            for key, it in over.ranges.items()
        }
        yield [f"{key}={_shown(value)}" for key, value in ends.items()]


def _shown(value: object) -> str:
    return f"{value:.{DIGITS}g}" if isinstance(value, float) else str(value)
