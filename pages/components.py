"""The one Gradio component of the pages: a view written in plain JavaScript, fed with JSON."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from codex.ask.places import Client
from codex.errors import CodexError, InvalidInput
from codex.pages import JSON
from codex.pages.assets import url
from codex.redaction import masked
from codex.server.callers import client_of

log = logging.getLogger(__name__)

Call = Callable[[JSON], Any]
Stream = Callable[[JSON, Client | None], Iterator[JSON]]
UNFIT = (TypeError, ValueError, LookupError, AttributeError, OverflowError)
"""What a function raises over data that its page never sends."""


class Malformed(InvalidInput):
    """Data that no page of ours sends: the call is refused, instead of answered with an error to show."""


class Sent(dict[str, Any]):
    """What a page sends, where a key that is missing is the sender's error."""

    def __missing__(self, key: str) -> Any:
        raise Malformed(f"{key!r} is missing.", [key])


def view(
    name: str, config: JSON, calls: Sequence[Call] = (), streams: Mapping[str, Stream] | None = None
) -> gr.HTML:
    """A view: assets/js/<name>/page.js paints it into an empty element.

    config: what the script is given at the start. calls: functions that the script can call and that
    answer at once. streams: generators that the script starts by name; what they yield becomes the
    view's value. Both are given what the script sends, an object; streams also the client that sends it.

    Gradio evaluates what its templates are given, so nothing but a constant stands in them: values
    travel as properties, and the script builds text nodes of them. It is a plain gr.HTML because for a
    subclass Gradio writes a stub file beside the source.
    """
    streams = streams or {}
    send = ", ".join(f'{event}: (data) => trigger("{event}", data)' for event in streams)
    component = gr.HTML(
        elem_id=f"cx-{name}",
        html_template="<div data-view></div>",
        js_on_load=(
            f'import(new URL("{url(f"js/{name}/page.js")}", document.baseURI)).then((view) => '
            f"view.mount({{ element, props, server, watch, send: {{ {send} }} }}))"
        ),
        apply_default_css=False,
        server_functions=[_served(call) for call in calls],
        config=json.dumps(config),
    )
    for event, run in streams.items():
        getattr(component, event)(
            _streamed(run),
            outputs=component,
            show_progress="hidden",
            trigger_mode="multiple",
            concurrency_limit=None,
            api_visibility="private",
        )
    return component


def _served(call: Call) -> Call:
    """A call as the script sees it: an error that a user can act on travels as its message.

    Raises Malformed.
    """

    def served(data: JSON) -> JSON:
        try:
            return {"value": call(_sent(data))}
        except Malformed:
            raise
        except CodexError as error:
            return {"error": {"message": masked(str(error)), "fields": []}}
        except UNFIT as error:
            raise _malformed(call.__name__, error) from error

    served.__name__ = call.__name__
    return served


def _streamed(run: Stream) -> Callable[[gr.EventData, gr.Request], Iterator[JSON]]:
    def streamed(event: gr.EventData, request: gr.Request) -> Iterator[JSON]:
        try:
            yield from run(_sent(event._data), client_of(request))
        except CodexError as error:
            raise gr.Error(masked(str(error)), print_exception=False) from error
        except UNFIT as error:
            raise gr.Error(str(_malformed(run.__name__, error)), print_exception=False) from error

    return streamed


def _sent(value: Any) -> Any:
    if isinstance(value, dict):
        return Sent((key, _sent(one)) for key, one in value.items())
    return [_sent(one) for one in value] if isinstance(value, list) else value


def _malformed(name: str, error: Exception) -> Malformed:
    log.debug("%s failed", name, exc_info=error)
    at = traceback.extract_tb(error.__traceback__)[-1]
    return Malformed(
        f"{name} cannot use what it was sent: {type(error).__name__} at {Path(at.filename).name}:{at.lineno}."
    )
