"""All pages of the reference, by the name of their file."""

from collections.abc import Mapping

from docs.generate.commands import commands
from docs.generate.exit_codes import exit_codes
from docs.generate.failures import failures
from docs.generate.metrics import metrics
from docs.generate.permissions import permissions
from docs.generate.schemas import desired_state, settings
from docs.generate.status import status

NOTE = "<!-- Made by `make docs`; changes go where it reads. -->\n\n"


def pages() -> Mapping[str, str]:
    """Return each page's text."""
    texts = {
        "commands.md": commands(),
        "desired-state.md": desired_state(),
        "exit-codes.md": exit_codes(),
        "failures.md": failures(),
        "metrics.md": metrics(),
        "permissions.md": permissions(),
        "settings.md": settings(),
        "status.md": status(),
    }
    return {name: f"{NOTE}{text.rstrip()}\n" for name, text in texts.items()}
