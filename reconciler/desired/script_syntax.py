"""Would a rendered PowerShell script still parse? Nothing here runs one."""

from functools import cache

import tree_sitter_powershell
from tree_sitter import Language, Node, Parser

from reconciler.desired.script import CannotRender, KnobFault
from reconciler.desired.wording import printable


def check_syntax(before: bytes, after: bytes, path: str) -> str | None:
    """Compare a script's syntax *before* and *after* rendering; return a warning, if any.

    Only .ps1 scripts are checked. The grammar is not PowerShell itself, so a script that it
    rejects as it stands is worth a warning and no more.

    Raises:
        CannotRender: *before* parses and *after* does not.
    """
    if not path.endswith(".ps1"):
        return None
    broken = _first_error(before)
    if broken is not None:
        return f"{printable(path)}:{broken}: may not be valid PowerShell; kanade's hosts will show"
    broken = _first_error(after)
    if broken is not None:
        message = f"does not parse any more with its knobs set, at line {broken}"
        raise CannotRender(path, (KnobFault("", message),))
    return None


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_powershell.language()))


def _first_error(script: bytes) -> int | None:
    """Return the line of the innermost first error."""
    node: Node = _parser().parse(script.removeprefix(b"\xef\xbb\xbf")).root_node
    if not node.has_error:
        return None
    while not node.is_error:
        inner = next(
            (child for child in node.children if child.has_error or child.is_missing), None
        )
        if inner is None:
            break
        node = inner
    return node.start_point.row + 1
