"""What the shared options say, and what follows from them."""

import getpass
from dataclasses import dataclass
from pathlib import Path

import click

from reconciler.cli.secrets import warn_of_readable_files
from reconciler.cli.settings import Settings, load_settings

ACCEPT_REWRITE = click.option(
    "--accept-rewrite",
    is_flag=True,
    help="Follow a branch that does not descend from the commit that was applied last.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    """One call of the command line."""

    config: Path | None
    overrides: tuple[str, ...]
    debug: bool

    def settings(self, *, accept_rewrite: bool = False) -> Settings:
        """Return the settings: file, then environment, then flags.

        *accept_rewrite* is the setting of that name as a flag of its own. A file of a secret that
        others can read is warned of.

        Raises:
            UsageError: something in them is wrong; the error says where.
        """
        more = ("source.accept_rewrite=true",) if accept_rewrite else ()
        settings = load_settings(self.config, (*self.overrides, *more))
        warn_of_readable_files(settings.secrets)
        return settings

    def user(self) -> str:
        """Return who is asking, as the system knows them."""
        return getpass.getuser()
