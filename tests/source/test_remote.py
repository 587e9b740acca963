"""What is said of refs, of which each kind of absence has its own name."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.errors import BranchGone, SourceRefused, SourceUnavailable
from reconciler.source.git import GitSource
from reconciler.source.refusals import DetachedHead, RepositoryEmpty, TagNotBranch
from reconciler.source.settings import GitSettings
from tests.source.repository import ENVIRONMENT, Repository, git

Make = Callable[[GitSettings], GitSource]


async def test_an_empty_repository_is_empty(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    with pytest.raises(RepositoryEmpty) as caught:
        await make_source(settings).fetch()

    assert str(caught.value) == (f"{repository.path}: the repository is empty: push a first commit")


async def test_a_branch_that_is_gone_is_told_with_those_that_are_there(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    for name in ("f", "e", "d", "c", "b", "a"):
        repository.commit({"a.yaml": "1"}, branch=name)

    with pytest.raises(BranchGone) as caught:
        await make_source(settings).fetch()

    assert str(caught.value) == (
        f"{repository.path}: no branch 'main'; it has 'a', 'b', 'c', 'd', 'e', ..."
    )


async def test_a_branch_that_goes_while_it_is_followed_is_gone(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    repository.commit({"a.yaml": "1"})
    source = make_source(settings)
    await source.fetch()
    repository.git("branch", "-m", "main", "trunk")

    with pytest.raises(BranchGone, match="no branch 'main'; it has 'trunk'"):
        await source.fetch()


async def test_a_tag_that_is_gone_is_told_with_those_that_are_there(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    repository.commit({"a.yaml": "1"})
    repository.git("tag", "-a", "-m", "one", "v1", "main")

    with pytest.raises(BranchGone) as caught:
        await make_source(replace(settings, ref="refs/tags/v2")).fetch()

    assert str(caught.value) == f"{repository.path}: no tag 'v2'; it has 'v1'"


async def test_a_tag_is_not_taken_for_a_branch(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    repository.commit({"a.yaml": "1"})
    repository.git("tag", "v1", "main")

    with pytest.raises(TagNotBranch) as caught:
        await make_source(replace(settings, ref="v1")).fetch()

    assert str(caught.value) == (
        f"{repository.path}: 'v1' is a tag, not a branch: to follow it, set 'refs/tags/v1'"
    )


async def test_a_branch_wins_over_a_tag_of_its_name(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    repository.git("tag", "main", repository.commit({"a.yaml": "1"}, branch="other"))
    revision = repository.commit({"a.yaml": "2"})

    assert (await make_source(settings).fetch()).commit.revision == revision


async def test_a_branch_is_not_taken_for_one_that_ends_like_it(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    """Git matches the ends of refs: refs/heads/x/refs/heads/main would do for main."""
    repository.commit({"a.yaml": "1"}, branch="x/refs/heads/main")

    with pytest.raises(BranchGone, match="no branch 'main'"):
        await make_source(settings).fetch()


async def test_a_detached_head_names_no_branch(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    revision = repository.commit({"a.yaml": "1"})
    repository.git("update-ref", "--no-deref", "HEAD", revision)
    (repository.path / "HEAD").write_text(f"{revision}\n")

    with pytest.raises(DetachedHead) as caught:
        await make_source(replace(settings, ref="")).fetch()

    assert str(caught.value) == (
        f"{repository.path}: HEAD is detached at {revision[:12]}: name the branch to follow"
    )


async def test_a_head_that_leads_nowhere_is_not_an_empty_repository(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    repository.commit({"a.yaml": "1"}, branch="other")

    with pytest.raises(BranchGone, match="HEAD names a branch that does not exist"):
        await make_source(replace(settings, ref="")).fetch()


async def test_a_tag_of_something_else_than_a_commit_is_refused(
    repository: Repository, settings: GitSettings, make_source: Make
) -> None:
    repository.commit({"a.yaml": "1"})
    repository.git("tag", "blob", repository.blob(b"x"))

    with pytest.raises(SourceRefused, match="the tag leads to a blob, not to a commit"):
        await make_source(replace(settings, ref="refs/tags/blob")).fetch()


async def test_object_ids_of_sha256_are_named_as_what_they_are(
    settings: GitSettings, make_source: Make, tmp_path: Path
) -> None:
    repository = Repository.create(tmp_path / "sha256.git", "--object-format=sha256")
    repository.commit({"a.yaml": "1"})

    with pytest.raises(SourceRefused, match="sha256 object ids are not supported"):
        await make_source(replace(settings, repository=str(repository.path))).fetch()


@pytest.mark.parametrize("there", [True, False])
async def test_a_folder_that_is_no_repository_is_refused(
    settings: GitSettings, make_source: Make, tmp_path: Path, *, there: bool
) -> None:
    place = tmp_path / "nothing"
    if there:
        place.mkdir()

    with pytest.raises(SourceRefused) as caught:
        await make_source(replace(settings, repository=str(place))).fetch()

    assert str(caught.value) == (
        f"{place}: no repository there: check the address, and that its credential may see it "
        f"(fatal: '{place}' does not appear to be a git repository)"
    )


async def test_a_shallow_clone_has_not_the_history_that_is_needed(
    repository: Repository, settings: GitSettings, make_source: Make, tmp_path: Path
) -> None:
    repository.commit({"a.yaml": "1"})
    repository.commit({"a.yaml": "2"})
    shallow = tmp_path / "shallow"
    git("clone", "--quiet", "--depth=1", repository.path.as_uri(), str(shallow))

    with pytest.raises(SourceRefused, match="is a shallow clone, without its history"):
        await make_source(replace(settings, repository=str(shallow))).fetch()


async def test_a_work_tree_and_its_linked_ones_are_followed(
    repository: Repository, settings: GitSettings, make_source: Make, tmp_path: Path
) -> None:
    revision = repository.commit({"a.yaml": "1"})
    work, linked = tmp_path / "work", tmp_path / "linked"
    git("clone", "--quiet", str(repository.path), str(work))
    git("worktree", "add", "--quiet", "-b", "side", str(linked), folder=work)

    for place, ref in ((work, "main"), (linked, "side"), (linked, "")):
        state = tmp_path / f"state-{place.name}-{ref}"
        followed = replace(settings, repository=str(place), ref=ref, state_folder=state)
        assert (await make_source(followed).fetch()).commit.revision == revision


async def test_ssh_runs_without_a_prompt(
    repository: Repository, settings: GitSettings, make_source: Make, tmp_path: Path
) -> None:
    """A stand-in for ssh that notes how it was called and runs the far side here."""
    revision = repository.commit({"a.yaml": "1"})
    environment = stand_in(
        tmp_path, f'echo "$@" >> {tmp_path}/called; for last; do :; done; eval "$last"'
    )
    address = f"git@host.example:{repository.path}"
    source = make_source(replace(settings, repository=address, environment=environment))

    snapshot = await source.fetch()

    called = (tmp_path / "called").read_text().splitlines()
    assert snapshot.commit.revision == revision
    assert snapshot.origin == address
    assert len(called) == 2
    assert all("-oBatchMode=yes -oConnectTimeout=10" in line for line in called)
    assert all(line.endswith(f"git-upload-pack '{repository.path}'") for line in called)


@pytest.mark.parametrize(
    ("said", "error", "meaning"),
    [
        ("git@h: Permission denied (publickey).", SourceUnavailable, "asks for credentials"),
        ("Host key verification failed.", SourceRefused, "its ssh host key is not known"),
        ("ssh: connect to host h port 22: Connection refused", SourceUnavailable, "down"),
        ("ssh: connect to host h: Connection timed out", SourceUnavailable, "too slow"),
        ("ssh: Could not resolve hostname h: Name or service not known", SourceUnavailable, "its"),
    ],
)
async def test_what_ssh_says_is_told_by_what_it_means(
    settings: GitSettings,
    make_source: Make,
    tmp_path: Path,
    said: str,
    error: type[Exception],
    meaning: str,
) -> None:
    environment = stand_in(tmp_path, f'echo "{said}" >&2; exit 255')
    source = make_source(replace(settings, repository="git@h:a", environment=environment))

    with pytest.raises(error) as caught:
        await source.fetch()

    assert str(caught.value).startswith(f"git@h:a: {meaning}")
    assert "access rights" not in str(caught.value)


def stand_in(folder: Path, script: str) -> dict[str, str]:
    """Return an environment in which ssh is *script*."""
    assert shutil.which("git", path=ENVIRONMENT["PATH"])
    (folder / "bin").mkdir()
    (folder / "bin" / "ssh").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "bin" / "ssh").chmod(0o755)
    return {**ENVIRONMENT, "PATH": f"{folder}/bin:{ENVIRONMENT['PATH']}"}
