"""LocalLLMClassifier: a language model as a classifier of scikit-learn."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from codex.calibration.imports import IMPORTS
from codex.classify.engines import shared_engine
from codex.classify.label_probabilities import Classified, classify, from_generation, label_tokens
from codex.classify.labels import LabelSet
from codex.classify.records import Records
from codex.classify.rows import FORMATS, FormatType, row_text, texts_of
from codex.classify.running import Outcome, first_of_each, progress, run
from codex.classify.templates import EXAMPLE_FORMS, Example, ExampleForm, template
from codex.classify.usage import Spent, Usage
from codex.engines import EngineName
from codex.engines.base import Engine
from codex.engines.openai_api.engine import OpenAIEngine
from codex.errors import CodexError, InvalidInput, RowsFailed, UnusableRows
from codex.text import sha256
from codex.types import Generation, Message

with IMPORTS:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.exceptions import NotFittedError
    from sklearn.utils import check_consistent_length
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import column_or_1d, validate_data

Float = NDArray[np.float64]
POLL = 30.0
"""Seconds between two looks at a batch."""


class Key(str):
    """A server's key, which is not shown."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class _Kept:
    """What an estimator keeps between calls, beside what `fit` learned."""

    def __init__(self, path: Path | None, spent: Spent) -> None:
        self.records = Records(path)
        self.spent = spent
        self.failures: Mapping[int, str] = {}


class LocalLLMClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Classifies texts, or rows of a table, by asking a language model for the label.

    `fit` is needed only where `labels` is not given, or for examples; no weight of the model changes.
    `predict` takes the label of the highest probability. Probabilities are of the label's tokens, a label of
    several by all of them, where the engine tells them; else the share of `n_samples` answers that name it.
    They are often overconfident; scikit-learn's CalibratedClassifierCV calibrates them.

    Fitted: classes_ [n labels], sorted.
    """

    def __init__(
        self,
        model_name: str | None = None,
        base_url: str | Sequence[str] | None = None,
        api_key: str | None = None,
        engine: Engine | EngineName | None = None,
        template_name: str | None = None,
        format_type: FormatType = "list",
        labels: Sequence[Any] | None = None,
        reasoning_effort: str | None = None,
        reasoning_summary: str | None = None,
        *,
        api_key_env: str | None = None,
        instructions: str = "",
        n_examples: int = 0,
        examples_as: ExampleForm = "turns",
        n_samples: int = 10,
        max_tokens: int | None = None,
        use_batch: bool = False,
        concurrency: int | None = None,
        retries: int = 2,
        timeout_seconds: float | None = None,
        cache: bool | str | Path = True,
        on_error: Literal["raise", "missing"] = "raise",
        missing_label: Any = None,
        progress: bool | None = None,
        prompt_price: float = 0.0,
        completion_price: float = 0.0,
        random_state: int = 0,
    ) -> None:
        """What is None is as the settings have it.

        model_name: as `engine.model_path`. base_url, api_key: of one or several servers with OpenAI's
        interface; api_key_env names the environment variable that holds its key, which pickles keep, and
        `api_key` they do not. engine: one that is there, or the name of one. template_name: one that ships,
        or a file; text for texts, record for tables. format_type: how a row of a table is written. labels:
        all there are; None: those of `fit`. instructions: what the labels mean. n_examples: of each label,
        shown to the model, from the rows of `fit`. examples_as: turns before the row's, or a part of the
        instructions. max_tokens: of an answer; None: what a label takes. use_batch: by the server's batch
        interface, which is cheaper and may take a day. concurrency: rows at once; None: as many as the engine
        works on. retries: of a row that failed on the way. cache: of rows by their content; a path keeps them
        in a file, by which an interrupted run resumes. on_error: "missing" gives failed rows missing_label
        and probabilities NaN. progress: None: on a terminal. Prices: of a million tokens.
        """
        self.model_name = model_name
        self.base_url = base_url
        self.api_key = Key(api_key) if isinstance(api_key, str) and not isinstance(api_key, Key) else api_key
        self.engine = engine
        self.template_name = template_name
        self.format_type = format_type
        self.labels = labels
        self.reasoning_effort = reasoning_effort
        self.reasoning_summary = reasoning_summary
        self.api_key_env = api_key_env
        self.instructions = instructions
        self.n_examples = n_examples
        self.examples_as = examples_as
        self.n_samples = n_samples
        self.max_tokens = max_tokens
        self.use_batch = use_batch
        self.concurrency = concurrency
        self.retries = retries
        self.timeout_seconds = timeout_seconds
        self.cache = cache
        self.on_error = on_error
        self.missing_label = missing_label
        self.progress = progress
        self.prompt_price = prompt_price
        self.completion_price = completion_price
        self.random_state = random_state

    def fit(self, X: Any = None, y: Any = None) -> LocalLLMClassifier:
        """Take the labels, and the examples where n_examples is above 0. Raises UnusableRows."""
        self._check_parameters()
        if y is None and self.labels is None:
            raise UnusableRows(
                "LocalLLMClassifier requires y to be passed, but the target y is None: pass it, or name the "
                "labels.",
                ["y"],
            )
        rows = None if X is None else self._rows(X, reset=True)
        if y is None:
            self.classes_ = np.unique(np.asarray(self.labels))
            self._examples: list[Example] = []
        else:
            y = column_or_1d(y, warn=True)
            check_classification_targets(y)
            if rows is not None:
                check_consistent_length(rows, y)
            self.classes_ = self._classes(y)
            self._examples = self._chosen_examples(rows or [], y)
        self._label_set()
        self._keeping()
        return self

    def predict(self, X: Any, use_async: bool = True) -> NDArray[Any]:
        """The label of each row, [n]. use_async: rows at the same time, in a running event loop too.

        Raises RowsFailed, unless on_error is "missing".
        """
        found = self._unless_failed(self.outcomes(X, use_async))
        classes = self._known_classes()
        order = self._columns()
        best = [None if isinstance(it, Exception) else order[_best(it, order)] for it in found]
        if all(at is not None for at in best):
            return cast("NDArray[Any]", classes[np.asarray(best, int)])
        return np.asarray(
            [self.missing_label if at is None else classes[at] for at in best],
            dtype=object,
        )

    def predict_proba(self, X: Any, use_async: bool = True) -> Float:
        """The probability of each class, [n, n classes], in the order of classes_. Raises as `predict`."""
        found = self._unless_failed(self.outcomes(X, use_async))
        probabilities = np.full((len(found), len(self._known_classes())), np.nan)
        for row, it in enumerate(found):
            if not isinstance(it, Exception):
                probabilities[row, self._columns()] = it.probabilities
        return probabilities

    def outcomes(
        self, X: Any, use_async: bool = True, cancel: threading.Event | None = None
    ) -> list[Outcome]:
        """What came of each row: its probabilities in the order of the labels, or why it failed.

        Setting `cancel` ends the work; what is done is kept. Raises Cancelled.
        """
        self._known_classes()
        self._check_parameters()
        rows, labels = self._rows(X, reset=False), self._label_set()
        engine, kept = self._engine(), self._keeping()
        records, spent = kept.records if self.cache else Records(), kept.spent
        engine.load()
        is_text = texts_of(X) is not None
        prompts = [self._prompt(row, is_text, labels) for row in rows]
        keys = [self._key(engine, prompt, labels) for prompt in prompts]
        firsts = first_of_each(keys)
        found: dict[str, Outcome] = {key: known for key in firsts if (known := records.get(key)) is not None}
        waiting = {at: key for key, at in firsts.items() if key not in found}

        def work(row: int, stop: threading.Event) -> Classified:
            if self.use_batch:
                said = batch[row]
                if isinstance(said, CodexError):
                    raise InvalidInput(str(said))  # The batch is over: nothing is tried again.
                spent.add_row()
                return from_generation(engine, prompts[row], labels, said, spent)
            result = classify(
                engine,
                prompts[row],
                labels,
                n_samples=self.n_samples,
                max_tokens=self.max_tokens,
                seed=self.random_state,
                spent=spent,
                cancel=stop,
            )
            spent.add_row()
            return result

        at_once = (self.concurrency or engine.slots) if use_async else 1
        with progress(len(waiting), self.progress) as tell:
            batch = self._in_batch(engine, {at: prompts[at] for at in waiting}, labels, cancel)

            def done(row: int, outcome: Outcome) -> None:
                found[waiting[row]] = outcome
                if isinstance(outcome, Classified):
                    records.put(waiting[row], outcome)
                tell()

            run(list(waiting), work, at_once=at_once, retries=self.retries, done=done, cancel=cancel)
        return [found[key] for key in keys]

    @property
    def usage_(self) -> Usage:
        """Requests, tokens and cost so far."""
        return self._keeping().spent.usage(self.prompt_price, self.completion_price)

    @property
    def failures_(self) -> Mapping[int, str]:
        """Of the last call, the reason of each row that failed, by its index."""
        return self._keeping().failures

    def close(self) -> None:
        """Give the memory of the model back, or the connections; the next call opens it again."""
        self._engine().unload()

    def __sklearn_is_fitted__(self) -> bool:
        return self.labels is not None or hasattr(self, "classes_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.allow_nan = True
        tags.target_tags.required = self.labels is None
        tags.requires_fit = self.labels is None
        # A model that nobody trained on the rows may classify them at random.
        tags.classifier_tags.poor_score = True
        return tags

    def __getstate__(self) -> dict[str, Any]:
        """Without the engine, the key and the cache in memory."""
        state = dict(super().__getstate__())
        state.pop("_kept", None)
        state["api_key"] = None
        if isinstance(self.engine, Engine):
            state["engine"] = self.engine.name
            state["model_name"] = self.model_name or self.engine.config.model_path
        return state

    def _check_parameters(self) -> None:
        if self.format_type not in FORMATS:
            raise InvalidInput(
                f"format_type is one of {', '.join(FORMATS)}, not {self.format_type!r}.", ["format_type"]
            )
        if self.examples_as not in EXAMPLE_FORMS:
            raise InvalidInput(
                f"examples_as is one of {', '.join(EXAMPLE_FORMS)}, not {self.examples_as!r}.",
                ["examples_as"],
            )
        if self.on_error not in ("raise", "missing"):
            raise InvalidInput(f"on_error is raise or missing, not {self.on_error!r}.", ["on_error"])
        for name, least in (("n_samples", 1), ("n_examples", 0), ("retries", 0)):
            if getattr(self, name) < least:
                raise InvalidInput(f"{name} is {getattr(self, name)}: give {least} or more.", [name])

    def _known_classes(self) -> NDArray[Any]:
        """Those of `fit`; without it the labels that were given, sorted."""
        if hasattr(self, "classes_"):
            return self.classes_
        if self.labels is None:
            raise NotFittedError(
                "This LocalLLMClassifier instance is not fitted yet: call 'fit' with labels, or name them "
                "as labels."
            )
        return np.unique(np.asarray(self.labels))

    def _classes(self, y: NDArray[Any]) -> NDArray[Any]:
        """Of the rows, or the labels that were given.

        Where these are texts and y their places in sorted order, the classes are the places: in that form
        CalibratedClassifierCV(method="temperature") fits an estimator.
        """
        found = np.unique(y)
        if self.labels is None:
            return found
        known = np.unique(np.asarray(self.labels))
        strange = [it for it in found.tolist() if it not in known.tolist()]
        if strange and known.dtype.kind in "UO" and set(found.tolist()) <= set(range(len(known))):
            return np.arange(len(known))
        if strange:
            raise UnusableRows(f"y has {strange[0]!r}, which is none of the labels: name it there.", ["y"])
        return known

    def _label_set(self) -> LabelSet:
        """The labels as the model is told them: in the order in which they were given."""
        self._known_classes()
        given = self.classes_.tolist() if self.labels is None else self.labels
        return LabelSet([str(it) for it in dict.fromkeys(given)])

    def _columns(self) -> list[int]:
        """Of each label of the label set, its place among the classes."""
        places = {text: at for at, text in enumerate(self._class_texts())}
        return [places[text] for text in self._label_set().texts]

    def _class_texts(self) -> list[str]:
        """What the model is told for each class, in their order."""
        known = self._known_classes() if self.labels is None else np.unique(np.asarray(self.labels))
        return [str(it) for it in known.tolist()]

    def _chosen_examples(self, rows: Sequence[str], y: NDArray[Any]) -> list[Example]:
        """n_examples of each label, one label after another in turn, drawn by random_state."""
        if not self.n_examples:
            return []
        order = np.random.default_rng(self.random_state).permutation(len(rows))
        of_label = {
            text: [rows[at] for at in order if y[at] == it]
            for text, it in zip(self._class_texts(), self.classes_, strict=True)
        }
        return [
            (texts[turn], label)
            for turn in range(self.n_examples)
            for label, texts in of_label.items()
            if turn < len(texts)
        ]

    def _rows(self, X: Any, *, reset: bool) -> list[str]:
        """X as texts. Raises UnusableRows, ValueError."""
        texts = texts_of(X)
        if reset:
            self._is_text = texts is not None
        if texts is not None:
            if not reset and not getattr(self, "_is_text", True):
                raise UnusableRows("X holds texts, and the classifier was fitted on a table.", ["X"])
            return texts
        first = reset or not hasattr(self, "n_features_in_")
        values = validate_data(self, X, dtype=None, ensure_all_finite=False, reset=first)
        names = getattr(self, "feature_names_in_", None)
        if names is None:
            names = [f"x{at}" for at in range(values.shape[1])]
        return [row_text(list(names), list(row), self.format_type) for row in values]

    def _prompt(self, row: str, is_text: bool, labels: LabelSet) -> list[Message]:
        chosen = template(self.template_name or ("text" if is_text else "record"))
        examples = getattr(self, "_examples", [])
        return chosen.messages(row, labels.texts, self.instructions, examples, self.examples_as)

    def _in_batch(
        self,
        engine: Engine,
        prompts: Mapping[int, Sequence[Message]],
        labels: LabelSet,
        cancel: threading.Event | None,
    ) -> dict[int, Generation | CodexError]:
        """What the server's batch says of each row; nothing where no batch is wanted."""
        if not self.use_batch or not prompts:
            return {}
        if not isinstance(engine, OpenAIEngine):
            raise InvalidInput(f"use_batch is of engine='openai_api', not {engine.name!r}.", ["use_batch"])
        most = self.max_tokens or label_tokens(labels)
        found = engine.ahead_in_batch(list(prompts.values()), most, poll_seconds=POLL, cancel=cancel)
        return dict(zip(prompts, found, strict=True))

    def _unless_failed(self, outcomes: list[Outcome]) -> list[Outcome]:
        """The same. Raises RowsFailed where one failed, unless that is to be missing."""
        failures = {at: str(it) for at, it in enumerate(outcomes) if isinstance(it, Exception)}
        self._keeping().failures = failures
        if not failures or self.on_error == "missing":
            return outcomes
        classes, order = self._known_classes(), self._columns()
        done = {
            at: classes[order[_best(it, order)]]
            for at, it in enumerate(outcomes)
            if not isinstance(it, Exception)
        }
        first = next(iter(failures))
        raise RowsFailed(
            f"{len(failures):,} of {len(outcomes):,} rows could not be classified; the first is row {first}: "
            f"{failures[first]} The others are kept: call again to resume, or set on_error='missing'.",
            failures,
            done,
        )

    def _key(self, engine: Engine, prompt: Sequence[Message], labels: LabelSet) -> str:
        """Of all that decides a row's result."""
        of_engine = [engine.fingerprint, getattr(engine.config, "base_url", None), self.reasoning_effort]
        drawn = [self.n_samples, self.max_tokens, self.random_state, self.use_batch]
        turns = [(it.role, it.content) for it in prompt]
        return sha256(json.dumps([of_engine, drawn, labels.texts, turns]))

    def _engine(self) -> Engine:
        if isinstance(self.engine, Engine):
            return self.engine
        changes = {
            "model_path": self.model_name,
            "api_key_env": self.api_key_env,
            "reasoning_effort": self.reasoning_effort,
            "reasoning_summary": self.reasoning_summary,
            "timeout_seconds": self.timeout_seconds,
        }
        if self.concurrency and (self.base_url or self.engine == "openai_api"):
            changes["concurrency"] = self.concurrency
        key = str(self.api_key) if self.api_key else None
        return shared_engine(self.engine, self.base_url, key, changes)

    def _keeping(self) -> _Kept:
        """Made again where another cache is named."""
        path = Path(self.cache) if isinstance(self.cache, str | Path) else None
        kept: _Kept | None = getattr(self, "_kept", None)
        if kept is None or kept.records.path != path:
            kept = self._kept = _Kept(path, Spent() if kept is None else kept.spent)
        return kept


def _best(found: Classified, order: Sequence[int]) -> int:
    """The likeliest label; of equal ones the first class, as `argmax` has it."""
    return max(range(len(order)), key=lambda at: (found.probabilities[at], -order[at]))
