"""Secrets as the settings name them: read from their place whenever they are needed."""

import os
import stat
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import structlog

from reconciler.cli.settings.values import GatewaySettings, SecretPlace, SecretSource
from reconciler.desired.paths import has_control_character
from reconciler.desired.wording import did_you_mean
from reconciler.errors import SecretUnavailable
from reconciler.model.download_token import DownloadGrant, TokenKey
from reconciler.model.identity import SecretName
from reconciler.model.secret import Secret
from reconciler.ports import Clock

MOST_BYTES = 8192
LEAST_KEY_CHARACTERS = 32
WELL_KNOWN = frozenset({"dev", "change-me", "change_me", "changeme"})
"""What examples and first tries have; refused where it counts."""

log = structlog.get_logger()


class ConfiguredSecrets:
    """The values that the settings name. No message of an error holds one."""

    def __init__(
        self,
        sources: Mapping[SecretName, SecretSource],
        *,
        lab: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._sources = sources
        self._lab = lab
        self._environment = os.environ if environment is None else environment

    def resolve(self, name: SecretName) -> str:
        """Return the value of *name*, one line end at its end taken off.

        Raises:
            SecretUnavailable: it is not configured, cannot be read, or is not fit to be used.
        """
        return self.read(name).reveal()

    def read(self, name: SecretName) -> Secret:
        """Return the value of *name*, so that it cannot be printed.

        Raises:
            SecretUnavailable: as for `resolve`.
        """
        source = self._sources.get(name)
        if source is None:
            hint = did_you_mean(name, self._sources) or f'; add [secrets.{name}] with env = "NAME"'
            raise SecretUnavailable(f"secret {name}: not in the settings{hint}")
        text = self._text(name, source)
        self._refuse_unfit(name, source, text)
        return Secret(text)

    def _text(self, name: SecretName, source: SecretSource) -> str:
        if source.place is SecretPlace.ENV:
            text = self._environment.get(source.name)
            if text is None:
                raise _unavailable(name, f"environment variable {source.name} is not set")
            return text
        if source.place is SecretPlace.FILE:
            return _read(name, Path(source.name))
        folder = self._environment.get("CREDENTIALS_DIRECTORY")
        if folder is None:
            message = "CREDENTIALS_DIRECTORY is not set: start it by systemd with LoadCredential="
            raise _unavailable(name, message)
        return _read(name, Path(folder) / source.name)

    def _refuse_unfit(self, name: SecretName, source: SecretSource, text: str) -> None:
        where = f"{source.place} {source.name}"
        if not text:
            raise _unavailable(name, f"{where} is empty")
        if len(text.encode(errors="surrogateescape")) > MOST_BYTES:
            raise _unavailable(name, f"{where} holds more than {MOST_BYTES:,} bytes")
        if text.startswith("\ufeff"):
            raise _unavailable(name, f"{where} begins with a byte order mark; save it without one")
        if text != text.strip():
            raise _unavailable(name, f"{where} begins or ends with a blank; take it off")
        if has_control_character(text):
            raise _unavailable(name, f"{where} holds a control character or a second line")
        if text.lower() in WELL_KNOWN and not self._lab:
            message = f"{where} holds a value that everybody knows; set a real one"
            raise _unavailable(name, f"{message}, or controller.lab = true")


class ScriptSecrets:
    """Implements `ports.Secrets` for deploy scripts, which every agent can read."""

    def __init__(
        self,
        secrets: ConfiguredSecrets,
        own: SecretName | None,
        key: Callable[[], TokenKey],
        clock: Clock,
        *,
        lab: bool,
    ) -> None:
        """*own* is the controller's own token for the backend, which no script may carry."""
        self._secrets = secrets
        self._own = own
        self._key = key
        self._clock = clock
        self._lab = lab

    def resolve(self, name: SecretName) -> str:
        """Return the value of *name*.

        Raises:
            SecretUnavailable: it is not to be had, or it is the controller's own token.
        """
        value = self._secrets.resolve(name)
        if not self._lab and self._own is not None and value == self._secrets.resolve(self._own):
            raise _unavailable(name, "it is the controller's own token; give scripts a viewer's")
        return value

    def token(self, grant: DownloadGrant) -> str:
        """See `ports.Secrets`."""
        return self._key().token(grant, self._clock.now())


class GatewayKey:
    """The key of download tokens, read whenever it is needed, as all secrets are."""

    def __init__(self, secrets: ConfiguredSecrets, gateway: GatewaySettings | None) -> None:
        self._secrets = secrets
        self._gateway = gateway

    def __call__(self) -> TokenKey:
        """Return the key.

        Raises:
            SecretUnavailable: there is no gateway, or its key is not to be had, or too short.
        """
        if self._gateway is None:
            raise SecretUnavailable(
                "a knob is {gateway: token}, and serve.gateway is not in the settings; set it, "
                "or write {secret: NAME}"
            )
        name = self._gateway.key.name
        secret = self._secrets.read(name)
        if len(secret.reveal()) < LEAST_KEY_CHARACTERS:
            message = f"a gateway's key has at least {LEAST_KEY_CHARACTERS} characters"
            raise _unavailable(name, f"{message}; make one by: openssl rand -hex 32")
        return TokenKey(secret=secret, epoch=self._gateway.epoch)


def warn_of_readable_files(sources: Mapping[SecretName, SecretSource]) -> None:
    """Log a warning for each file whose value more people can read than need to.

    The group of a file that is not ours is how we read it ourselves, as in a Kubernetes volume.
    """
    if sys.platform == "win32":
        return  # its mode says nothing of who may read it there
    for name, source in sources.items():
        if source.place is SecretPlace.FILE and (fix := _narrower(Path(source.name))):
            log.warning("secret file is readable by others", secret=name, fix=fix)


def _narrower(path: Path) -> str | None:
    """Return the command that lets only those read *path* who must; `None` if none is needed."""
    try:
        found = path.stat()
    except OSError:
        return None  # its reader will report that
    if found.st_uid == os.geteuid():
        wide = found.st_mode & (stat.S_IRGRP | stat.S_IROTH)
        return f"chmod 600 {path}" if wide else None
    return f"chmod o-r {path}" if found.st_mode & stat.S_IROTH else None


def _read(name: SecretName, path: Path) -> str:
    try:
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 3)
        return content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise _unavailable(name, f"file {path} is not valid UTF-8") from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise _unavailable(name, f"file {path} cannot be read: {reason}") from error


def _unavailable(name: SecretName, message: str) -> SecretUnavailable:
    return SecretUnavailable(f"secret {name}: {message}")
