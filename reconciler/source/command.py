"""The git command: fixed environment, explicit arguments, a deadline, and no prompt ever.

Nothing that comes from outside is an option here: addresses, refs and object ids are checked
before, and stand behind `--end-of-options`.
"""

import re
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from reconciler.errors import SourceUnavailable, UsageError
from reconciler.source.credential import Credential, presentable
from reconciler.source.location import Location, Transport
from reconciler.source.process import Finished, Invocation, NotStarted, finished
from reconciler.source.settings import GitSettings

_OLDEST = (2, 36)
_VERSION = re.compile(r"git version (\d+)\.(\d+)")
_VERSION_DEADLINE = timedelta(seconds=10)
_MAX_OUTPUT_BYTES = 4 * 1024 * 1024
_PASSED_ON = ("PATH", "HOME", "SSH_AUTH_SOCK", "TMPDIR")
_SLOWEST_BYTES_PER_SECOND = 1000

_CONFIGURATION = {
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    "core.attributesFile": "/dev/null",
    "core.bigFileThreshold": "1m",  # larger ones are streamed, not held
    "credential.helper": "",
    "fetch.recurseSubmodules": "false",
    "gc.auto": "0",
    "maintenance.auto": "false",  # it would go on after the deadline, detached
    "safe.bareRepository": "explicit",
    "transfer.fsckObjects": "true",
}


@dataclass(eq=False)
class GitFailed(Exception):
    """A git command ended with an error; `message` is fit to be shown."""

    command: str
    code: int
    message: str

    def __str__(self) -> str:
        return f"git {self.command} failed ({self.code}): {self.message or 'without a message'}"


class Git:
    """Runs git for one repository; the credential goes to commands that need the network."""

    def __init__(self, location: Location, settings: GitSettings) -> None:
        self._location = location
        self._settings = settings
        self._executable: str | None = None

    async def network(self, *arguments: str, deadline: timedelta, clone: Path | None) -> Finished:
        """Run a command that connects to the repository.

        Raises:
            GitFailed: it ended with an error.
            TimeoutError: it took longer than *deadline*, and was ended with all its children.
            UsageError: there is no usable git.
        """
        credential = self.credential()
        environment = self.environment(credential, protocol=self._location.transport)
        return await self._run(arguments, environment, deadline, clone, credential)

    async def local(
        self,
        *arguments: str,
        deadline: timedelta,
        clone: Path | None,
        also: Mapping[str, str] | None = None,
    ) -> Finished:
        """Run a command that touches nothing but the clone; raises like `network`.

        *also* is what it sees of its environment besides.
        """
        environment = {**self.environment(None), **(also or {})}
        return await self._run(arguments, environment, deadline, clone, None)

    async def invocation(self, clone: Path, *arguments: str) -> Invocation:
        """Return a command on the clone that the caller runs, to read from it as it goes."""
        return Invocation(
            arguments=(await self._git(), f"--git-dir={clone}", *arguments),
            environment=self.environment(None),
        )

    def credential(self) -> Credential | None:
        """Return what to authenticate with: the token of the settings, or the address's own."""
        location = self._location
        if self._settings.token is not None:
            username = location.username or self._settings.username
            return Credential(username=username, password=self._settings.token())
        if location.username or location.password:
            return Credential(username=location.username, password=location.password)
        return None

    def environment(
        self, credential: Credential | None, *, protocol: Transport | None = None
    ) -> Mapping[str, str]:
        """Return all that git sees of the outside; without a *protocol* it reaches nobody."""
        passed = self._settings.environment
        return {
            **{name: passed[name] for name in _PASSED_ON if name in passed},
            "LC_ALL": "C",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ASKPASS": "/bin/false",
            "SSH_ASKPASS": "/bin/false",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_ALLOW_PROTOCOL": protocol or "none",
            "GIT_SSH_COMMAND": self._ssh_command(),
            **_as_environment(self._configuration(credential)),
        }

    def _configuration(self, credential: Credential | None) -> Mapping[str, str]:
        seconds = str(max(1, int(self._settings.stalled_after.total_seconds())))
        configuration = {
            **_CONFIGURATION,
            "http.lowSpeedLimit": str(_SLOWEST_BYTES_PER_SECOND),
            "http.lowSpeedTime": seconds,
            "http.followRedirects": "initial",
        }
        if credential is not None:
            # Git would send the header along to wherever it is redirected.
            configuration["http.followRedirects"] = "false"
            configuration[f"http.{self._location.address}.extraHeader"] = credential.header
        return configuration

    def _ssh_command(self) -> str:
        command = ["ssh", "-oBatchMode=yes", "-oConnectTimeout=10", "-oStrictHostKeyChecking=yes"]
        command += ["-oServerAliveInterval=5", "-oServerAliveCountMax=3"]
        if self._settings.ssh_key is not None:
            command += ["-oIdentitiesOnly=yes", "-i", str(self._settings.ssh_key)]
        if self._settings.ssh_known_hosts is not None:
            command.append(f"-oUserKnownHostsFile={self._settings.ssh_known_hosts}")
        return shlex.join(command)

    async def _run(
        self,
        arguments: tuple[str, ...],
        environment: Mapping[str, str],
        deadline: timedelta,
        clone: Path | None,
        credential: Credential | None,
    ) -> Finished:
        where = () if clone is None else (f"--git-dir={clone}",)
        call = Invocation(
            arguments=(await self._git(), *where, *arguments),
            environment=environment,
            max_file_bytes=self._settings.max_file_bytes,
        )
        done = await _finished(call, deadline, _MAX_OUTPUT_BYTES)
        if done.code and not done.output_cut:
            raise GitFailed(arguments[0], done.code, presentable(done.errors, credential))
        return done

    async def _git(self) -> str:
        if self._executable is None:
            self._executable = await self._found()
        return self._executable

    async def _found(self) -> str:
        needed = f"git >= {_OLDEST[0]}.{_OLDEST[1]}"
        path = self._settings.environment.get("PATH", "")
        executable = shutil.which("git", path=path)
        if executable is None:
            raise UsageError(f"{needed} not found on PATH ({path or 'empty'}); install git")
        call = Invocation(arguments=(executable, "version"), environment={"LC_ALL": "C"})
        try:
            done = await finished(call, deadline=_VERSION_DEADLINE, max_output_bytes=1024)
        except NotStarted as error:
            raise UsageError(f"{needed} not found: {error}") from error
        except TimeoutError as error:
            seconds = _VERSION_DEADLINE.total_seconds()
            hangs = f"{executable} version did not answer within {seconds:g} s"
            raise SourceUnavailable(f"git hangs: {hangs}") from error
        shown = done.output.decode("utf-8", "replace")
        version = _VERSION.match(shown)
        if version is None or (int(version[1]), int(version[2])) < _OLDEST:
            raise UsageError(f"{needed} not found: {executable} is {presentable(shown, None)!r}")
        return executable


async def _finished(call: Invocation, deadline: timedelta, max_output_bytes: int) -> Finished:
    try:
        return await finished(call, deadline=deadline, max_output_bytes=max_output_bytes)
    except NotStarted as error:
        raise SourceUnavailable(str(error)) from error


def _as_environment(configuration: Mapping[str, str]) -> Mapping[str, str]:
    variables = {"GIT_CONFIG_COUNT": str(len(configuration))}
    for index, (key, value) in enumerate(configuration.items()):
        variables[f"GIT_CONFIG_KEY_{index}"] = key
        variables[f"GIT_CONFIG_VALUE_{index}"] = value
    return variables
