"""The image: what hadolint says of the Dockerfile, and what goes into it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text()


def test_hadolint_finds_nothing() -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    said = subprocess.run([hadolint, "--no-color", ROOT / "Dockerfile"], stdout=subprocess.PIPE, text=True)
    assert (said.returncode, said.stdout) == (0, "")


def test_it_runs_as_nobody_in_particular_and_without_a_secret_in_a_layer() -> None:
    assert re.findall(r"^USER (.*)", DOCKERFILE, re.MULTILINE)[-1] == "10001:10001"
    arguments = set(re.findall(r"^ARG (\w+)", DOCKERFILE, re.MULTILINE))
    assert arguments == {"BASE", "VARIANT"}
    # pip's configuration may hold a password: it is mounted for the one command, and copied nowhere.
    assert "pip.conf" not in "".join(re.findall(r"^(?:COPY|ADD|ENV) .*", DOCKERFILE, re.MULTILINE))


def test_the_context_holds_what_is_copied_and_nothing_else() -> None:
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]
    assert lines[0] == "*"
    let_in = {line.removeprefix("!") for line in lines if line.startswith("!")}
    copies = re.findall(r"^COPY (?!--from)(.*) \S+$", DOCKERFILE, re.MULTILINE)
    assert let_in == {name for line in copies for name in line.split()}


def test_every_needed_package_is_pinned_for_the_image() -> None:
    assert re.search(r"^torch==", (ROOT / "constraints.txt").read_text(), re.MULTILINE)
