"""What loggers write holds no secret: messages, arguments, tracebacks, access logs."""

from __future__ import annotations

import io
import logging

import pytest
from uvicorn.logging import AccessFormatter

from codex.redaction.logs import Masking, mask_logs

KEY = "ghp_" + "a1B2" * 9


def logger(formatter: logging.Formatter | None = None) -> tuple[logging.Logger, io.StringIO]:
    """A logger of its own and what it writes."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.addFilter(Masking())
    handler.setFormatter(formatter)
    made = logging.Logger("test")
    made.addHandler(handler)
    return made, written


def test_a_message_and_its_arguments_are_masked() -> None:
    log, written = logger()
    log.warning("Refused %s for %s", KEY, "bob")
    log.warning("password: %s", "hunter2")
    log.warning({"token": KEY})
    log.warning("%d of %d", 1, 2)
    assert written.getvalue().splitlines() == [
        "Refused [secret] for bob",
        "password: [secret]",
        "{'token': '[secret]'}",
        "1 of 2",
    ]


def test_a_traceback_is_masked() -> None:
    log, written = logger()
    try:
        raise ValueError(f"The server refused {KEY}")
    except ValueError:
        log.exception("It failed", stack_info=True)
    assert "ValueError: The server refused [secret]" in written.getvalue()
    assert "a1B2" not in written.getvalue()


def test_uvicorns_access_log_is_masked() -> None:
    log, written = logger(AccessFormatter("%(request_line)s %(status_code)s", use_colors=False))
    log.name = "uvicorn.access"
    log.info('%s - "%s %s HTTP/%s" %d', "127.0.0.1:1", "GET", f"/x?api_key={KEY}&y=1", "1.1", 200)
    assert "GET /x?api_key=[secret]&y=1 HTTP/1.1" in written.getvalue()


def test_every_handler_masks_once() -> None:
    named = logging.getLogger("codex.tests.masked")
    handler = logging.NullHandler()
    named.addHandler(handler)
    try:
        mask_logs()
        mask_logs()
        assert [type(each) for each in handler.filters] == [Masking]
    finally:
        named.removeHandler(handler)


def test_a_logger_that_another_thread_makes_meanwhile_does_no_harm(monkeypatch: pytest.MonkeyPatch) -> None:
    get_logger = logging.getLogger

    def meanwhile(name: str) -> logging.Logger:
        get_logger(f"{name}.made_meanwhile")
        return get_logger(name)

    with monkeypatch.context() as patched:
        patched.setattr(logging.root.manager, "loggerDict", {"codex": get_logger("codex")})
        patched.setattr(logging, "getLogger", meanwhile)
        mask_logs()
