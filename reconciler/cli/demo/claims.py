"""What the demo says, each sentence with its check."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from reconciler.cli.render import paragraph, width
from reconciler.errors import ReconcilerError

_MARK = "   ok  "


class DemoFailed(ReconcilerError):
    """A claim did not hold, or a part of the demo did not come up."""

    reason = "DemoFailed"
    exit_code: ClassVar[int] = 6


@dataclass(kw_only=True)
class Claims:
    """Prints as it goes; a claim that does not hold ends the demo."""

    say: Callable[[str], None]
    held: list[str] = field(default_factory=list)

    def scene(self, title: str) -> None:
        """Begin a part."""
        self.say(f"\n== {title}")

    def note(self, text: str) -> None:
        """Print something that needs no check: what is about to be done."""
        self.say(paragraph(text, width(), indent="   "))

    def hold(self, sentence: str, *, true: bool, found: object = None) -> None:
        """Claim something that has just been checked.

        Raises:
            DemoFailed: it is not so.
        """
        if not true:
            raise DemoFailed(f"the demo's claim does not hold: {sentence} (found: {found})")
        self.held.append(sentence)
        text = paragraph(sentence, width(), indent=" " * len(_MARK))
        self.say(_MARK + text[len(_MARK) :])
