"""Single values of a YAML text changed in place; comments and layout stay as they are.

For `bump`, and for stamping the YAML of a job that is registered: kanade keeps the text.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import yaml

from reconciler.desired.edit_spelling import (
    Change,
    Replacement,
    spell_block,
    spell_flow,
    spell_scalar,
)
from reconciler.desired.node import dotted, to_json
from reconciler.desired.yaml_source import read_yaml
from reconciler.errors import StalledError
from reconciler.model.identity import Json

_BOM = "\ufeff"


class CannotEdit(StalledError):
    """A value cannot be changed in place; the text is as it was."""

    reason = "CannotEdit"
    exit_code = 2


def set_values(text: str, changes: Mapping[tuple[str, ...], Change]) -> str:
    """Return *text* with the values at the paths of *changes* set; `None` removes a key.

    What is not there yet is put at the end of its mapping. The result has been read again, and
    differs from *text* in exactly these values.

    Raises:
        CannotEdit: *text* cannot be read, or has a layout that cannot be edited like this.
    """
    expected = _read(text)
    bom = _BOM if text.startswith(_BOM) else ""
    newline = "\r\n" if "\r\n" in text else "\n"
    edited = text.removeprefix(_BOM).replace("\r\n", "\n")
    if edited.replace("\n", newline) != text.removeprefix(_BOM):
        raise CannotEdit("the file mixes LF and CRLF line ends; make them alike first")
    for path, value in changes.items():
        edited = _changed(edited, path, value)
        expected = _with(expected, path, value)
    edited = bom + edited.replace("\n", newline)
    if _read(edited) != expected:
        names = ", ".join(dotted(path) for path in changes)
        raise CannotEdit(f"cannot set {names} without touching more; edit the file by hand")
    return edited


def _read(text: str) -> Json:
    reading = read_yaml(text.encode(errors="surrogatepass"), "")
    if reading.document is None or reading.faults:
        first = reading.faults[0]
        raise CannotEdit(f"line {first.position.line}: {first.message}")
    return to_json(reading.document.root)


def _with(value: Json, path: tuple[str, ...], new: Change) -> Json:
    members = dict(value) if isinstance(value, dict) else {}
    if len(path) > 1:
        members[path[0]] = _with(members.get(path[0]), path[1:], new)
    elif new is None:
        members.pop(path[0], None)
    else:
        members[path[0]] = _plain(new)
    return members


def _plain(new: Replacement) -> Json:
    return new if isinstance(new, str) else {name: _plain(item) for name, item in new.items()}


@dataclass(frozen=True, slots=True)
class _Entry:
    """A key and its value, as they stand in the text."""

    parent: yaml.MappingNode
    index: int

    @property
    def key(self) -> yaml.Node:
        key: yaml.Node = self.parent.value[self.index][0]
        return key

    @property
    def value(self) -> yaml.Node:
        value: yaml.Node = self.parent.value[self.index][1]
        return value


def _changed(text: str, path: tuple[str, ...], value: Change) -> str:
    root = yaml.compose(text, Loader=yaml.CSafeLoader)
    if not isinstance(root, yaml.MappingNode) or not path:
        raise CannotEdit("the file is not a mapping")
    parent, rest = root, path
    while True:
        entry = _find(parent, rest[0])
        if entry is None or len(rest) == 1 or not isinstance(entry.value, yaml.MappingNode):
            break
        parent, rest = entry.value, rest[1:]
    if value is None:
        return _removed(text, entry) if entry is not None and len(rest) == 1 else text
    for name in reversed(rest[1:]):
        value = {name: value}
    if entry is None:
        return _inserted(text, parent, rest[0], value)
    return _replaced(text, entry, value)


def _find(parent: yaml.MappingNode, name: str) -> _Entry | None:
    for index, (key, _) in enumerate(parent.value):
        if key.value == name:
            return _Entry(parent, index)
    return None


def _replaced(text: str, entry: _Entry, value: Replacement) -> str:
    old = entry.value
    start, end = _span(old, text)
    if isinstance(value, str) and "\n" not in value and start < end:
        style = old.style if isinstance(old, yaml.ScalarNode) else ""
        return text[:start] + spell_scalar(value, style or "") + text[end:]
    colon = text.find(":", entry.key.end_mark.index)
    has_colon = 0 <= colon <= start
    after_key = colon + 1 if has_colon else entry.key.end_mark.index
    head = text[:after_key] + ("" if has_colon else ":")
    tail = text[max(end, after_key) :]
    if entry.parent.flow_style:
        return f"{head} {spell_flow(value)}{tail}"
    return head + spell_block(value, entry.key.start_mark.column) + tail


def _inserted(text: str, parent: yaml.MappingNode, name: str, value: Replacement) -> str:
    key = spell_scalar(name)
    if parent.flow_style:
        end = _end(parent.value[-1][1], text) if parent.value else parent.start_mark.index + 1
        comma = ", " if parent.value else ""
        return f"{text[:end]}{comma}{key}: {spell_flow(value)}{text[end:]}"
    column = parent.value[0][0].start_mark.column
    at = text.find("\n", _end(parent.value[-1][1], text))
    head = text if at < 0 else text[:at]
    tail = "\n" if at < 0 else text[at:]
    return f"{head}\n{' ' * column}{key}:{spell_block(value, column)}{tail}"


def _removed(text: str, entry: _Entry) -> str:
    start, end = entry.key.start_mark.index, _end(entry.value, text)
    members = entry.parent.value
    if not entry.parent.flow_style:
        if len(members) == 1:
            return f"{text[:start]}{{}}{text[end:]}"
        line = text.find("\n", end)
        return text[: text.rfind("\n", 0, start) + 1] + (text[line + 1 :] if line >= 0 else "")
    if entry.index:
        return text[: _end(members[entry.index - 1][1], text)] + text[end:]
    after = members[1][0].start_mark.index if len(members) > 1 else end
    return text[:start] + text[after:]


def _span(node: yaml.Node, text: str) -> tuple[int, int]:
    return node.start_mark.index, _end(node, text)


def _end(node: yaml.Node, text: str) -> int:
    """Return where *node* really ends: libyaml counts what follows a block as a part of it."""
    start: int = node.start_mark.index
    end: int = node.end_mark.index
    if isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        return _end(last[1] if isinstance(last, tuple) else last, text)
    if isinstance(node, yaml.ScalarNode) and node.style in {"|", ">"}:
        header = text[start:end].partition("\n")[0]
        if "+" in header.partition("#")[0]:
            return end - 1 if text[start:end].endswith("\n") else end
    return start + len(text[start:end].rstrip())
