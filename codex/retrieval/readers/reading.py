"""Reads a document: its text, pages and headings, parsed in a separate process.

A parser that hangs, exhausts memory or crashes costs that process and that document only.
"""

from __future__ import annotations

import atexit
import json
import os
import select
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codex.errors import Cancelled, RetrievalError, UnreadableDocument

SUFFIXES = frozenset({".txt", ".md", ".markdown", ".html", ".htm", ".pdf", ".docx", ".csv", ".tsv"})
"""Supported formats, in lower case."""

ALIVE = b"alive\n"
"""Sent by the worker while it makes progress."""
LONGEST = 20
"""Time limit of a whole document, as a multiple of that of a part."""
START_SECONDS = 30.0
"""Within which a worker must start, even on a busy machine."""
_TICK = 0.1
"""Seconds between two checks of the cancel event."""


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of a document."""

    start: int
    """Its offset in the text, in characters."""
    level: int
    """1 is the outermost."""
    text: str


@dataclass(frozen=True, slots=True)
class Reading:
    """The content of a document."""

    text: str
    """What is chunked, searched and shown: NFC, lines ended by \\n, no control characters, no hidden text."""
    page_starts: tuple[int, ...]
    """The offset at which each page begins; () where the format has no pages."""
    headings: tuple[Heading, ...]
    """In order of the text."""
    note: str = ""
    """What the text leaves out, e.g. "2 of 7 pages have no text (scans?); 3 images without text"."""


def read(
    path: Path,
    max_bytes: int,
    seconds: float = 60.0,
    cancel: threading.Event | None = None,
    encoding: str = "",
) -> Reading:
    """The text of a document.

    max_bytes: larger files are refused. seconds: the time limit; for a PDF, of each page.
    encoding: a codec named by the user for a text, CSV or HTML file; "": detected.
    Raises UnreadableDocument, whose message names the file, Cancelled, and RetrievalError where a parser is
    not installed.
    """
    response, text = _READER.request(path, max_bytes, seconds, cancel, encoding)
    if "fault" in response:
        raise RetrievalError(f"Documents cannot be read ({response['fault']}). Reinstall Codex.")
    if "error" in response:
        raise UnreadableDocument(response["error"])
    headings = tuple(Heading(*fields) for fields in response["headings"])
    return Reading(text, tuple(response["page_starts"]), headings, response["note"])


def name_of(path: Path) -> str:
    """The name of a file, safe to show: no control characters, no broken encoding."""
    name = os.fsencode(path.name or str(path)).decode("utf-8", "replace")
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in name)


class _Died(Exception):
    """The worker ended before it responded."""


class _Reader:
    """The worker process: started at first use and reused, for one file at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._ended = False

    def request(
        self, path: Path, max_bytes: int, seconds: float, cancel: threading.Event | None, encoding: str
    ) -> tuple[dict[str, Any], str]:
        """The worker's response, and the text that comes with it."""
        while not self._lock.acquire(timeout=_TICK):
            _stop_if(cancel, path)
        try:
            _stop_if(cancel, path)
            return self._exchange(path, max_bytes, seconds, cancel, encoding)
        except TimeoutError:
            part = " for a page" if path.suffix.lower() == ".pdf" else ""
            raise UnreadableDocument(
                f"{name_of(path)} takes too long to read: over {seconds:g} seconds{part}. "
                "Split it, or save it as plain text."
            ) from None
        except (_Died, BrokenPipeError):
            if self._ended:
                raise Cancelled(f"Codex was closed while it was reading {name_of(path)}.") from None
            raise UnreadableDocument(
                f"Reading {name_of(path)} crashed its parser. Save it again, or as plain text."
            ) from None
        finally:
            self._lock.release()

    def close(self) -> None:
        """Stop the worker; the next file starts another."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def end(self) -> None:
        """Stop the worker for good. The file it is reading is cancelled, not reported as unreadable."""
        self._ended = True
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _exchange(
        self, path: Path, max_bytes: int, seconds: float, cancel: threading.Event | None, encoding: str
    ) -> tuple[dict[str, Any], str]:
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._start(cancel, path)
        process = self._process
        assert process is not None
        assert process.stdin is not None
        last_moment = time.monotonic() + LONGEST * seconds
        message = {
            "path": str(path.absolute()),
            "max_bytes": max_bytes,
            "seconds": seconds,
            "encoding": encoding,
        }
        responded = False
        try:
            process.stdin.write(json.dumps(message).encode() + b"\n")
            process.stdin.flush()
            received = bytearray()
            header = ALIVE
            while header == ALIVE:
                deadline = min(time.monotonic() + seconds, last_moment)
                while b"\n" not in received:
                    received += _receive(process, deadline, cancel, path)
                end = received.index(b"\n") + 1
                header = bytes(received[:end])
                del received[:end]
            response: dict[str, Any] = json.loads(header)
            while len(received) < response["bytes"]:
                received += _receive(process, deadline, cancel, path)
            responded = True
        finally:
            # One that was interrupted would send this response to the next request.
            if not responded:
                self.close()
        if response["last"]:
            self.close()
        return response, received.decode()

    def _start(self, cancel: threading.Event | None, path: Path) -> None:
        """Start a worker, which imports only the parsers that it needs."""
        package_root = str(Path(__file__).resolve().parents[3])
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "codex.retrieval.readers.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": package_root, "PYTHONWARNINGS": "ignore"},
        )
        ready = False
        try:
            ready = _receive(self._process, time.monotonic() + START_SECONDS, cancel, path) == b"ready\n"
        except (_Died, TimeoutError):
            raise RetrievalError(
                "Documents cannot be read: the reader process did not start. Reinstall Codex."
            ) from None
        finally:
            if not ready:
                self.close()


def _receive(
    process: subprocess.Popen[bytes], deadline: float, cancel: threading.Event | None, path: Path
) -> bytes:
    """The next bytes from the worker. Raises Cancelled, TimeoutError and _Died."""
    assert process.stdout is not None
    while True:
        _stop_if(cancel, path)
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        ready, _, _ = select.select([process.stdout], [], [], min(left, _TICK))
        if ready:
            received = os.read(process.stdout.fileno(), 2**20)
            if not received:
                raise _Died
            return received


def _stop_if(cancel: threading.Event | None, path: Path) -> None:
    if cancel is not None and cancel.is_set():
        raise Cancelled(f"Reading {name_of(path)} was cancelled.")


_READER = _Reader()
atexit.register(_READER.end)
