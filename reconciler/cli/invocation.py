"""What the shared options say, and what follows from them."""

import getpass
from dataclasses import dataclass
from pathlib import Path

from reconciler.cli.settings import Settings, load_settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One call of the command line."""

    config: Path | None
    overrides: tuple[str, ...]
    debug: bool

    def settings(self) -> Settings:
        """Return the settings: file, then environment, then flags.

        Raises:
            UsageError: something in them is wrong; the error says where.
        """
        return load_settings(self.config, self.overrides)

    def user(self) -> str:
        """Return who is asking, as the system knows them."""
        return getpass.getuser()
