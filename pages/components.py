"""The one Gradio component of the pages: a view written in plain JavaScript, fed with JSON."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any

import gradio as gr

from codex.access import Scope
from codex.ask.places import Client
from codex.errors import CodexError, Forbidden, InvalidInput
from codex.pages import JSON
from codex.pages.assets import url
from codex.redaction import masked
from codex.server.callers import client_of
from codex.server.visits import Visit, current_visit, signed, visit_of

log = logging.getLogger(__name__)

Call = Callable[[JSON], Any]
Stream = Callable[[JSON, Client | None], Iterator[JSON]]
Calls = Mapping[Scope, Sequence[Call]]
Streams = Mapping[Scope, Mapping[str, Stream]]
NONE: Mapping[Scope, Any] = MappingProxyType({})
TAKES: dict[str, frozenset[Scope]] = {}
"""The scopes that the calls and streams of each view take, by its name."""
UNFIT = (TypeError, ValueError, LookupError, AttributeError, OverflowError)
"""What a function raises over data that its page never sends."""


class Malformed(InvalidInput):
    """Data that no page of ours sends: the call is refused, instead of answered with an error to show."""


class Sent(dict[str, Any]):
    """What a page sends, where a key that is missing is the sender's error."""

    def __missing__(self, key: str) -> Any:
        raise Malformed(f"{key!r} is missing.", [key])


def view(
    name: str,
    config: JSON,
    calls: Calls = NONE,
    streams: Streams = NONE,
) -> gr.HTML:
    """A view: assets/js/<name>/page.js paints it into an empty element.

    config: what the script is given at the start. calls: functions that the script can call and that
    answer at once. streams: generators that the script starts by name; what they yield becomes the
    view's value. Both stand under the scope that they take, and are given what the script sends, an object;
    streams also the client that sends it.

    Gradio evaluates what its templates are given, so nothing but a constant stands in them: values
    travel as properties, and the script builds text nodes of them. It is a plain gr.HTML because for a
    subclass Gradio writes a stub file beside the source.
    """
    TAKES[name] = frozenset(calls) | frozenset(streams)
    events = [event for named in streams.values() for event in named]
    send = ", ".join(f'{event}: (data) => trigger("{event}", data)' for event in events)
    component = gr.HTML(
        elem_id=f"cx-{name}",
        html_template="<div data-view></div>",
        js_on_load=(
            f'import(new URL("{url(f"js/{name}/page.js")}", document.baseURI)).then((view) => '
            f"view.mount({{ element, props, server, watch, send: {{ {send} }} }}))"
        ),
        apply_default_css=False,
        server_functions=[_served(name, call, scope) for scope, those in calls.items() for call in those],
        config=json.dumps(config),
    )
    for scope, named in streams.items():
        for event, run in named.items():
            getattr(component, event)(
                _streamed(name, run, scope),
                outputs=component,
                show_progress="hidden",
                trigger_mode="multiple",
                concurrency_limit=None,
                api_visibility="private",
            )
    return component


def _served(page: str, call: Call, scope: Scope) -> Call:
    """A call as the script sees it: an error that a user can act on travels as its message.

    Raises Malformed.
    """

    def served(data: JSON) -> JSON:
        visit = current_visit()
        try:
            with _logged(visit, f"{page}.{call.__name__}", scope):
                visit.check(scope)
                return {"value": call(_sent(signed(data)))}
        except Malformed:
            raise
        except CodexError as error:
            return {"error": {"message": masked(str(error)), "fields": []}}
        except UNFIT as error:
            raise _malformed(call.__name__, error) from error

    served.__name__ = call.__name__
    return served


def _streamed(page: str, run: Stream, scope: Scope) -> Callable[[gr.EventData, gr.Request], Iterator[JSON]]:
    def streamed(event: gr.EventData, request: gr.Request) -> Iterator[JSON]:
        # Gradio runs it in a task of its own, outside of the request.
        assert request.request is not None
        visit = visit_of(request.request.scope)
        try:
            with _logged(visit, f"{page}.{run.__name__}", scope):
                visit.check(scope)
                states = run(_sent(event._data), client_of(request))
            yield from states
        except CodexError as error:
            raise gr.Error(masked(str(error)), print_exception=False) from error
        except UNFIT as error:
            raise gr.Error(str(_malformed(run.__name__, error)), print_exception=False) from error

    return streamed


@contextmanager
def _logged(visit: Visit, action: str, scope: Scope) -> Iterator[None]:
    """Log what changes something, once it is done or refused; pages read all the time."""
    outcome = 200
    try:
        yield
    except CodexError as error:
        outcome = error.status
        raise
    except UNFIT:
        outcome = Malformed.status
        raise
    finally:
        if scope != "read" or outcome == Forbidden.status:
            visit.log(action, "", outcome)


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
