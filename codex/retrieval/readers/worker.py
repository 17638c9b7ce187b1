"""The process that reads documents: one request per line on its input, responses on its output.

It ends when its input closes, and so with the process that started it, however that one ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from codex.errors import UnreadableDocument
from codex.retrieval.readers.reading import ALIVE, Reading, name_of

MAX_MEMORY = 2 * 2**30
"""Bytes of address space; a parser that needs more fails instead of taking the machine down."""
MEMORY_AT_REST = 512 * 2**20
"""Bytes of memory after a response beyond which the worker ends, to release them."""
BEAT_SECONDS = 0.2
"""Between two heartbeats."""
_GRACE = 5.0
"""Seconds beyond the time limit after which the worker ends itself, if its parent has not."""


def read_here(path: Path, max_bytes: int, alive: Callable[[], None], encoding: str = "") -> Reading:
    """Does what `read` does, in this process and without a time limit. Raises UnreadableDocument.

    alive: called after each page. encoding: a codec named by the user; "": detected.
    """
    from codex.retrieval.readers.file import kind_for, load

    data = load(path, max_bytes)
    name = name_of(path)
    match kind_for(path, data, encoding):
        case "pdf":
            from codex.retrieval.readers.pdf.read import read_pdf

            return read_pdf(data, name, alive)
        case "docx":
            from codex.retrieval.readers.docx.read import read_docx

            return read_docx(data, name)
        case "html":
            from codex.retrieval.readers.html.read import read_html

            return read_html(data, name, encoding)
        case "csv":
            from codex.retrieval.readers.csv import read_csv

            return read_csv(data, name, encoding, tabs=path.suffix.lower() == ".tsv")
        case kind:
            from codex.retrieval.readers.text import read_text

            return read_text(data, name, markdown=kind == "markdown", encoding=encoding)


def respond(request: dict[str, Any], alive: Callable[[], None]) -> tuple[dict[str, Any], bytes]:
    """The header of the response, and the text in UTF-8."""
    path = Path(request["path"])
    try:
        reading = read_here(path, request["max_bytes"], alive, request.get("encoding", ""))
    except UnreadableDocument as error:
        return {"error": str(error)}, b""
    except (ImportError, SyntaxError) as error:
        return {"fault": f"{type(error).__name__}: {error}"}, b""
    except MemoryError:
        return {
            "error": f"{name_of(path)} needs over {MAX_MEMORY // 2**30} GiB of memory to be read. Split it."
        }, b""
    except Exception as error:
        # Whatever a parser stumbles over, it is the file that cannot be read.
        return {
            "error": f"{name_of(path)} cannot be read ({type(error).__name__}); it may be corrupt. "
            "Save it again, or as plain text."
        }, b""
    headings = [(heading.start, heading.level, heading.text) for heading in reading.headings]
    header = {"page_starts": reading.page_starts, "headings": headings, "note": reading.note}
    return header, reading.text.encode()


class _Pulse:
    """Tells the parent regularly that there is progress, and ends this process when there is none."""

    def __init__(self, output: BinaryIO, seconds: float) -> None:
        self._output = output
        self._seconds = seconds
        self._last = 0.0
        self.beat()

    def beat(self) -> None:
        """There is progress."""
        now = time.monotonic()
        if now - self._last < BEAT_SECONDS:
            return
        self._last = now
        # The kernel enforces this deadline even inside a regular expression that never ends.
        signal.setitimer(signal.ITIMER_REAL, self._seconds + _GRACE)
        self._output.write(ALIVE)
        self._output.flush()


def serve(output: BinaryIO) -> None:
    """Respond to requests until the input closes."""
    requests: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=[requests], daemon=True).start()
    output.write(b"ready\n")
    output.flush()
    while True:
        request = json.loads(requests.get())
        pulse = _Pulse(output, request["seconds"])
        header, text = respond(request, pulse.beat)
        signal.setitimer(signal.ITIMER_REAL, 0)
        last = _memory_in_use() > MEMORY_AT_REST
        output.write(json.dumps({**header, "bytes": len(text), "last": last}).encode() + b"\n" + text)
        output.flush()
        if last:
            return


def _listen(requests: queue.SimpleQueue[bytes]) -> None:
    for line in sys.stdin.buffer:
        requests.put(line)
    os._exit(0)


def _memory_in_use() -> int:
    """Bytes of memory in use; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return 0


def limit_memory() -> None:
    """Of this process, where the system supports it."""
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))


def main() -> None:
    """Reserve the output for responses, and serve."""
    # Ctrl-C reaches the whole process group; the parent decides what happens to the file.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    limit_memory()
    serve(output)
    os._exit(0)


if __name__ == "__main__":
    main()
