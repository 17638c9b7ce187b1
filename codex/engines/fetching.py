"""A model from the Hugging Face hub into the models folder: with progress, cancelled and resumed."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

import httpx
import huggingface_hub
from huggingface_hub.errors import RepositoryNotFoundError
from huggingface_hub.utils._headers import build_hf_headers

from codex.errors import ModelError
from codex.hub import TIMEOUT, known_model
from codex.jobs import OnProgress
from codex.private import make_folder, opener

PARTIAL = ".part-"
"""Before the name of what is not whole yet; the next fetch of the same commit resumes it."""
_TRANSFORMERS_FILES = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja")
_DUPLICATES = ("consolidated*",)
"""The same weights once more, in the form of another library."""
_PIECE = 1 << 16


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file of a repository."""

    name: str
    size: int
    sha256: str | None
    """None: the hub knows it of large files alone."""


@dataclass(frozen=True, slots=True)
class HubModel:
    """What is to be fetched: a GGUF file, or the files of a Transformers folder."""

    repository: str
    commit: str
    files: tuple[HubFile, ...]

    @property
    def is_file(self) -> bool:
        """Whether it is a GGUF file."""
        return self.files[0].name.endswith(".gguf")

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)


def hub_model(source: str) -> HubModel:
    """What the hub has under owner/repo or owner/repo/file.gguf. Raises ModelError.

    Of a repository the files of its Transformers model are taken; where it has none, its only GGUF file.
    """
    owner, repo, *inside = source.split("/")
    repository, wanted = f"{owner}/{repo}", "/".join(inside)
    try:
        info = known_model(repository)
    except RepositoryNotFoundError as error:
        raise ModelError(
            f"Hugging Face has no model {repository!r} that you may read. Check the name."
        ) from error
    except Exception as error:
        raise ModelError(
            f"{source} cannot be fetched: the Hugging Face hub cannot be reached ({error}). Check the "
            "network, or put the model's file or folder into the models folder yourself."
        ) from error
    there = {
        it.rfilename: HubFile(it.rfilename, it.size or 0, it.lfs.sha256 if it.lfs else None)
        for it in info.siblings or []
    }
    chosen = [there[name] for name in _chosen(sorted(there), repository, wanted)]
    return HubModel(repository, info.sha or "main", tuple(chosen))


def fetch_model(
    model: HubModel, target: Path, progress: OnProgress | None = None, sha256: str | None = None
) -> Path:
    """Download into the folder of `target` and give it that name when it is whole and verified.

    progress may raise: what is there by then stays, and the next fetch resumes it. sha256: of a single file,
    beside the hub's own. Raises ModelError, OSError.
    """
    part = target.with_name(f"{PARTIAL}{target.name}-{model.commit[:12]}")
    make_folder(part)
    free = shutil.disk_usage(part).free + sum(_size(part / file.name) for file in model.files)
    if free < model.size:
        raise ModelError(
            f"{target.name} takes {model.size / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free in "
            f"{target.parent}. Free some disk space and fetch it again."
        )
    done = 0
    with httpx.Client(follow_redirects=True, timeout=httpx.Timeout(60.0, connect=TIMEOUT)) as client:
        for file in model.files:
            for got in _download(client, model, file, part):
                if progress:
                    progress(done + got, model.size)
            _verify(part / file.name, file.sha256, sha256 if model.is_file else None)
            done += file.size
    if model.is_file:
        (part / model.files[0].name).replace(target)
        shutil.rmtree(part, ignore_errors=True)
    else:
        part.replace(target)
    return target


def _download(client: httpx.Client, model: HubModel, file: HubFile, folder: Path) -> Iterator[int]:
    """The bytes of a file that are here, again and again until they are all."""
    path = folder / file.name
    make_folder(path.parent)
    have = _size(path)
    yield have
    if path.exists() and have == file.size:
        return
    url = huggingface_hub.hf_hub_url(model.repository, file.name, revision=model.commit)
    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    again = "Fetch it again: what is here already stays."
    try:
        with client.stream("GET", url, headers=headers) as response:
            response.raise_for_status()
            resumes = response.status_code == httpx.codes.PARTIAL_CONTENT
            have = have if resumes else 0
            with open(path, "ab" if resumes else "wb", opener=opener) as out:
                for piece in response.iter_bytes(_PIECE):
                    out.write(piece)
                    have += len(piece)
                    yield have
    except httpx.HTTPError as error:
        raise ModelError(f"{file.name} of {model.repository} broke off: {error}. {again}") from error
    if have < file.size:
        raise ModelError(
            f"{file.name} of {model.repository} broke off after {have:,} of {file.size:,} bytes. {again}"
        )


def _verify(path: Path, *expected: str | None) -> None:
    known = [each for each in expected if each]
    if not known:
        return
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    for each in known:
        if found != each:
            path.unlink()
            raise ModelError(
                f"{path.name} has SHA-256 {found}, not {each}: it was changed on the way, or the repository "
                "holds another file now. It was deleted and is not used."
            )


def _chosen(names: Sequence[str], repository: str, wanted: str) -> list[str]:
    """The names of the files to fetch."""
    safe = [name for name in names if ".." not in PurePosixPath(name).parts and not name.startswith("/")]
    packed = [name for name in safe if name.endswith(".gguf")]
    if wanted:
        if wanted not in packed:
            raise ModelError(
                f"{repository} has no file {wanted!r}; its GGUF files: {', '.join(packed) or 'none'}."
            )
        return [wanted]
    flat = [name for name in safe if "/" not in name and not _matches(name, _DUPLICATES)]
    if any(name.endswith(".safetensors") for name in flat):
        return [name for name in flat if _matches(name, _TRANSFORMERS_FILES)]
    if len(packed) != 1:
        choice = f"{len(packed)} GGUF files; name one: {repository}/{', '.join(packed)}" if packed else "none"
        raise ModelError(f"{repository} holds no Transformers model in safetensors, and of GGUF {choice}.")
    return packed


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0
