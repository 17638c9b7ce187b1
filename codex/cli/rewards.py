"""codex train reward: teach the model by rewards, such as to state its confidence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from codex.cli import terminal
from codex.cli.terminal import INTERRUPTED, Overrides, interruptible
from codex.cli.trainings import Bar, Columns, Data, Encoding, Output, called
from codex.datasets.columns import said
from codex.engines.models import Models
from codex.errors import Cancelled, InvalidInput
from codex.settings import load_settings
from codex.training.config import TrainConfig, configured

if TYPE_CHECKING:
    from codex.training.reward_training import Rewarded

METRICS = {
    "graded_accuracy": ("accuracy", ".1%"),
    "stated_readable": ("readable confidence", ".1%"),
    "stated_ece": ("ECE of the confidence", ".3f"),
    "stated_brier": ("Brier score of the confidence", ".3f"),
    "stated_auroc": ("AUROC of the confidence", ".3f"),
}
"""What the held-out questions measure: name of a metric -> title, format."""
STAGES = {"before": "before", "start": "after the start", "after": "after"}


def train(
    overrides: Overrides = None,
    data: Data = None,
    arithmetic: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Instead of a file: N additions of one and two digits."),
    ] = None,
    model: Annotated[
        str | None, typer.Option(metavar="MODEL", help="The model to train; by default engine.model_path.")
    ] = None,
    reward: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="brier (the default), correctness (that of best-of), length, verifier, a plug-in's, "
            "module:object; several are summed.",
        ),
    ] = None,
    agent: Annotated[
        str, typer.Option(metavar="NAME", help="How it learns: grpo, best-of, a plug-in's, module:object.")
    ] = "grpo",
    grader: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Grade by this one; by default as `codex evaluate` does."),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Updates; by default train.epochs passes.")
    ] = None,
    generations: Annotated[int, typer.Option(min=2, help="Answers to a question that are compared.")] = 8,
    tokens: Annotated[int, typer.Option(min=1, help="The longest answer, in tokens.")] = 64,
    temperature: Annotated[float, typer.Option(min=0.01, help="Of the answers while it trains.")] = 1.0,
    start: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            help="First N supervised updates on the format: its own answers, a confidence at random.",
        ),
    ] = 0,
    out: Output = None,
    column: Columns = None,
    encoding: Encoding = None,
) -> None:
    """Teach the model by rewards, such as to state its confidence; the same command resumes.

    It answers, and says in a last line how likely it is to be correct. Settings are train.KEY=VALUE, e.g.
    train.learning_rate=1e-4. --agent grpo needs the extra reward: pip install 'codex-workbench[reward]'.
    """
    config, others = configured(overrides or [])
    if model is not None:
        others.append(f"engine.model_path={model}")
    if steps is not None:
        config = TrainConfig.model_validate(config.model_dump(exclude_unset=True) | {"steps": steps})
    if (data is None) == (arithmetic is None):
        raise InvalidInput("Say what to train on, one of --data FILE and --arithmetic N.", ["data"])
    settings = load_settings(others)
    errors = terminal.console(stderr=True)
    from codex.grading.grades import taken as grader_taken
    from codex.prompts import stating
    from codex.training import agents
    from codex.training import arithmetic as additions
    from codex.training.examples import FileSource, Source
    from codex.training.rewards import taken

    graded_by = grader_taken(grader) if grader else None
    learner = agents.taken(agent)
    default = "correctness" if learner.name == agents.BEST_OF else "brier"
    rewards = [taken(name, graded_by) for name in reward or [default]]
    source: Source
    if data is not None:
        source, examples = FileSource(data, said(column or []) or None, encoding), stating.EXAMPLES
    else:
        source, examples = additions.Additions(arithmetic or 0, config.seed), additions.EXAMPLES
    with interruptible(errors) as cancel, Bar() as bar:
        from codex.training.base_model import of_this_machine
        from codex.training.reward_training import train_reward

        name = called(data, None) if data else "additions"
        try:
            made = train_reward(
                source,
                rewards,
                of_this_machine(settings.engine),
                Models(settings.home),
                config,
                agents.AgentOptions(
                    generations=generations, tokens=tokens, temperature=temperature, start=start
                ),
                out or settings.home / "adapters" / f"{name}-reward",
                agent=learner,
                grader=graded_by,
                examples=examples,
                told=bar.counted,
                progress=bar.progress,
                cancel=cancel,
            )
        except Cancelled as stopped:
            errors.print(str(stopped), highlight=False, soft_wrap=True)
            raise typer.Exit(INTERRUPTED) from stopped
    _tell(made)


def _tell(made: Rewarded) -> None:
    console = terminal.console()
    step, steps = made.trained.step, made.trained.steps
    console.print(
        f"trained on {made.manifest.rows:,} questions, {step:,} of {steps:,} updates",
        highlight=False,
        soft_wrap=True,
    )
    if made.stages:
        asked = made.counts["held-out questions"]
        table = Table(f"{asked:,} held-out questions", *(STAGES[stage] for stage in made.stages), box=None)
        for name, (title, form) in METRICS.items():
            values = (stage.get(name) for stage in made.stages.values())
            table.add_row(title, *("" if it is None else format(it, form) for it in values))
        console.print(table)
    else:
        console.print("No question is held out: nothing was measured. Raise train.data.validation.")
    console.print(f"saved in {made.folder}", highlight=False, soft_wrap=True)
