"""What an installed Codex does, from any folder: `python tests/installed.py` builds the wheel and tries it.

It needs the package index, since the wheel is installed into an environment that holds nothing else.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]


def build(folder: Path) -> Path:
    """The wheel, made from the source distribution, as whoever packages Codex makes it."""
    subprocess.run([sys.executable, "-m", "build", "--outdir", str(folder), str(ROOT)], check=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.split("/")[0] for name in archive.namelist()}
    assert tops == {"codex", f"{wheel.name.removesuffix('-py3-none-any.whl')}.dist-info"}, tops
    return wheel


def install(wheel: Path, folder: Path) -> Path:
    """A new environment with the wheel in it: the folder of its programs."""
    venv.create(folder, with_pip=True)
    programs = folder / "bin"
    constraints = ROOT / "constraints.txt"
    command = [programs / "python", "-m", "pip", "install", "-q", "-c", constraints, wheel]
    subprocess.run(command, check=True)
    return programs


def asks(codex: Path, cwd: Path) -> None:
    said = subprocess.run(
        [codex, "ask", "What is 2 + 2?", "--json"], cwd=cwd, check=True, stdout=subprocess.PIPE
    )
    assert json.loads(said.stdout)["answer"], said.stdout


def classifies(codex: Path, cwd: Path) -> None:
    (cwd / "rows.csv").write_text("text\nWhat is 2 + 2?\n")
    words = ["classify", "rows.csv", "--column", "text", "--labels", "sums,capitals"]
    subprocess.run([codex, *words], cwd=cwd, check=True)
    assert (
        (cwd / "rows.labels.csv").read_text().startswith("text,label,probability_sums,probability_capitals")
    )


def lists_datasets(codex: Path, cwd: Path) -> None:
    said = subprocess.run(
        [codex, "datasets", "list"], cwd=cwd, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    assert all(name in said for name in ("arithmetic", "capitals", "elements", "unanswerable")), said


def serves_pages(codex: Path, cwd: Path) -> None:
    command = [codex, "serve", "--port", "0"]
    program = subprocess.Popen(command, cwd=cwd, stdout=subprocess.PIPE, text=True)
    try:
        assert program.stdout is not None
        address = program.stdout.readline().removeprefix("Codex is on ").strip()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
            page = browser.new_page()
            page.goto(address, timeout=120_000)
            page.get_by_role("textbox").first.wait_for(timeout=120_000)
            page.goto(f"{address}/evaluate", timeout=120_000)
            page.get_by_role("option", name="arithmetic").first.wait_for(state="attached", timeout=120_000)
            browser.close()
    finally:
        program.terminate()
        program.wait()


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["CODEX_HOME"] = str(folder / "home")
        os.environ.pop("PYTHONPATH", None)
        codex = install(build(folder / "dist"), folder / "environment") / "codex"
        subprocess.run([codex, "models", "fetch", "smollm2-135m-instruct"], check=True)
        for check in (lists_datasets, asks, classifies, serves_pages):
            check(codex, folder)
            print(check.__name__.replace("_", " "))


if __name__ == "__main__":
    main()
