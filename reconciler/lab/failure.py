"""The one way in which the embedded fleet fails."""

from typing import ClassVar

from reconciler.errors import ReconcilerError


class LabFailed(ReconcilerError):
    """A part of the embedded fleet did not come up, or went away by itself."""

    reason: ClassVar[str] = "LabFailed"
