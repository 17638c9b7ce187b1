"""Every error as the same JSON, with the status that fits; never a stack trace."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from codex.errors import CodexError, InvalidInput, Unauthenticated
from codex.redaction import masked
from codex.server.bodies import ErrorBody, ErrorDetail

log = logging.getLogger(__name__)

AGAIN = (429, 503)
"""Statuses of what may work a little later."""
SHOWN_INPUT_CHARACTERS = 40
"""How much of a wrong value an error repeats."""


def error_body(error: Exception) -> ErrorBody:
    """The error in words. One that nobody foresaw is logged under an id, and only the id is told."""
    if isinstance(error, CodexError):
        return _body(type(error).__name__, str(error), getattr(error, "fields", ()))
    if isinstance(error, RequestValidationError):
        return _validation(error.errors())
    if isinstance(error, HTTPException):
        return _body(HTTPStatus(error.status_code).phrase.replace(" ", ""), str(error.detail))
    error_id = uuid.uuid4().hex[:8]
    log.error("Unexpected error %s", error_id, exc_info=error)
    return _body("InternalError", f"Something went wrong inside Codex. The log tells more, under {error_id}.")


def error_response(error: Exception) -> Response:
    """The answer to a request that failed."""
    # ASCII only: a wrong field's name or value may hold what UTF-8 cannot, e.g. a lone surrogate.
    text = json.dumps(error_body(error).model_dump(), ensure_ascii=True)
    return Response(text, _status(error), _headers(error), media_type="application/json")


async def no_route(request: Request, error: Exception) -> Response:
    """The answer where no route fits: an unknown path or method."""
    return error_response(error)


def _status(error: Exception) -> int:
    if isinstance(error, RequestValidationError):
        return 422
    if isinstance(error, CodexError):
        return error.status
    return error.status_code if isinstance(error, HTTPException) else 500


def _headers(error: Exception) -> dict[str, str]:
    if isinstance(error, CodexError) and error.status in AGAIN:
        return {"Retry-After": str(error.retry_after)}
    if isinstance(error, Unauthenticated):
        return {"WWW-Authenticate": 'Bearer realm="Codex"'}
    return dict(error.headers or {}) if isinstance(error, HTTPException) else {}


def _validation(errors: Sequence[Mapping[str, Any]]) -> ErrorBody:
    if any(error["type"] == "json_invalid" for error in errors):
        where = errors[0]["loc"][-1]
        return _body(InvalidInput.__name__, f"The body is not JSON: wrong at character {where}.")
    if errors[0]["loc"] == ("body",):
        return _body(
            InvalidInput.__name__, "The body must be a JSON object, sent with Content-Type: application/json."
        )
    fields = [".".join(str(part) for part in error["loc"][1:]) for error in errors]
    messages = [
        f"{field}: {error['msg'].removeprefix('Value error, ')}{_shown(error)}."
        for field, error in zip(fields, errors, strict=True)
    ]
    return _body(InvalidInput.__name__, " ".join(messages), fields)


def _shown(error: Mapping[str, Any]) -> str:
    value = error["input"]
    if error["type"] in {"missing", "extra_forbidden"} or not isinstance(value, str | int | float):
        return ""
    text = repr(value)
    return f", not {text[:SHOWN_INPUT_CHARACTERS]}{'…' if len(text) > SHOWN_INPUT_CHARACTERS else ''}"


def _body(kind: str, message: str, fields: Sequence[str] = ()) -> ErrorBody:
    detail = ErrorDetail(type=kind, message=masked(message), fields=[masked(field) for field in fields])
    return ErrorBody(error=detail)
