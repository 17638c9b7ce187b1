"""codex train tokenizer: make a tokenizer from texts, or check one against a model."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from codex.cli import terminal
from codex.cli.scores import print_json
from codex.cli.terminal import INTERRUPTED, interruptible, printable
from codex.datasets.columns import said
from codex.engines.models import Models, default_home
from codex.errors import Cancelled, InvalidInput
from codex.text import nearest, number, percent

if TYPE_CHECKING:
    from codex.training.tokenizer_checks import Quality
    from codex.training.tokenizer_fit import TokenizerConfig


def train(
    data: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Texts; CSV, JSON, JSONL or Parquet of texts or questions."),
    ] = None,
    kind: Annotated[str, typer.Option(help="bpe, wordpiece, unigram or sentencepiece.")] = "bpe",
    size: Annotated[int, typer.Option(help="Tokens in the vocabulary, special ones included.")] = 8000,
    special: Annotated[
        list[str] | None, typer.Option(metavar="TOKEN", help="One more special token; repeatable.")
    ] = None,
    padding_side: Annotated[str, typer.Option(help="left or right.")] = "left",
    out: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FOLDER", help="By default in home/tokenizers, by the data's name."
        ),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(metavar="FIELD=COLUMN", help="Which column holds what: question=Frage; repeatable."),
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Of a text file; by default it is found out.")] = None,
    check: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Train nothing: check this tokenizer against --model."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="MODEL", help="Also check whether the tokenizer fits this model.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Train a tokenizer on texts, and measure it; or check one against a model."""
    if (data is None) == (check is None):
        raise InvalidInput("Say what to do, one of --data FILE and --check FOLDER with --model.", ["data"])
    if check is not None:
        if model is None:
            raise InvalidInput("Say which model to check it against: --model MODEL.", ["model"])
        _tell_fit(check, model, as_json)
        return
    assert data is not None
    config = _config(kind, size, special or [], padding_side)
    from codex.training.examples import FileSource, described
    from codex.training.tokenizer_checks import quality
    from codex.training.tokenizer_fit import train_tokenizer

    source = FileSource(data, said(column or []) or None, encoding)
    folder = out or default_home() / "tokenizers" / data.name.removesuffix(".gz").rpartition(".")[0]
    errors = terminal.console(stderr=True)
    with interruptible(errors) as cancel, errors.status("reading") as status:
        try:
            made = train_tokenizer(
                source, config, folder, progress=lambda n: status.update(f"{n:,} texts"), cancel=cancel
            )
        except Cancelled as stopped:
            errors.print(str(stopped), highlight=False, soft_wrap=True)
            raise typer.Exit(INTERRUPTED) from stopped
    found = quality(made.tokenizer, made.held_out, config.size, config.specials)
    if as_json:
        print_json({"folder": str(folder), "counts": dict(made.counts), **asdict(found)})
    else:
        for line in (*described(made.counts), *_lines(found)):
            terminal.console().print(printable(line), highlight=False, soft_wrap=True)
        terminal.console().print(f"saved in {folder}", highlight=False, soft_wrap=True)
    if model is not None:
        _tell_fit(folder, model, as_json)


def _config(kind: str, size: int, special: list[str], padding_side: str) -> TokenizerConfig:
    from codex.training.tokenizer_fit import KINDS, TokenizerConfig

    if kind not in KINDS:
        raise InvalidInput(
            f"There is no tokenizer of kind {kind!r}{nearest(kind, KINDS)} There are: {', '.join(KINDS)}.",
            ["kind"],
        )
    try:
        return TokenizerConfig.model_validate(
            {"kind": kind, "size": size, "special": special, "padding_side": padding_side}
        )
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0]).replace("_", "-")
        raise InvalidInput(f"--{field} {first['input']!r}: {first['msg']}.", [field]) from error


def _lines(found: Quality) -> list[str]:
    few = ": there is too little text for more" if found.size < found.requested else ""
    lines = [f"vocabulary: {found.size:,} tokens of {found.requested:,}{few}"]
    if found.exact is None:
        lines.append("no text is held out to measure it on: give it more texts")
    else:
        lines.append(
            f"held-out texts that come back from their tokens: {percent(found.exact)} of {found.texts:,}"
            + (f", {percent(found.words or 0)} but for white space" if found.exact < 1 else "")
        )
    lines.append(
        f"kinds of Unicode that do not come back: {', '.join(found.lost)}"
        if found.lost
        else "all kinds of Unicode come back from their tokens"
    )
    if found.unknown is not None:
        lines.append(f"unknown tokens: {percent(found.unknown)}")
    if found.tokens_per_word is not None and found.tokens_per_byte is not None:
        per_word, per_byte = number(found.tokens_per_word), number(found.tokens_per_byte)
        lines.append(f"tokens per word: {per_word}, per byte: {per_byte}")
    return [*lines, *found.problems]


def _tell_fit(folder: Path, model: str, as_json: bool) -> None:
    """Raises InvalidInput where it does not fit."""
    from codex.training.tokenizer import TextTokenizer
    from codex.training.tokenizer_checks import fit_of_model

    tokenizer = TextTokenizer.load(folder)
    with terminal.console(stderr=True).status("reading the model"):
        fit = fit_of_model(tokenizer, model, Models(default_home()))
    if as_json:
        print_json({"model": model, "fits": not fit.problems, **asdict(fit)})
    else:
        for line in fit.notes:
            terminal.console().print(printable(line), highlight=False, soft_wrap=True)
    if fit.problems:
        raise InvalidInput(f"The tokenizer does not fit {model}: {' '.join(fit.problems)}", ["tokenizer"])
    if not as_json:
        terminal.console().print(f"it fits {model}", highlight=False, soft_wrap=True)
