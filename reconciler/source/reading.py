"""A bare clone read through GitPython; everything here blocks, and belongs to one thread.

Every object is checked against its own id, so that what is returned is what the commit names,
whatever has happened to the disk. GitPython is given ids and refs of ours alone: nothing that
comes from outside reaches its command line.
"""

import binascii
import configparser
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.desired.wording import did_you_mean, listed
from reconciler.errors import SourceRefused
from reconciler.model.identity import Revision
from reconciler.model.snapshot import Commit
from reconciler.source.entries import Entry, parsed
from reconciler.source.refusals import CloneDamaged

if TYPE_CHECKING:
    import git

_MAX_OBJECT_BYTES = 4 * 1024 * 1024
_MAX_DEPTH = 32
_SUBJECT_AT_MOST = 200


class ObjectReader:
    """The objects of an opened clone."""

    def __init__(self, repo: "git.Repo") -> None:
        self._repo = repo

    def object_id(self, ref: str) -> str:
        """Return the id that *ref*, one of our own, holds; the object itself is not checked."""
        import git  # noqa: PLC0415 - see `opened`

        return git.SymbolicReference.dereference_recursive(self._repo, ref)

    def revision(self, ref: str) -> Revision:
        """Return the commit that *ref*, one of our own, is at; a tag is followed.

        Raises:
            SourceRefused: it leads to something that is no commit.
        """
        import git  # noqa: PLC0415 - see `opened`

        found = git.Reference(self._repo, ref).object
        self.data(found.hexsha, found.type)
        while isinstance(found, git.TagObject):
            found = found.object
            self.data(found.hexsha, found.type)
        if not isinstance(found, git.Commit):
            raise SourceRefused(f"the tag leads to a {found.type}, not to a commit")
        return Revision(found.hexsha)

    def commit(self, revision: Revision) -> Commit:
        """Return who made *revision*, when, and what for."""
        import git  # noqa: PLC0415 - see `opened`

        self.data(revision, "commit")
        found = git.Commit(self._repo, binascii.unhexlify(revision))
        message = found.message
        text = message.decode("utf-8", "replace") if isinstance(message, bytes) else message
        return Commit(
            revision=revision,
            subject=_one_line(text.lstrip().partition("\n")[0]),
            author=_one_line(f"{found.author.name} <{found.author.email}>"),
            committed_at=found.committed_datetime.astimezone(UTC),
        )

    def entries(self, revision: Revision, folder: str, at_most: int) -> tuple[Entry, ...]:
        """Return all that is below *folder*, with paths relative to it, folders as well.

        Raises:
            SourceRefused: the commit has no such folder, or too much in it.
        """
        found: list[Entry] = []
        left = [("", self._folder(revision, folder))]
        while left:
            prefix, tree = left.pop()
            here = list(parsed(self.data(tree, "tree"), prefix))
            found += here
            if len(found) > at_most or prefix.count("/") > _MAX_DEPTH:
                what = f"more than {at_most:,} entries, or folders deeper than {_MAX_DEPTH}"
                raise SourceRefused(
                    f"commit {revision[:12]}: {folder or 'its top'} has {what}: "
                    "point the settings' folder at the desired state alone"
                )
            left += ((f"{entry.path}/", entry.object_id) for entry in here if entry.is_folder)
        return tuple(sorted(found, key=lambda entry: entry.path))

    def size(self, object_id: str) -> int:
        """Return the size of an object without reading it."""
        return int(self._repo.odb.info(binascii.unhexlify(object_id)).size)

    def data(self, object_id: str, kind: str) -> bytes:
        """Return an object whole, checked against its id; for small ones alone."""
        if (size := self.size(object_id)) > _MAX_OBJECT_BYTES:
            raise SourceRefused(f"{kind} {object_id[:12]} is {size:,} bytes; a sane one is smaller")
        # The stream must be gone before the repository is closed: it reads on in its __del__.
        content = bytes(self._repo.odb.stream(binascii.unhexlify(object_id)).read())
        header = f"{kind} {len(content)}\0".encode()
        if hashlib.sha1(header + content, usedforsecurity=False).hexdigest() != object_id:
            raise CloneDamaged(f"{kind} {object_id[:12]} does not match its id")
        return content

    def _folder(self, revision: Revision, folder: str) -> str:
        header = self.data(revision, "commit").partition(b"\n")[0]
        tree = header.removeprefix(b"tree ").decode("ascii")
        for part in folder.split("/") if folder else ():
            below = {entry.path: entry for entry in parsed(self.data(tree, "tree"), "")}
            if part not in below:
                folders = [name for name, entry in below.items() if entry.is_folder]
                hint = did_you_mean(part, folders) or f"; it has {listed(folders) or 'no folders'}"
                missing = f"commit {revision[:12]}: there is no folder {folder!r} in it"
                raise SourceRefused(f"{missing}{hint}")
            if not below[part].is_folder:
                message = f"commit {revision[:12]}: {folder!r} is no folder: {part!r} is a file"
                raise SourceRefused(f"{message}; give the folder that holds releases/ and jobs/")
            tree = below[part].object_id
        return tree


@contextmanager
def opened(clone: Path, environment: Mapping[str, str]) -> Iterator[ObjectReader]:
    """Open *clone* for reading; its two `git cat-file` children end with the context.

    GitPython is imported here, since where there is no git it refuses to be imported at all.

    Raises:
        CloneDamaged: something in it cannot be read.
    """
    import git  # noqa: PLC0415

    try:
        with closing(git.Repo(clone, expand_vars=False)) as repo:
            # A hook's GIT_DIR in our own environment would lead the children elsewhere.
            repo.git.update_environment(
                **environment,
                GIT_DIR=str(clone),
                GIT_OBJECT_DIRECTORY=str(clone / "objects"),
                GIT_ALTERNATE_OBJECT_DIRECTORIES="",
            )
            yield ObjectReader(repo)
    except (git.GitError, configparser.Error, ValueError, LookupError, OSError) as error:
        raise CloneDamaged(f"{clone}: {type(error).__name__}: {error}") from error


def _one_line(text: str) -> str:
    line = "".join(character if character.isprintable() else " " for character in text)
    return line.strip()[:_SUBJECT_AT_MOST]
