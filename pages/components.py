"""The one Gradio component of the pages: a view written in plain JavaScript, fed with JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from codex.errors import CodexError
from pages import JSON

ASSETS = Path(__file__).parent.parent / "assets"
ASSETS_URL = "codex-assets"
"""Where the pages' own files are served, below the root."""

Call = Callable[[JSON], Any]
Stream = Callable[..., Any]


def view(
    name: str, config: JSON, calls: Sequence[Call] = (), streams: Mapping[str, Stream] | None = None
) -> gr.HTML:
    """A view: static markup in assets/<name>.html, behaviour in assets/js/<name>.js.

    config: what the script is given at the start. calls: functions that the script can call and that
    answer at once. streams: generators that the script starts by name; what they yield becomes the
    view's value.

    Gradio evaluates what its templates are given, so nothing but a constant stands in them: values
    travel as properties, and the script builds text nodes of them. It is a plain gr.HTML because for a
    subclass Gradio writes a stub file beside the source.
    """
    streams = streams or {}
    send = ", ".join(f'{event}: (data) => trigger("{event}", data)' for event in streams)
    component = gr.HTML(
        elem_id=f"cx-{name}",
        html_template=(ASSETS / f"{name}.html").read_text(encoding="utf-8"),
        js_on_load=(
            f'import(new URL("{ASSETS_URL}/js/{name}.js", document.baseURI)).then((view) => '
            f"view.mount({{ element, props, server, watch, send: {{ {send} }} }}))"
        ),
        apply_default_css=False,
        server_functions=[_served(call) for call in calls],
        config=json.dumps(config),
    )
    for event, run in streams.items():
        getattr(component, event)(
            run,
            outputs=component,
            show_progress="hidden",
            trigger_mode="multiple",
            concurrency_limit=None,
            api_visibility="private",
        )
    return component


def _served(call: Call) -> Call:
    """A call as the script sees it: an error that a user can act on travels as its message."""

    def served(data: JSON) -> JSON:
        try:
            return {"value": call(data)}
        except CodexError as error:
            return {"error": {"message": str(error), "fields": []}}

    served.__name__ = call.__name__
    return served
