"""A watcher goes on through a moment without an answer, and says so once."""

from reconciler.cli.render import complain
from reconciler.errors import ReconcilerError


class Waiting:
    """Whether an answer is being waited for."""

    def __init__(self) -> None:
        self._told = False

    def go_on(self, error: ReconcilerError) -> None:
        """Say that there is no answer, unless that was said since the last one."""
        if not self._told:
            complain(f"waiting: {error}")
        self._told = True

    def over(self) -> None:
        """There was an answer."""
        self._told = False
