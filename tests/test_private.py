"""What Codex keeps is its owner's alone."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from codex.ask.workbench import Workbench
from codex.datasets.importing import import_file
from codex.errors import SettingsError
from codex.private import make_folder, secret, tighten, tighten_home
from tests.support.scripted import Script, ScriptedEngine
from tests.support.serving import running, workbench

pytestmark = pytest.mark.usefixtures("database_by_steps")


@pytest.fixture(autouse=True)
def generous() -> Iterator[None]:
    """The umask of most systems, which lets everybody read."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def others_can(home: Path) -> dict[str, str]:
    """What others than the owner may do anything with, below the home and itself."""
    paths = [home, *(path for path in home.rglob("*") if not path.is_symlink())]
    return {str(path.relative_to(home.parent)): oct(mode(path)) for path in paths if mode(path) & 0o077}


def test_a_home_that_is_used_is_private_while_it_is_used_and_afterwards(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    rows = tmp_path / "rows.csv"
    good = "".join(f"Capital of country {i}?,City {i}\n" for i in range(9))
    rows.write_text(f"question,answer\n{good},broken\n")  # one row in ten may be rejected
    with running(workbench(home, ScriptedEngine(lambda prompt: Script(["Oslo"])))) as served:
        assert served.http.put("/documents/far/north.txt", content=b"Oslo is a city.").status_code == 201
        assert served.http.post("/infer", json={"query": "Capital?"}).status_code == 200
        served.workbench.index.run()
        assert served.http.get("/passages", params={"query": "Oslo"}).json()
        import_file(rows, home)
        assert (home / "codex.duckdb.wal").exists()
        assert others_can(home) == {}
    assert others_can(home) == {}


def test_a_home_of_an_older_version_is_tightened_when_it_is_opened(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "documents" / "far").mkdir(parents=True)
    (home / "documents" / "far" / "north.txt").write_text("Oslo")
    (home / "index").mkdir()
    (home / "index" / "old.sqlite3").touch()
    (home / "notes.txt").write_text("somebody else's, in a folder that is ours now")
    elsewhere = tmp_path / "models"
    elsewhere.mkdir()
    (home / "models").symlink_to(elsewhere)
    Workbench.open([f"home={home}", "engine=llama_cpp"]).close()
    assert others_can(home) == {"home/notes.txt": "0o644"}
    assert mode(elsewhere) == 0o755


def test_a_folder_that_everybody_may_write_to_is_not_taken_from_them(tmp_path: Path) -> None:
    tmp_path.chmod(0o1777)
    tighten_home(tmp_path)
    assert mode(tmp_path) == 0o1777


def test_a_private_folder_is_looked_into_only_when_asked(tmp_path: Path) -> None:
    make_folder(tmp_path / "a" / "b")
    (tmp_path / "a" / "b" / "file").touch()
    tighten(tmp_path / "a")
    assert mode(tmp_path / "a" / "b" / "file") == 0o644
    tighten(tmp_path / "a", deep=True)
    assert mode(tmp_path / "a" / "b" / "file") == 0o600
    assert [mode(path) for path in (tmp_path / "a", tmp_path / "a" / "b")] == [0o700, 0o700]


def test_what_is_gone_or_a_link_is_no_error(tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.touch(0o644)
    (tmp_path / "link").symlink_to(target)
    tighten(tmp_path / "nowhere")
    tighten(tmp_path / "link")
    assert mode(target) == 0o644


def test_a_secret_is_read_from_its_variable_before_its_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("CODEX_TEST_KEY", raising=False)
    assert secret("CODEX_TEST_KEY") is None
    (tmp_path / "key").write_text("of-the-file\n")
    monkeypatch.setenv("CODEX_TEST_KEY_FILE", str(tmp_path / "key"))
    assert secret("CODEX_TEST_KEY") == "of-the-file"
    monkeypatch.setenv("CODEX_TEST_KEY", "of-the-variable ")
    assert secret("CODEX_TEST_KEY") == "of-the-variable"
    monkeypatch.delenv("CODEX_TEST_KEY")
    monkeypatch.setenv("CODEX_TEST_KEY_FILE", str(tmp_path / "gone"))
    with pytest.raises(SettingsError, match="gone, which cannot be read"):
        secret("CODEX_TEST_KEY")
