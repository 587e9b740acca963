"""Put together what is configured everywhere, or report everything that is wrong with it."""

import os
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from reconciler.cli.settings.decode import Platform, decode_settings
from reconciler.cli.settings.file import read_settings_file
from reconciler.cli.settings.layers import from_environment, from_flags, layered
from reconciler.cli.settings.rules import broken_rules
from reconciler.cli.settings.values import Settings
from reconciler.desired.node import Document
from reconciler.desired.schemas import Kind
from reconciler.desired.validate import check, sorted_faults
from reconciler.errors import Fault, UsageError

DEFAULT_FILE = Path("reconciler.toml")


class InvalidSettings(UsageError):
    """The settings have faults; all of them, each with its place."""

    reason = "InvalidSettings"

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        super().__init__(faults)
        self.faults = faults

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)


def load_settings(
    config: Path | None = None,
    overrides: tuple[str, ...] = (),
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """Return the settings of *config*, else of ./reconciler.toml if that exists.

    *overrides* are `key=value` with dotted keys; *environment* is the process's when left out.

    Raises:
        InvalidSettings: with all faults at once.
    """
    variables = os.environ if environment is None else environment
    path = config if config is not None else DEFAULT_FILE if DEFAULT_FILE.is_file() else None
    layers = [*from_environment(variables), from_flags(overrides)]
    if path is not None:
        layers.insert(0, read_settings_file(path))
    broken = [layer for layer in layers if isinstance(layer, Fault)]
    root = layered([layer for layer in layers if not isinstance(layer, Fault)])
    faults = [*broken, *check(Document(root, ""), Kind.SETTINGS).faults]
    if not faults:
        settings = decode_settings(
            root,
            path,
            Platform(host=socket.gethostname(), system=sys.platform, environment=variables),
        )
        if isinstance(settings, Fault):
            faults.append(settings)
        else:
            faults += broken_rules(settings, root)
            if not faults:
                return settings
    raise InvalidSettings(sorted_faults(faults))
