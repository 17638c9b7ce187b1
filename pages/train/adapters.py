"""Trainings of the model itself on the Train page: options, before and after, updates. Plain JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

from pydantic import ValidationError

from codex.calibration.glossary import GLOSSARY
from codex.errors import InvalidInput
from codex.pages import JSON, Fact
from codex.pages.train.verifiers import figure, line
from codex.text import percent
from codex.training import rewards
from codex.training.fine_tuning_options import AnswererOptions, RewardOptions
from codex.training.saved_adapters import SavedAdapter
from codex.training.updates import Update

PREFIX = "adapter:"
"""Of what the page calls an adapter among the versions, of which no name begins so."""
POINTS = 200
"""Of a line, about; a chart shows no more."""
FALLEN = 0.02
"""A loss of accuracy that is said as a warning."""
SHOWN: Mapping[str, tuple[tuple[str, ...], str]] = {
    "accuracy": (("graded_accuracy",), GLOSSARY["accuracy"].name),
    "refusals": (("graded_refusals",), "Refusals"),
    "readable": (("stated_readable",), "Readable"),
    "ece": (("stated_ece", "confidence_ece"), GLOSSARY["ece"].name),
    "brier": (("stated_brier", "confidence_brier"), GLOSSARY["brier"].name),
    "auroc": (("stated_auroc", "confidence_auroc"), GLOSSARY["auroc"].name),
    "loss": (("validation_loss",), "Held-out loss"),
}
"""Columns of the table: what an adapter calls the metric, the first that it has, and the head."""
SAYS: Mapping[str, str] = {
    "accuracy": GLOSSARY["accuracy"].says,
    "refusals": "Share of the answers that refuse, such as “I don't know”.",
    "readable": "Share of the answers that state a confidence which can be read.",
    "ece": GLOSSARY["ece"].says,
    "brier": GLOSSARY["brier"].says,
    "auroc": GLOSSARY["auroc"].says,
    "loss": "Loss on held-out answers, in nats a token: lower is better.",
}

Options = TypeVar("Options", AnswererOptions, RewardOptions)


def options_of(kind: type[Options], wanted: JSON) -> Options:
    """What the form says. Raises InvalidInput naming the field; a blank name is the default one."""
    given = {name: value for name, value in wanted.items() if name in kind.model_fields}
    if not str(given.get("name") or "").strip():
        given.pop("name", None)
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        words = name.replace("_", " ").capitalize()
        message = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
        raise InvalidInput(f"{words}: {message}.".replace("..", "."), [name]) from error


def defaults() -> JSON:
    """What the forms show at first, and which rewards there are."""
    return {
        "answerer": AnswererOptions(runs=["-"]).model_dump(exclude={"runs"}),
        "reward": RewardOptions().model_dump(exclude={"runs"}),
        "rewards": list(rewards.names()),
    }


def adapter_view(saved: SavedAdapter, in_use: str | None, base: str, trained: str | None) -> JSON:
    """An adapter among the saved versions. in_use: the one whose model is loaded. base: the model that is.

    trained: the one that is trained now.
    """
    active = saved.name == in_use
    other = not active and saved.state == "done" and saved.base != base and not saved.merged
    now = saved.state == "unfinished" and saved.name == trained
    return {
        "kind": saved.kind,
        "version": PREFIX + saved.name,
        "name": saved.name,
        "title": saved.name,
        "active": active,
        "created": saved.created_at.isoformat(),
        "mismatch": f"For {saved.base}; {base} is loaded." if other else "",
        "state": saved.state,
        "helps": helps(saved),
        "advice": "It is being trained." if now else advice(saved),
        "base": saved.base,
        "merged": saved.merged,
        "held_out": saved.held_out,
        "rows": _rows(saved),
        "facts": _facts(saved),
    }


def columns() -> JSON:
    """The heads of the table of metrics, and what they mean."""
    return {key: {"name": name, "says": SAYS[key]} for key, (_, name) in SHOWN.items()}


def helps(saved: SavedAdapter) -> bool:
    """Whether no accuracy was lost, and the accuracy, the ECE or the Brier score is better than before."""
    before, after = _metrics(saved.before), _metrics(saved.after)
    unknown = saved.state != "done" or "accuracy" not in after or "accuracy" not in before
    if unknown or (saved.kind == "reward" and not after.get("readable")):
        return False
    gain = after["accuracy"] - before["accuracy"]
    lower = [before[key] - after[key] for key in ("ece", "brier") if key in before and key in after]
    return gain > -FALLEN and (gain > 0 or any(each > 0 for each in lower))


def advice(saved: SavedAdapter) -> str:
    """What the training brought, and what to do next."""
    if saved.state == "unfinished":
        return f"Not finished: it stands at update {saved.step:,}. Resume continues from there."
    before, after = _metrics(saved.before), _metrics(saved.after)
    if "accuracy" not in after or "accuracy" not in before:
        return "No answers were generated to held-out questions: what it brought is not known."
    told = f"accuracy {percent(before['accuracy'])} before, {percent(after['accuracy'])} after"
    if "ece" in before and "ece" in after:
        told += f"; ECE {before['ece']:.3f} before, {after['ece']:.3f} after"
    words = f"On {saved.held_out:,} held-out question{'' if saved.held_out == 1 else 's'}: {told}."
    if after["accuracy"] < before["accuracy"] - FALLEN:
        return f"{words} It answers fewer correctly: lower the learning rate, or train on more questions."
    if saved.kind == "reward" and after.get("readable", 0.0) == 0:
        return f"{words} It states no readable confidence: raise the updates on the format."
    return words


def tuning_view(updates: Sequence[Update]) -> JSON | None:
    """How a training went so far, as two plots; None before the first update."""
    if not updates:
        return None
    every = -(-len(updates) // POINTS)
    thin = [each for at, each in enumerate(updates) if at % every == 0 or at == len(updates) - 1]
    losses = [line("training", *_points(thin, "loss"), "var(--cx-muted)", "dot", "update")]
    losses += _lines(updates, {"validation_loss": ("held out", "var(--cx-accent)", "solid")})
    names = {
        "reward": ("mean reward", "var(--cx-accent)", "solid"),
        "readable": ("readable confidence", "var(--cx-answer)", "dash"),
    }
    measured = {
        "token_accuracy": ("token accuracy", "var(--cx-accent)", "solid"),
        "graded_accuracy": ("correct", "var(--cx-answer)", "dash"),
        "confidence_ece": ("ECE", "var(--cx-muted)", "dot"),
    }
    rewarded = "reward" in updates[-1].measured
    lines = _lines(thin, names) if rewarded else _lines(updates, measured)
    title = "Reward and readable confidence" if rewarded else "Held-out answers"
    axis = {} if rewarded else {"range": [0, 1]}
    return {
        "epochs": len(updates),
        "of": "updates",
        "calibration": figure(title, lines, "", axis, "update") if lines else None,
        "loss": figure("Loss", losses, "" if rewarded else "nats", {}, "update"),
    }


def _lines(updates: Sequence[Update], names: Mapping[str, tuple[str, str, str]]) -> list[JSON]:
    """Those of the measured values that are there."""
    found = []
    for key, (name, colour, dash) in names.items():
        steps, values = _points(updates, key)
        if steps:
            found.append(line(name, steps, values, colour, dash, "update"))
    return found


def _points(updates: Sequence[Update], key: str) -> tuple[list[int], list[float]]:
    if key == "loss":
        return [each.step for each in updates], [each.loss for each in updates]
    known = [(each.step, each.measured[key]) for each in updates if key in each.measured]
    return [step for step, _ in known], [value for _, value in known]


def _metrics(found: Mapping[str, float]) -> dict[str, float]:
    """By the columns of the table."""
    return {
        key: next(found[name] for name in names if name in found)
        for key, (names, _) in SHOWN.items()
        if any(name in found for name in names)
    }


def _rows(saved: SavedAdapter) -> list[JSON]:
    if saved.state != "done" or not (saved.before or saved.after):
        return []
    stages = (("before", "The model as it was", saved.before), ("after", "Trained", saved.after))
    return [{"label": label, "title": title, "metrics": _metrics(found)} for label, title, found in stages]


def _facts(saved: SavedAdapter) -> list[Fact]:
    known: list[Fact] = [("model", saved.base), ("from", saved.data)]
    if saved.rows is not None:
        known.append(("questions", f"{saved.rows:,}, and {saved.held_out:,} held out"))
    known.append(("updates", f"{saved.step:,}"))
    if saved.rewards:
        known.append(("rewards", ", ".join(saved.rewards)))
    return [*known, ("folder", saved.folder), ("trained", {"at": saved.created_at.isoformat()})]
