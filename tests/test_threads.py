"""How threads wait, as it is set before the engines are imported."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from codex.threads import SPINS, spin_briefly

SAID = """
import os
from pathlib import Path
import codex.engines.{module}, codex.threads
codex.threads.SPINS = "17"
{call}
print(os.environ["OMP_WAIT_POLICY"], os.environ["GOMP_SPINCOUNT"])
"""
LLAMA_CPP = """
from codex.engines.base import ModelConfig
from codex.errors import ModelError
try:
    codex.engines.llama_cpp.server.LlamaServer._open(None, Path("none.gguf"), ModelConfig())
except (AttributeError, ModelError):
    pass
"""
TRAINING = "import codex.training"
TORCH = (
    "codex.engines.huggingface.loading.Placement.of(codex.engines.huggingface.loading.HuggingFaceConfig())"
)


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT"):
        monkeypatch.delenv(name, raising=False)


def test_threads_spin_a_moment_and_then_sleep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", os.environ.copy())
    spin_briefly()
    assert (os.environ["OMP_WAIT_POLICY"], os.environ["GOMP_SPINCOUNT"]) == ("active", SPINS)


@pytest.mark.parametrize("own", [{"OMP_WAIT_POLICY": "passive"}, {"GOMP_SPINCOUNT": "0"}])
def test_what_the_user_set_stays_as_it_is(monkeypatch: pytest.MonkeyPatch, own: dict[str, str]) -> None:
    monkeypatch.setattr(os, "environ", dict(own))
    spin_briefly()
    assert os.environ == own


@pytest.mark.parametrize(
    ("module", "call"), [("llama_cpp.server", LLAMA_CPP), ("huggingface.loading", TORCH), ("base", TRAINING)]
)
def test_it_is_set_by_whichever_comes_first(module: str, call: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SAID.format(module=module, call=call)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["active", "17"]
