"""Fixtures that every room's tests share: a home folder with the default model in it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from absl import logging as absl_logging
from hypothesis import settings

from codex.engines.models import DEFAULT_MODEL, Models, default_home
from codex.threads import spin_briefly
from tests.support.new_database import copied, made_by_steps
from tests.support.shared_data import FOLDER

os.environ.setdefault(FOLDER, str(Path(__file__).parents[2] / "shared" / "data"))

# Before a module of tests imports torch. With two processes on two cores its threads would spend most of the
# processor time on waiting for each other.
spin_briefly()

# rouge-score imports absl, whose handler would keep the stream in which pytest captures the test of that
# moment, and close it when a server configures its logging during a test that has another one.
absl_logging.get_absl_handler().python_handler.stream = sys.__stderr__

LONG = {"browser", "cli", "engines", "server"}
"""Rooms in which one file may take a minute."""

# A busy machine is slow, not incorrect: how long an example takes says nothing.
settings.register_profile("codex", deadline=None)
settings.load_profile("codex")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The rooms of long files first: no process is left with one of them when the others are done."""
    items.sort(key=lambda item: LONG.isdisjoint(item.path.relative_to(Path(__file__).parent).parts))


@pytest.fixture(scope="session", autouse=True)
def new_databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """In the process of the tests a new database is a copy of one that was made once."""
    with copied(tmp_path_factory.mktemp("new-database")):
        yield


@pytest.fixture
def database_by_steps(new_databases: None) -> Iterator[None]:
    """Databases that are made as a user's are: for tests of how they come to be."""
    with made_by_steps():
        yield


@pytest.fixture(scope="session")
def codex_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home that the whole run shares."""
    return _home(tmp_path_factory.mktemp("codex-home"))


@pytest.fixture
def own_home(tmp_path: Path) -> Path:
    """A home of the test's own: only one process at a time may have a database open."""
    return _home(tmp_path / "home")


def _home(home: Path) -> Path:
    """An empty home whose models folder is the user's own, so that nothing is fetched twice."""
    shelf = Models(default_home())
    shelf.resolve(DEFAULT_MODEL)
    (home / "cache").mkdir(parents=True)
    (home / "models").symlink_to(shelf.folder, target_is_directory=True)
    return home


@pytest.fixture(scope="session")
def models(codex_home: Path) -> Models:
    """The shelf of the test home."""
    return Models(codex_home)
