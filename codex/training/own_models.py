"""New models with tokenizers of one's own: made once, as folders that are then trained as any other."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from codex import plugins
from codex.engines.models import Models
from codex.errors import CodexError, InvalidInput, TrainingError
from codex.hub import quiet_progress
from codex.outputs import output_folder
from codex.plugins import Plugin
from codex.private import make_folder
from codex.text import nearest, sha256

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

SPECIAL = ("bos_token_id", "eos_token_id", "pad_token_id")


def is_added(model: str) -> bool:
    """Whether a name is that of a plug-in's model, or a `module:object`. Nothing is imported."""
    return plugins.is_target(model) or model in plugins.names("models")


def take(model: str, tokenizer: str) -> None:
    """Take those that are a `module:object`. For the command line of this machine alone."""
    if plugins.is_target(model):
        plugins.take("models", model)
    if plugins.is_target(tokenizer):
        plugins.take("tokenizers", tokenizer)


def new_model(model: str, tokenizer: str, models: Models, seed: int) -> Path:
    """The folder of a new model of a plug-in, with its tokenizer beside it, among the models of the home.

    It is made at the first call; later ones find it, until the plug-in, the tokenizer or the seed are others.
    The model's special tokens become those of the tokenizer. tokenizer: the name of a plug-in's, or a folder.
    seed: of its first weights. Raises PluginError where either fails, or they do not fit each other;
    InvalidInput for a name that is not there; TrainingError where it cannot be written.
    """
    from codex.training.data import fingerprint

    plugin, make = added_model(model)
    inner = tokenizer_of(tokenizer)
    code = plugins.package_of(plugin.target.partition(":")[0])
    read = f"{fingerprint(inner)} {inner.special_tokens_map}"
    key = sha256("\0".join((plugin.target, code, read, str(seed))))[:10]
    folder = models.folder / f"{re.sub(r'[^a-zA-Z0-9_-]', '-', plugin.name)}-{key}"
    if not (folder / "config.json").is_file():
        _write(_made(plugin, make, inner, tokenizer, seed), inner, folder)
    return folder


def added_model(name: str) -> tuple[Plugin, Callable[..., object]]:
    """What makes the model of a plug-in. Raises PluginError.

    A class or a function that gives a `transformers.PreTrainedModel`; where it takes an argument, it gets the
    size of the vocabulary.
    """
    plugin, make = plugins.load("models", name)
    if not callable(make):
        raise plugin.error("is no class or function that makes a model")
    return plugin, make


def added_tokenizer(name: str) -> PreTrainedTokenizerFast:
    """The tokenizer of a plug-in. Raises PluginError.

    A fast tokenizer of Transformers, the folder of one, or a function without arguments that gives either.
    """
    from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

    from codex.training.tokenizer import TextTokenizer

    plugin, value = plugins.load("tokenizers", name)
    if callable(value) and not isinstance(value, PreTrainedTokenizerBase):
        value = _called(plugin, value)
    if isinstance(value, str | Path):
        try:
            return TextTokenizer.load(Path(value).expanduser()).inner
        except InvalidInput as wrong:
            raise plugin.error(f"cannot be read: {str(wrong).rstrip('.')}") from wrong
    if not isinstance(value, PreTrainedTokenizerFast):
        raise plugin.error(f"gives a {type(value).__name__}, and no fast tokenizer or the folder of one")
    return value


def tokenizer_of(name: str) -> PreTrainedTokenizerFast:
    """A plug-in's by its name, or that of a folder. Raises PluginError, InvalidInput."""
    from codex.training.tokenizer import TextTokenizer

    there = plugins.names("tokenizers")
    if name in there:
        return added_tokenizer(name)
    if not Path(name).expanduser().is_dir():
        raise InvalidInput(
            f"There is no tokenizer {name!r}, and no such folder{nearest(name, there)} "
            "`codex train tokenizer` makes a folder of one.",
            ["tokenizer"],
        )
    return TextTokenizer.load(Path(name).expanduser()).inner


def check_tokenizer_is_wanted(model: str | None, tokenizer: str | None) -> None:
    """Raises InvalidInput for a tokenizer without a new model, or the other way round."""
    is_new = model is not None and is_added(model)
    if is_new and tokenizer is None:
        raise InvalidInput(
            f"The model {model!r} is new: say which tokenizer it reads with, --tokenizer NAME or FOLDER.",
            ["tokenizer"],
        )
    if tokenizer is not None and not is_new:
        known = plugins.names("models")
        why = "" if model is None else f" No package adds a model {model!r}{nearest(model, known)}"
        raise InvalidInput(
            "--tokenizer is that of a new model, --model NAME of a package or module:object; a model that is "
            f"there keeps its own.{why}",
            ["tokenizer"],
        )


def _called(plugin: Plugin, make: Callable[..., object], *given: object) -> object:
    try:
        return make(*given)
    except CodexError:
        raise
    except Exception as wrong:
        raise plugin.error(f"cannot be made: {type(wrong).__name__}: {wrong}") from wrong


def _made(
    plugin: Plugin, make: Callable[..., object], tokenizer: PreTrainedTokenizerFast, called: str, seed: int
) -> PreTrainedModel:
    """A model that is what its folder would be loaded as. called: the tokenizer's name."""
    from transformers import AutoModelForCausalLM, PreTrainedModel

    from codex.training.state import seed_all
    from codex.training.tokenizer_checks import fit_of

    seed_all(seed)
    size = max(tokenizer.get_vocab().values(), default=-1) + 1
    model = _called(plugin, make, *([size] if _takes_size(make) else []))
    if not isinstance(model, PreTrainedModel):
        raise plugin.error(f"gives a {type(model).__name__}, and no transformers.PreTrainedModel")
    if not _is_known(type(model), type(model.config), AutoModelForCausalLM._model_mapping):
        raise plugin.error(
            f"gives a {type(model).__name__}, which AutoModelForCausalLM does not load: register it with its "
            "configuration where the module is imported"
        )
    for name in SPECIAL:
        for settings in (model.config, model.generation_config):
            if settings is not None:
                setattr(settings, name, getattr(tokenizer, name))
    problems = fit_of(tokenizer, model.config, model.generation_config).problems
    if problems:
        raise plugin.error(f"does not fit the tokenizer {called!r}: {' '.join(problems).rstrip('.')}")
    return model


def _takes_size(make: Callable[..., object]) -> bool:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return any(it.kind in kinds for it in inspect.signature(make).parameters.values())


def _is_known(model: type, config: type, mapping: Any) -> bool:
    """Whether Transformers would load that very class from a folder with that configuration."""
    return config in mapping and mapping[config] is model


def _write(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    try:
        make_folder(folder.parent)
        with output_folder(folder) as made, quiet_progress():
            model.save_pretrained(made)
            tokenizer.save_pretrained(made)
    except OSError as error:
        raise TrainingError(f"{folder} cannot be written: {error.strerror or error}.") from error
