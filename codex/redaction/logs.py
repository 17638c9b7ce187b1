"""Log records without secrets, whoever writes them and wherever they go."""

from __future__ import annotations

import logging

from codex.redaction.secrets import masked

_FORMATTER = logging.Formatter()


class Masking(logging.Filter):
    """Masks a record's message, its arguments and its traceback, before a handler formats it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Always true: the record comes, masked."""
        if isinstance(record.args, tuple):
            record.args = tuple(masked(each) if isinstance(each, str) else each for each in record.args)
        try:
            message = record.getMessage()
        except (TypeError, ValueError):  # The handler says so itself.
            return True
        shown = masked(message)
        # The formatter of access logs takes the arguments apart.
        if shown != message and record.name != "uvicorn.access":
            record.msg, record.args = shown, None
        if record.exc_info or record.exc_text:
            told = record.exc_text or _FORMATTER.formatException(record.exc_info)  # type: ignore[arg-type]
            # Without the exception itself, which another formatter would tell again.
            record.exc_text, record.exc_info = masked(told), None
        if record.stack_info:
            record.stack_info = masked(record.stack_info)
        return True


def mask_logs() -> None:
    """Mask what every handler of this process writes from now on; called again, those that are new."""
    known = [logging.getLogger(name) for name in list(logging.root.manager.loggerDict)]
    handlers = [handler for logger in (logging.root, *known) for handler in logger.handlers]
    if logging.lastResort is not None:
        handlers.append(logging.lastResort)
    for handler in handlers:
        if not any(isinstance(each, Masking) for each in handler.filters):
            handler.addFilter(Masking())
