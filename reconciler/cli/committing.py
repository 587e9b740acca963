"""A few files committed, in whatever clone they are in, on a branch or a new one, and pushed."""

import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.errors import UsageError

_REMOTE = "origin"


@dataclass(frozen=True, slots=True)
class Clone:
    """The clone that *folder* is in; its errors name the first of *files*."""

    folder: Path
    files: Sequence[Path]

    def begin_branch(self, name: str) -> None:
        """Begin the branch *name* where the clone stands, and go on there.

        Raises:
            UsageError: git does not begin it, as when there is one of that name.
        """
        self._git("no branch was begun", "switch", "--quiet", "--create", name)

    def is_committed(self) -> bool:
        """True when the files are in the last commit as they are."""
        return not self._git("not committed", "status", "--porcelain", "--", *self._names())

    def commit(self, message: str) -> str:
        """Commit the files and nothing else; return what git says of the commit.

        Raises:
            UsageError: they are not committed.
        """
        what = "edited, but git did not commit it"
        self._git(what, "add", "--", *self._names())
        arguments = ("commit", "-m", message, "--", *self._names())
        try:
            return self._git(what, *arguments)
        except UsageError as error:
            who = "git config user.name NAME; git config user.email MAIL; "
            command = shlex.join(["git", "-C", str(self.folder), *arguments])
            message = f"{error}; mend that, then: {'' if self._knows_who() else who}{command}"
            raise UsageError(message) from error

    def push(self) -> str:
        """Push the branch that the clone is on, under its own name; return where to.

        Raises:
            UsageError: the remote has not taken it.
        """
        what = f"committed, but not pushed to {_REMOTE}"
        self._git(what, "push", "--quiet", "--set-upstream", _REMOTE, "HEAD")
        return f"{_REMOTE} {self._git(what, 'branch', '--show-current')}"

    def _knows_who(self) -> bool:
        """True when git has somebody to name as the author."""
        try:
            return bool(self._git("no author", "var", "GIT_AUTHOR_IDENT"))
        except UsageError:
            return False

    def _names(self) -> list[str]:
        return [f":(literal){file.relative_to(self.folder).as_posix()}" for file in self.files]

    def _git(self, failure: str, *arguments: str) -> str:
        command = ["git", "-C", str(self.folder), *arguments]
        subject = f"{self.files[0]}: {failure}"
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        except FileNotFoundError as error:
            raise UsageError(f"{subject}: git is not on PATH") from error
        if done.returncode != 0:
            reason = (done.stderr or done.stdout).strip().splitlines() or ["no reason given"]
            raise UsageError(f"{subject}: {reason[-1]}")
        return (done.stdout.strip().splitlines() or [""])[0]
