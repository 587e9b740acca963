"""What two revisions differ in, as Markdown: for a comment on a pull request."""

from collections.abc import Iterator, Sequence

from reconciler.cli.render import printable
from reconciler.status.between import Revised

_MOST_LINES = 400


def in_markdown(title: str, found: Sequence[Revised]) -> str:
    """Return a comment; whatever stands in the revisions is shown, and never obeyed."""
    lines = [f"### {_plain(title)}", ""]
    if not found:
        lines.append("Nothing that the controller would do differently.")
    for item in found:
        lines += _item(item)
    return "\n".join(lines)


def _item(item: Revised) -> Iterator[str]:
    said = f": {_plain(item.message)}" if item.message else ""
    yield f"- {_code(item.mark)} {item.kind} {_code(item.name)}{said}"
    for one in item.differences:
        before, after = _code(one.before or "nothing"), _code(one.after or "nothing")
        yield f"  - {_plain(one.what)}: {after if one.lines else f'{before} → {after}'}"
        yield from _block(one.lines)
    yield from _block(item.lines)


def _block(lines: Sequence[str]) -> Iterator[str]:
    if not lines:
        return
    longest = max(len(part) for line in lines for part in _ticks(line))
    fence = "`" * max(3, longest + 1)
    yield f"\n  {fence}diff"
    yield from (f"  {printable(line)}" for line in lines[:_MOST_LINES])
    if len(lines) > _MOST_LINES:
        yield f"  and {len(lines) - _MOST_LINES} more lines"
    yield f"  {fence}\n"


def _ticks(line: str) -> Iterator[str]:
    yield ""
    yield from (part for part in "".join(c if c == "`" else " " for c in line).split() if part)


def _code(text: str) -> str:
    return f"`{printable(text).replace('`', chr(39))}`"


def _plain(text: str) -> str:
    """Spell out what Markdown or HTML would take for more than letters."""
    return "".join(f"\\{c}" if c in "\\`*_[]<>|#@!~" else c for c in printable(text))
