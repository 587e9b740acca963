"""Real git repositories for tests, made without a work tree where none is needed."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ENVIRONMENT = {
    "PATH": os.environ["PATH"],
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_AUTHOR_DATE": "1700000000 +0100",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
    "GIT_COMMITTER_DATE": "1700000000 +0100",
    "HOME": "/nonexistent",
}


@dataclass(frozen=True)
class File:
    """A file of a commit, when its mode matters."""

    content: bytes
    mode: str = "100644"


Files = Mapping[str, str | bytes | File]


@dataclass(frozen=True)
class Repository:
    """A bare repository."""

    path: Path

    @classmethod
    def create(cls, path: Path, *options: str) -> "Repository":
        git(
            "init", "--quiet", "--bare", "--template=", "--initial-branch=main", *options, str(path)
        )
        return cls(path)

    def git(self, *arguments: str, given: bytes | None = None) -> str:
        return git(f"--git-dir={self.path}", *arguments, given=given)

    def commit(self, files: Files, *, branch: str = "main", message: str = "change") -> str:
        """Make a commit with exactly *files*, after the branch's last one."""
        parent = self.tip(f"refs/heads/{branch}")
        lines = [f"commit refs/heads/{branch}".encode()]
        lines += [b"committer Ada <ada@example.com> 1700000000 +0100", _data(message.encode())]
        lines += [] if parent is None else [f"from {parent}".encode()]
        lines.append(b"deleteall")
        for path, given in files.items():
            file = _as_file(given)
            lines += [f'M {file.mode} inline "{path}"'.encode(), _data(file.content)]
        self.git("fast-import", "--quiet", given=b"\n".join(lines) + b"\n")
        revision = self.tip(f"refs/heads/{branch}")
        assert revision is not None
        return revision

    def commit_tree(self, tree: str, *, branch: str = "main") -> str:
        """Make a first commit of a tree that no honest command would write."""
        revision = self.git("commit-tree", tree, "-m", "odd")
        self.git("update-ref", f"refs/heads/{branch}", revision)
        return revision

    def blob(self, content: bytes) -> str:
        return self.git("hash-object", "-w", "--stdin", given=content)

    def tree(self, *entries: tuple[str, bytes, str]) -> str:
        """Write a tree of (mode, name, object id), whatever the names are."""
        kinds = {"040000": "tree", "160000": "commit"}
        records = [
            f"{mode} {kinds.get(mode, 'blob')} {object_id}\t".encode() + name + b"\0"
            for mode, name, object_id in entries
        ]
        return self.git("mktree", "-z", "--missing", given=b"".join(records))

    def tip(self, ref: str) -> str | None:
        return self.git("for-each-ref", "--format=%(objectname)", ref) or None


def git(*arguments: str, given: bytes | None = None, folder: Path | None = None) -> str:
    done = subprocess.run(
        ["git", *arguments],
        input=given,
        env=ENVIRONMENT,
        cwd=folder,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().strip()


def loosen(clone: Path) -> None:
    """Take the clone's packs apart, so that each object is a file of its own."""
    for pack in clone.glob("objects/pack/*.pack"):
        content = pack.read_bytes()
        pack.unlink()
        pack.with_suffix(".idx").unlink()
        git(f"--git-dir={clone}", "unpack-objects", "-q", given=content)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def inode(path: Path) -> int:
    return path.stat().st_ino


def children() -> list[str]:
    """Return the ids of the git processes that we have started and not yet seen end."""
    started = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [child for child in started if "git" in Path(f"/proc/{child}/comm").read_text()]


def descriptors() -> int:
    """Return how many files we have open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def _as_file(given: str | bytes | File) -> File:
    match given:
        case File():
            return given
        case bytes():
            return File(given)
        case str():
            return File(given.encode())


def _data(content: bytes) -> bytes:
    return f"data {len(content)}\n".encode() + content
