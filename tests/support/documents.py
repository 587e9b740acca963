"""Fenced blocks of Markdown pages, and what the tests of the documentation do with them.

A fence's first word is its language; after it there may be words for the tests: `release`, `job`
or `hosts` (what a fragment of YAML belongs to), `exit=N`, and `norun="why"` for what cannot be run.
A page that needs a fleet begins with `<!-- run: fleet -->`, or, where nobody controls it yet, with
`<!-- run: lab -->`; a comment like `<!-- build 0.43.0 -->` is a step that a reader has no need of.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_FENCE = re.compile(
    r"^(?P<in> *)```(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=in)```$|^<!-- (?P<step>[a-z]+ .*?) -->$",
    re.MULTILINE | re.DOTALL,
)
_ITEM = re.compile(r" *(?:[-*+]|\d+\.) +")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One fence, or a hidden step, which has no language."""

    page: Path
    line: int
    language: str
    words: tuple[str, ...]
    text: str

    @property
    def where(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    def option(self, name: str) -> str | None:
        """Return what stands behind `name=`."""
        pairs = (word.partition("=") for word in self.words)
        return next((value for key, _, value in pairs if key == name), None)


def all_pages() -> list[Path]:
    """Return every README, and all that is written by hand in docs."""
    written = (path for path in (ROOT / "docs").rglob("*.md") if "reference" not in path.parts)
    examples = (ROOT / "examples").rglob("README.md")
    return [ROOT / "README.md", *sorted(written), *sorted(examples)]


def stage_of(page: Path) -> str:
    """Return what a page has to be walked on: `fleet`, `lab`, or nothing at all."""
    found = re.match(r"<!-- run: (\w+) -->", page.read_text("utf-8"))
    return found[1] if found is not None else ""


def blocks_of(page: Path) -> Iterator[Block]:
    text = page.read_text("utf-8")
    for found in _FENCE.finditer(text):
        language, *words = shlex.split(found["info"] or "") or [""]
        indent = found["in"] or ""
        body = found["step"] or "\n".join(
            line.removeprefix(indent) for line in (found["text"] or "").splitlines()
        )
        yield Block(
            page=page,
            line=text.count("\n", 0, found.start()) + 1,
            language=language,
            words=tuple(words),
            text=body,
        )


def blocks(*languages: str) -> list[Block]:
    """Return all blocks of these languages."""
    found = (block for page in all_pages() for block in blocks_of(page))
    return [block for block in found if block.language in languages]


def indented_code(page: Path) -> Iterator[int]:
    """Yield the line of each block that is code by its indentation alone: no test knows it.

    So it is with a fence that is none of ours: one with a backtick in its first line, say.

    What is indented below an item of a list belongs to that item, up to four columns more.
    """
    text = page.read_text("utf-8")
    text = _FENCE.sub(lambda found: "\n" * found[0].count("\n"), text)
    content, after_blank = 0, True
    for number, line in enumerate(text.splitlines(), 1):
        words = line.lstrip(" ")
        indent = len(line) - len(words)
        if words.startswith("```") or (words and after_blank and indent >= content + 4):
            yield number
        if words and indent < content:
            content = 0
        item = _ITEM.match(line)
        if item is not None and indent <= content:
            content = len(item[0])
        after_blank = not words


def commands_of(block: Block) -> Iterator[tuple[str, list[str]]]:
    """Yield each command of a console block with the lines that it is said to print."""
    command, shown = "", list[str]()
    for line in block.text.splitlines():
        if command.endswith("\\"):
            command = f"{command[:-1]} {line.strip()}"
        elif line.startswith("$ "):
            if command:
                yield command, shown
            command, shown = line[2:], []
        else:
            shown.append(line)
    if command:
        yield command, shown


def missing(shown: list[str], printed: str) -> str | None:
    """Return the first line of *shown* that was not *printed*, in order; `...` is anything."""
    rest = [line.strip() for line in printed.splitlines()]
    for line in shown:
        pattern = re.compile(".*".join(map(re.escape, line.strip().split("..."))))
        while rest and not pattern.fullmatch(rest[0]):
            rest.pop(0)
        if not rest:
            return line
    return None
