"""Where the keys of a TOML text stand; `tomllib` does not report that.

It is given text that `tomllib` has read, so it need not judge, only walk.
"""

import re

from reconciler.desired.node import Path

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r"[ \t]*(?:\"((?:[^\"\\]|\\.)*)\"|'([^']*)'|([A-Za-z0-9_-]+))[ \t]*(\.?)")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"""+' r"|'''.*?'''+" r'|"(?:[^"\\\n]|\\.)*"' r"|'[^'\n]*'", re.DOTALL
)
_BARE = re.compile(r"[^,\]}#\n]*")


def toml_places(text: str) -> dict[Path, tuple[int, int]]:
    """Return line and column, from 1, of the key of every value and table in *text*."""
    return _Walk(text).places


class _Walk:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._line = 1
        self._counted = 0
        self.places: dict[Path, tuple[int, int]] = {}
        self._arrays: dict[Path, int] = {}
        self._document()

    def _document(self) -> None:
        table: Path = ()
        self._skip()
        while self._at < len(self._text):
            if self._text.startswith("[", self._at):
                table = self._header()
            else:
                self._entry(table)
            self._skip()

    def _header(self) -> Path:
        brackets = 2 if self._text.startswith("[[", self._at) else 1
        self._at += brackets
        self._skip()
        place = self._place()
        path = self._key(())
        self._at = self._text.find("]" * brackets, self._at) + brackets
        if brackets == 2:
            index = self._arrays[path] = self._arrays.get(path, -1) + 1
            self.places[(*path, index)] = place
            return (*path, index)
        return path

    def _entry(self, table: Path) -> None:
        path = self._key(table)
        self._at = self._text.find("=", self._at) + 1
        self._value(path)

    def _key(self, table: Path) -> Path:
        """Read a dotted key, and note the place of each of its parts."""
        self._skip()
        path = table
        while match := _KEY.match(self._text, self._at):
            name = match[1] or match[2] or match[3] or ""
            path = (*path, name)
            self.places.setdefault(path, self._place())
            self._at = match.end()
            if not match[4]:
                break
        return path

    def _value(self, path: Path) -> None:
        self._skip()
        opening = self._text[self._at : self._at + 1]
        if opening == "[":
            self._list(path)
        elif opening == "{":
            self._inline_table(path)
        else:
            match = _STRING.match(self._text, self._at) or _BARE.match(self._text, self._at)
            self._at = match.end() if match else len(self._text)

    def _list(self, path: Path) -> None:
        self._at += 1
        index = 0
        while self._more("]"):
            self.places[(*path, index)] = self._place()
            self._value((*path, index))
            index += 1

    def _inline_table(self, path: Path) -> None:
        self._at += 1
        while self._more("}"):
            self._entry(path)

    def _more(self, closing: str) -> bool:
        """Skip to the next item; false, and past the end, when there is none."""
        self._skip()
        if self._text.startswith(",", self._at):
            self._at += 1
            self._skip()
        if self._at < len(self._text) and not self._text.startswith(closing, self._at):
            return True
        self._at += 1
        return False

    def _skip(self) -> None:
        match = _BLANK.match(self._text, self._at)
        self._at = match.end() if match else self._at

    def _place(self) -> tuple[int, int]:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line, self._at - self._text.rfind("\n", 0, self._at)
