"""`make picture`: README's picture of a terminal, from what the demo really prints.

It reads what `reconciler demo` printed and writes docs/demo.svg, which brings no font, refers to
nothing outside itself, and is light or dark as its reader is.
"""

import re
import sys
from html import escape
from pathlib import Path

_PLACE = Path(__file__).resolve().parents[1] / "demo.svg"
_COMMAND = "$ make demo"
_MOST_LINES = 34
_MOST_COLUMNS = 100
_LINE, _CHARACTER, _LEFT, _TOP = 19, 7.9, 22, 54
_ASIDE = re.compile(r" {5}|   (?:->|(?:step|\$|ok  `\w+` leaves) )")
"""Steps, and commands with the tables that they print: they are many lines, and in README."""
_STYLE = """\
rect{fill:#fbfaf7;stroke:#d9d5cc}circle{fill:#d9d5cc}
text{font:13px ui-monospace,SFMono-Regular,Menlo,Consolas,"Liberation Mono",monospace;fill:#2b3035}
.soft{fill:#666d74}.head{font-weight:700;fill:#1f5d63}.ok{fill:#2b7350;font-weight:700}
@media(prefers-color-scheme:dark){rect{fill:#181b1e;stroke:#363c41}circle{fill:#363c41}
text{fill:#dddcd7}.soft{fill:#9aa2a9}.head{fill:#8cc7cc}.ok{fill:#78c79b}}
"""


def picture(printed: str) -> str:
    """Return the SVG of what was *printed*, its scenes from the first one on.

    Raises:
        ValueError: the demo has not come to a scene.
    """
    lines = [line.rstrip() for line in printed.splitlines()]
    first = next((at for at, line in enumerate(lines) if line.startswith("== ")), None)
    if first is None:
        raise ValueError("no scene was printed: was the demo stopped?")
    told = [_cut(line) for line in lines[first:] if line and not _ASIDE.match(line)]
    spaced = "\n".join(told).replace("\n== ", "\n\n== ")
    shown = [_COMMAND, "", *spaced.splitlines()][:_MOST_LINES]
    width = round(2 * _LEFT + _CHARACTER * max(map(len, shown)))
    height = _TOP + _LINE * len(shown)
    rows = "".join(_row(line, at) for at, line in enumerate(shown))
    dots = "".join(f'<circle cx="{20 + 18 * at}" cy="20" r="5.5"/>' for at in range(3))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img" aria-label="What make demo prints">\n'
        f"<style>{_STYLE}</style>\n"
        f'<rect x=".5" y=".5" width="{width - 1}" height="{height - 1}" rx="10"/>{dots}\n'
        f"{rows}</svg>\n"
    )


def _cut(line: str) -> str:
    return line if len(line) <= _MOST_COLUMNS else f"{line[: _MOST_COLUMNS - 1]}\u2026"


def _row(line: str, at: int) -> str:
    words = line.strip()
    if not words:
        return ""
    x = _LEFT + _CHARACTER * (len(line) - len(line.lstrip()))
    kind = "head" if line.startswith("== ") else "" if line.startswith("$ ") else "soft"
    body = escape(words)
    if words.startswith("ok "):
        kind, body = "", f'<tspan class="ok">ok</tspan>{escape(words[2:])}'
    style = f' class="{kind}"' if kind else ""
    return f'<text x="{x:.1f}" y="{_TOP + _LINE * at}" xml:space="preserve"{style}>{body}</text>\n'


if __name__ == "__main__":
    _PLACE.write_text(picture(sys.stdin.read()), "utf-8")
