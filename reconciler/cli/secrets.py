"""Secrets as the settings name them: read from their place whenever they are needed."""

import os
from collections.abc import Mapping
from pathlib import Path

from reconciler.cli.settings_types import SecretPlace, SecretSource
from reconciler.desired.paths import has_control_character
from reconciler.desired.wording import did_you_mean
from reconciler.errors import SecretUnavailable
from reconciler.model.identity import SecretName
from reconciler.model.secret import Secret

MOST_BYTES = 8192
WELL_KNOWN = frozenset({"dev", "change-me", "change_me", "changeme"})
"""What examples and first tries have; refused where it counts."""


class ConfiguredSecrets:
    """Implements `ports.Secrets`. No message of its errors holds a value."""

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
        if has_control_character(text):
            raise _unavailable(name, f"{where} holds a control character or a second line")
        if text.lower() in WELL_KNOWN and not self._lab:
            message = f"{where} holds a value that everybody knows; set a real one"
            raise _unavailable(name, f"{message}, or controller.lab = true")


class ScriptSecrets:
    """Implements `ports.Secrets` for deploy scripts, which every agent can read."""

    def __init__(self, secrets: ConfiguredSecrets, own: SecretName | None, *, lab: bool) -> None:
        """*own* is the controller's own token for the backend, which no script may carry."""
        self._secrets = secrets
        self._own = own
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
