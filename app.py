"""Start the workbench from a checkout: `python app.py [KEY=VALUE]...`, as `codex serve` does."""

from __future__ import annotations

import sys

from codex.cli.serve import serve
from codex.errors import CodexError

if __name__ == "__main__":
    try:
        serve(sys.argv[1:])
    except CodexError as error:
        sys.exit(f"error: {error}")
