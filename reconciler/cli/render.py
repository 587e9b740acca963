"""Tables and sentences for a terminal: readable without colour, and as wide as it is."""

import json
import re
import shutil
import textwrap
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import cast

import click
import msgspec
import yaml

from reconciler.model.identity import Json

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_GAP = 2
_NARROWEST = 60
_READABLE = 28


class Output(StrEnum):
    """What `-o` takes."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"


def width() -> int:
    """Return how wide the terminal is, in columns."""
    return max(_NARROWEST, shutil.get_terminal_size((100, 24)).columns)


def printable(text: str) -> str:
    """Return *text* on one line and without what a terminal would obey: hosts may say anything."""
    return _CONTROL.sub("�", text.replace("\n", " ").replace("\t", " "))


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], columns: int) -> str:
    """Return a table in Flux's shape; the last column takes the rest and wraps below itself.

    Where that rest is too narrow to be read, each row's last cell stands on lines of its own.
    """
    cells = [[printable(cell) or "-" for cell in row] for row in rows]
    widths = [
        max(len(header), *(len(row[index]) for row in cells), 0)
        for index, header in enumerate(headers[:-1])
    ]
    start = sum(width + _GAP for width in widths)
    below = columns - start < _READABLE
    lines = [_start(headers, widths) + ("" if below else headers[-1])]
    for row in cells:
        if below:
            lines += [_start(row, widths), paragraph(row[-1], columns, indent="    ")]
        else:
            rest = textwrap.wrap(row[-1], columns - start, break_on_hyphens=False) or [""]
            lines.append(_start(row, widths) + ("\n" + " " * start).join(rest))
    return "\n".join(line.rstrip() for line in lines)


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
        return json.dumps(plain, indent=2, ensure_ascii=False)
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True).rstrip()


def say(text: str) -> None:
    """Print a result."""
    click.echo(text)


def complain(text: str) -> None:
    """Print what went wrong, apart from any result."""
    click.echo(text, err=True)
