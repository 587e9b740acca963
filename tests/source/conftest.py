"""What the tests of the source share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.source.git import GitSource
from reconciler.source.settings import GitSettings
from tests.source.repository import ENVIRONMENT, Repository

MakeSource = Callable[[GitSettings], GitSource]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """An empty bare repository."""
    return Repository.create(tmp_path / "repository.git")


@pytest.fixture
def settings(repository: Repository, tmp_path: Path) -> GitSettings:
    """Settings that follow the repository's main branch."""
    return GitSettings(
        repository=str(repository.path),
        ref="main",
        state_folder=tmp_path / "state",
        environment=ENVIRONMENT,
    )


@pytest.fixture
def make_source() -> Iterator[MakeSource]:
    """Make sources that are let go of at the end."""
    made: list[GitSource] = []

    def make(settings: GitSettings) -> GitSource:
        made.append(GitSource(settings))
        return made[-1]

    yield make
    for source in made:
        source.close()
