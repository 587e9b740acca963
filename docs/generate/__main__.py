"""`make docs`: write docs/reference anew from schemas, commands and code."""

from pathlib import Path

from docs.generate.pages import pages

_REFERENCE = Path(__file__).resolve().parents[1] / "reference"


def main() -> None:
    """Write every page."""
    _REFERENCE.mkdir(exist_ok=True)
    for name, text in pages().items():
        (_REFERENCE / name).write_text(text, "utf-8")


main()
