"""Tables and sentences for a terminal: readable without colour, and as wide as it is."""

import json
import os
import shutil
import sys
import textwrap
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import TextIO, cast

import click
import msgspec
import yaml

from reconciler.model.control import CONTROL, without_control
from reconciler.model.identity import Json

_GAP = 2
_NARROWEST = 60
_READABLE = 28


class Output(StrEnum):
    """What `-o` takes."""

    TABLE = "table"
    TEXT = "text"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"

    @property
    def is_data(self) -> bool:
        """True for what a machine reads."""
        return self in (Output.JSON, Output.YAML)


def width() -> int:
    """Return how wide the terminal is, in columns."""
    return max(_NARROWEST, shutil.get_terminal_size((100, 24)).columns)


def printable(text: str) -> str:
    """Return *text* on one line and without what a terminal would obey: hosts may say anything."""
    return without_control(text.replace("\n", " ").replace("\t", " "))


def counted(number: int, noun: str) -> str:
    """Return how many there are, with the noun: `1 release`, `2 releases`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], columns: int) -> str:
    """Return a table in Flux's shape; the last column takes the rest and wraps below itself.

    Where that rest is too narrow to be read, or for a word of it, each row's last cell stands on
    lines of its own; so do, with their names, columns before it that do not fit either.
    """
    cells = [[printable(cell) or "-" for cell in row] for row in rows]
    widths = [
        max(len(header), *(len(row[index]) for row in cells), 0)
        for index, header in enumerate(headers[:-1])
    ]
    start = sum(width + _GAP for width in widths)
    longest = max((len(word) for row in cells for word in row[-1].split()), default=0)
    below = columns - start < max(_READABLE, longest)
    while below and len(widths) > 1 and sum(width + _GAP for width in widths) - _GAP > columns:
        widths.pop()
    lines = [_start(headers, widths) + ("" if below else headers[-1])]
    for row in cells:
        if below:
            text = _below(headers[len(widths) : -1], row[len(widths) :])
            lines += [_start(row, widths), paragraph(text, columns, indent="    ")]
        else:
            rest = textwrap.wrap(row[-1], columns - start, break_on_hyphens=False) or [""]
            lines.append(_start(row, widths) + ("\n" + " " * start).join(rest))
    return "\n".join(line.rstrip() for line in lines)


def _below(headers: Sequence[str], cells: Sequence[str]) -> str:
    """Return cells as sentences, the last one without its header; empty ones are left out."""
    named = [
        f"{header.strip().lower()} {cell.strip()}"
        for header, cell in zip(headers, cells, strict=False)
        if cell.strip() != "-"
    ]
    return "; ".join([*named, cells[-1]])


class LiveTable:
    """A table that goes on: its header comes first, and no column grows narrower."""

    def __init__(self, headers: Sequence[str]) -> None:
        self._headers = headers
        self._widths = [0 for _ in headers[:-1]]
        self._begun = False

    def more(self, rows: Iterable[Sequence[str]], columns: int) -> str:
        """Return the lines of *rows*, with the header the first time."""
        cells = [[printable(cell) or "-" for cell in row] for row in rows]
        for row in (self._headers, *cells):
            self._widths = [max(pair) for pair in zip(self._widths, map(len, row), strict=False)]
        wide = [
            [*(map(str.ljust, row[:-1], self._widths)), row[-1]]
            for row in ([*self._headers], *cells)
        ]
        text = table(wide[0], wide[1:], columns)
        begun, self._begun = self._begun, True
        return text.partition("\n")[2] if begun else text


class Printer:
    """Shows what was asked for, in whatever shape; a watcher's goes on."""

    def __init__(self, kind: Output, headers: Sequence[str], *, watch: bool) -> None:
        self.watch = watch
        self._kind = kind
        self._table = LiveTable(headers)

    def show(self, items: Sequence[object], rows: Iterable[Sequence[str]], columns: int) -> None:
        """Print *items*, or *rows* of them; of a watcher each item is a document of its own."""
        if not self._kind.is_data:
            text = self._table.more(rows, columns)
            if text:
                say(text)
        elif not self.watch:
            say(data(items, self._kind))
        else:
            for item in items:
                say(("---\n" if self._kind is Output.YAML else "") + data(item, self._kind))


def _start(cells: Sequence[str], widths: Sequence[int]) -> str:
    """Return all but the last cell, each as wide as its column."""
    pairs = zip(cells, widths, strict=False)
    return "".join(cell.ljust(width + _GAP) for cell, width in pairs)


def paragraph(text: str, columns: int, indent: str = "  ") -> str:
    """Return *text* wrapped, each line indented."""
    return textwrap.fill(
        printable(text),
        columns,
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=False,
    )


def data(value: object, output: Output) -> str:
    """Return *value*, dataclasses and all, as JSON or YAML."""
    plain = cast("Json", msgspec.to_builtins(value, str_keys=True))
    if output is Output.JSON:
        text = json.dumps(plain, indent=2, ensure_ascii=False)
        return CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True).rstrip()


def say(text: str) -> None:
    """Print a result, without what a terminal would obey."""
    _print(text, sys.stdout)


def complain(text: str) -> None:
    """Print what went wrong, apart from any result, without what a terminal would obey."""
    _print(text, sys.stderr)


def _print(text: str, stream: TextIO) -> None:
    try:
        click.echo(without_control(text), file=stream)
    except BrokenPipeError:
        # The reader has had enough, as `| head -1` has; the work goes on all the same.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
