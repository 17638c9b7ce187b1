"""codex serve: the one process, the HTTP interface with the browser pages mounted on it."""

from __future__ import annotations

import logging
import os
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Annotated

import typer

from codex.ask.workbench import Workbench
from codex.cli.served import announced, refuse
from codex.cli.terminal import Overrides
from codex.errors import InvalidInput, StoreInUse
from codex.origins import is_loopback
from codex.private import UMASK
from codex.settings import load_settings

log = logging.getLogger(__name__)


def command(
    overrides: Overrides = None,
    host: Annotated[
        str | None, typer.Option(help="The address to listen on; the same as server.host=…")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(help="The port to listen on, 0 for a free one; the same as server.port=…"),
    ] = None,
) -> None:
    """Start the workbench: pages and HTTP interface in one process."""
    # An override is one word of Hydra's grammar, in which "::1" stands only between quotes.
    given = [f"server.host='{host}'"] if host is not None else []
    given += [f"server.port={port}"] if port is not None else []
    serve([*(overrides or []), *given])


def serve(overrides: Sequence[str] = ()) -> None:
    """Serve until interrupted. Raises SettingsError, StoreError, InvalidInput when the port is taken.

    Where it is reached from other machines it wants a key or a sign-in; where nobody has one it refuses.
    """
    from codex.pages.shell import mount  # Gradio takes seconds to import.
    from codex.server import create_app
    from codex.server.authentication import access_of
    from codex.server.serving import Server

    os.umask(UMASK)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # It ends as Ctrl-C does, in order.
    wanted = load_settings(overrides)
    access = access_of(wanted)
    if access is not None:
        access.close()
    elif not is_loopback(wanted.server.host):
        log.warning(
            "server.auth=none: everybody who reaches %s may ask, read what is stored, and change it.",
            wanted.server.host,
        )
    try:
        workbench = Workbench.open(overrides)
    except StoreInUse as in_use:
        why = "Open it, or give this one a home of its own (CODEX_HOME)."
        refuse(wanted.home, in_use, why)
    server = workbench.settings.server
    listener = _listen(server.host, server.port)
    workbench.model.load_in_background(measure=True)
    try:
        app = mount(create_app(workbench), workbench)
        serving = Server(app, workbench.stop, server.trusted_proxies, workbench.drain, server.grace_seconds)
        host, port = listener.getsockname()[:2]
        with (
            announced(workbench.settings, host, port, app.state.local_key) as say,
            suppress(KeyboardInterrupt),
        ):
            workbench.model.on_switch = say
            print(f"Codex is on http://{f'[{host}]' if ':' in host else host}:{port}", flush=True)
            serving.run(sockets=[listener])  # interrupted, by then everything has ended in order
    finally:
        workbench.close()


def _listen(host: str, port: int) -> socket.socket:
    """Bound before the model is loaded, so that a taken port is known at once."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.getaddrinfo(host or None, port, family)  # create_server hides what kind of error it was
        return socket.create_server((host, port), family=family)
    except socket.gaierror as error:
        raise InvalidInput(
            f"Cannot listen on {host!r}: no address of this machine has that name. "
            "Choose another host: server.host=127.0.0.1.",
            ["server.host"],
        ) from error
    except OSError as error:
        raise InvalidInput(
            f"Cannot listen on {host}:{port}: {os.strerror(error.errno or 0)}. "
            "Choose another port: server.port=8000.",
            ["server.port"],
        ) from error
