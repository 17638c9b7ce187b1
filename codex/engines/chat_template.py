"""A model's chat template is a program that comes with the weights: before it is used, it has to end."""

from __future__ import annotations

import subprocess
import sys
from functools import lru_cache

from codex.errors import ModelError

SECONDS = 5
"""Of processor time, which a template of a page takes a thousandth of."""
MEGABYTES = 512
PATIENCE = 60.0
"""Seconds of waiting, however busy the machine is."""
_TOO_MUCH = 3
# As Transformers renders it, which imports in a second what this takes a tenth of.
_RENDERS = """
import datetime, re, resource, sys
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment
seconds, size, template = int(sys.argv[1]), int(sys.argv[2]), sys.stdin.read()
resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
resource.setrlimit(resource.RLIMIT_AS, (size, size))
template = re.sub("{%[-+]?\\s*(end)?generation\\s*[-+]?%}", "", template)
def refuse(words):
    raise ValueError(words)
def now(form):
    return datetime.datetime.now().strftime(form)
turns = [{"role": role, "content": "It is so."} for role in ("system", "user", "assistant", "user")]
try:
    given = {"messages": turns, "add_generation_prompt": True, "bos_token": "", "eos_token": ""}
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols]
    )
    environment.globals |= {"raise_exception": refuse, "strftime_now": now}
    environment.from_string(template).render(**given)
except MemoryError:
    sys.exit(3)
except Exception:
    sys.exit(0)
"""


def check_template(template: str, model: str) -> None:
    """Render a short conversation in a process of its own, which may use little time and memory.

    model: what the user calls it. What a template says is not judged here, nor that it fails: whoever uses
    it finds that. Raises ModelError where it does not end, or takes too much.
    """
    if template and not _ends(template):
        raise ModelError(
            f"The chat template of {model} takes more than {SECONDS} seconds or {MEGABYTES} MB for four "
            "short messages: it may be made to do harm. Take another file of the model."
        )


@lru_cache(64)
def _ends(template: str) -> bool:
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", _RENDERS, str(SECONDS), str(MEGABYTES * 2**20)],
            input=template.encode("utf-8", "replace"),
            capture_output=True,
            timeout=PATIENCE,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode >= 0 and done.returncode != _TOO_MUCH
