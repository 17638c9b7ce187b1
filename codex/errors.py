"""Typed errors. Each message says what was wrong, with which value, and what to do about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class CodexError(Exception):
    """Base of all errors that a user can act on."""

    status = 500
    """The HTTP status it maps to."""
    retry_after = 30
    """Seconds after which a status of 429 or 503 asks a client to try again."""


class InvalidInput(CodexError):
    """A value that cannot be used; `fields` names where it stood."""

    status = 422

    def __init__(self, message: str, fields: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.fields = tuple(fields)


class Refused(InvalidInput):
    """A rule of safety.block found something in a question."""


class UnusableRows(InvalidInput, ValueError):
    """Rows or labels that an estimator cannot take; a ValueError, as scikit-learn expects it."""


class RowsFailed(CodexError):
    """Some rows could not be classified; the others are done and kept, so that calling again resumes."""

    def __init__(self, message: str, failures: Mapping[int, str], labels: Mapping[int, object]) -> None:
        """failures: the reason of each row that failed, by its index; labels: of the rows that are done."""
        super().__init__(message)
        self.failures = dict(failures)
        self.labels = dict(labels)


class UnusableModel(InvalidInput):
    """The model that was chosen cannot be loaded; the message says what is loaded instead."""


class TooManyRejected(InvalidInput):
    """A file of which so many rows cannot be used that it is not kept unless that is accepted."""


class SettingsError(InvalidInput):
    """An unknown setting, or one of the wrong type."""


class PluginError(InvalidInput):
    """A plug-in that cannot be loaded or used; the message names its package."""


class PromptTooLong(CodexError):
    """The prompt and the answer do not fit in the model's context."""

    status = 413

    def __init__(self, prompt_tokens: int, room: int, answer_tokens: int = 0) -> None:
        """room: for the prompt, beside an answer of answer_tokens."""
        left = room + answer_tokens - prompt_tokens
        room = max(room, 0)
        if prompt_tokens < answer_tokens and left > 0:
            words = (
                f"An answer of up to {answer_tokens:,} tokens does not fit: beside the question, of "
                f"{prompt_tokens}, the context holds {left:,}. Set max tokens to that at most, or raise "
                "engine.context_size."
            )
        else:
            words = (
                f"The question is {prompt_tokens - room} tokens too long: it has {prompt_tokens} tokens with "
                f"its template, and {room} fit beside the answer. Shorten it, or raise engine.context_size."
            )
        super().__init__(words)
        self.prompt_tokens = prompt_tokens
        self.room = room


class UnknownHost(CodexError):
    """A request for a host that this server does not answer for, e.g. after DNS rebinding."""

    status = 421


class Unauthenticated(CodexError):
    """A request without a key or sign-in that holds."""

    status = 401


class Forbidden(CodexError):
    """A request of somebody who is known and may not do this."""

    status = 403


class ForeignOrigin(CodexError):
    """A request that another web page made in the user's browser."""

    status = 403


class UnsupportedBody(InvalidInput):
    """A body of another type than application/json."""

    status = 415


class BodyTooLarge(InvalidInput):
    """A body, or the file that it is, beyond the limit."""

    status = 413


class NotFound(CodexError):
    """Nothing is stored under that name."""

    status = 404


class Conflict(CodexError):
    """The request does not fit the present state, e.g. a branch of another model's answer."""

    status = 409


class OtherEmbedding(Conflict):
    """The index was made by another embedding than the one that is set; it has to be rebuilt."""


class Busy(CodexError):
    """Too many questions are waiting; try again after `retry_after` seconds."""

    status = 503

    def __init__(self, message: str, retry_after: int = 5) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class TooMany(Busy):
    """One client has its share of what all may have; try again after `retry_after` seconds."""

    status = 429


class Stopping(Busy):
    """Codex is shutting down; what was under way is cancelled, and nothing is kept of it."""


class Cancelled(CodexError):
    """The caller went away before the answer was complete."""

    status = 499


class ModelError(CodexError):
    """A model that is missing, broken, or cannot be loaded as asked."""

    status = 503


class AdapterError(ModelError):
    """An adapter that is missing, damaged, without effect, or made for another model."""

    status = 422


class TrainingError(CodexError):
    """A training that cannot run to its end; what it had reached is kept, and the message says where."""


class CapabilityError(CodexError):
    """The engine cannot do what was asked of it."""

    status = 501


class StoreError(CodexError):
    """The database cannot be opened, read or written."""

    status = 503


class StoreInUse(StoreError):
    """Another process has the database open."""

    def __init__(self, message: str, pid: int | None = None) -> None:
        super().__init__(message)
        self.pid = pid


class RetrievalError(CodexError):
    """The index cannot be opened, searched or written, e.g. its Chroma server is gone."""

    status = 503


class UnreadableDocument(InvalidInput):
    """A file that is not read, and why: encrypted, corrupt, empty, too large, not what its name says."""
