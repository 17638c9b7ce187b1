"""A server with OpenAI's interface in a process of its own, which can be killed and started again.

python -m tests.soak.openai_server PORT
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time

from tests.support.openai_server import Scripted, entry, serving


class Server:
    """Its process, on a port of its own."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self._port}/v1"

    def start(self) -> None:
        """Start it, and wait until it listens."""
        self._process = subprocess.Popen([sys.executable, "-m", "tests.soak.openai_server", str(self._port)])
        while self._process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self._port), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise RuntimeError("the server did not start")

    def stop(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()


if __name__ == "__main__":
    script = Scripted([entry("It", -0.1), entry(" is", -0.2), entry(" so.", -0.3)])
    with serving(script, int(sys.argv[1])):
        threading.Event().wait()
