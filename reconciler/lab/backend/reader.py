"""A document read along its JSON Schema, as strictly as kanade reads, with its very messages."""

from collections.abc import Mapping

from reconciler.lab import wire
from reconciler.lab.backend.source import Fields, Items, Node, Scalar, Unreadable, described

Schema = Mapping[str, wire.Json]


class Reader:
    """Walks a document along its schema; the first fault ends the walk."""

    def __init__(self, schema: Schema) -> None:
        self._root = schema
        self._unknown: list[str] = []

    def read(self, node: Node) -> wire.Document:
        """Return the document with its defaults; unknown keys are named all at once."""
        if isinstance(node, Items) and not node.place:
            raise Unreadable(
                f"invalid length {len(node.items)}, expected struct Manifest with 18 elements"
            )
        if not isinstance(node, Fields):
            raise Unreadable(f"invalid type: {described(node)}, expected struct Manifest")
        value = self._object(node, self._root, "", "")
        if self._unknown:
            listed = ", ".join(sorted(self._unknown))
            raise Unreadable(
                f"unknown field(s): {listed} — check for typos; "
                "fields must match the current schema"
            )
        return value

    def _value(self, node: Node, schema: Schema, path: str, ignored: str) -> wire.Json:
        resolved, optional = self._resolved(schema)
        if optional:
            if isinstance(node, Scalar) and node.value is None:
                return None
            ignored += ".?"
        if "oneOf" in resolved or "enum" in resolved:
            return self._choice(node, resolved, path, ignored)
        match resolved.get("type"):
            case "object":
                return self._mapping(node, resolved, path, ignored)
            case "array":
                return self._array(node, resolved, path, ignored)
            case kind:
                return _single(node, str(kind), path)

    def _mapping(self, node: Node, schema: Schema, path: str, ignored: str) -> wire.Json:
        if not isinstance(node, Fields):
            expected = "an execute mapping" if path == "execute" else "a mapping"
            raise _wrong(node, expected, path)
        if "properties" not in schema:
            return _as_written(node)
        return self._object(node, schema, path, ignored)

    def _object(self, node: Fields, schema: Schema, path: str, ignored: str) -> wire.Document:
        properties = _mapping_of(schema["properties"])
        found: dict[str, wire.Json] = {}
        for key, child in node.fields:
            if key not in properties:
                self._unknown.append(_below(ignored, key))
                continue
            inner = _mapping_of(properties[key])
            found[key] = self._value(child, inner, _below(path, key), _below(ignored, key))
        required = _list_of(schema.get("required", []))
        for name in required:
            if name not in found:
                raise Unreadable(_missing(str(name), node, path))
        return {
            name: found.get(name, _mapping_of(inner).get("default"))
            for name, inner in properties.items()
            if name in required or "default" in _mapping_of(inner) or _said(found.get(name))
        }

    def _array(self, node: Node, schema: Schema, path: str, ignored: str) -> wire.Json:
        if not isinstance(node, Items):
            raise _wrong(node, "a sequence", path)
        inner = _mapping_of(schema["items"])
        return [
            self._value(child, inner, f"{path}[{index}]", _below(ignored, str(index)))
            for index, child in enumerate(node.items)
        ]

    def _choice(self, node: Node, schema: Schema, path: str, ignored: str) -> wire.Json:
        options = _list_of(schema.get("oneOf", []))
        if options and "properties" in _mapping_of(options[0]):
            return self._tagged(node, options, path, ignored)
        names = [str(_mapping_of(option)["const"]) for option in options]
        names += [str(name) for name in _list_of(schema.get("enum", []))]
        text = _text(node, path)
        if text not in names and "unknown" in names:
            return "unknown"
        return _known(text, names, node, path)

    def _tagged(self, node: Node, options: list[wire.Json], path: str, ignored: str) -> wire.Json:
        if not isinstance(node, Fields):
            raise _wrong(node, "a mapping", path)
        by_mode = {
            str(_mapping_of(_mapping_of(_mapping_of(option)["properties"])["mode"])["const"]): (
                _mapping_of(option)
            )
            for option in options
        }
        mode = dict(node.fields).get("mode")
        if mode is None:
            raise Unreadable("missing field `mode`")
        chosen = by_mode[_known(_text(mode, path), list(by_mode), mode, f"{path}.mode")]
        properties = _mapping_of(chosen["properties"])
        for name in properties:
            if name not in dict(node.fields):
                raise Unreadable(f"missing field `{name}`")
        plain: Schema = {"properties": {name: {"type": "string"} for name in properties}}
        value = self._object(node, {**plain, "required": list(properties)}, path, ignored)
        return {"mode": value.pop("mode"), **value}

    def _resolved(self, schema: Schema) -> tuple[Schema, bool]:
        """Follow references; say whether null is one of the choices."""
        kind = schema.get("type")
        if isinstance(kind, list):
            return {**schema, "type": kind[0]}, "null" in kind
        if "anyOf" in schema:
            options = [_mapping_of(option) for option in _list_of(schema["anyOf"])]
            optional = any(option.get("type") == "null" for option in options)
            return self._resolved(options[0])[0], optional
        if "$ref" in schema:
            name = str(schema["$ref"]).rpartition("/")[2]
            return self._resolved(_mapping_of(_mapping_of(self._root["$defs"])[name]))
        return schema, False


def _single(node: Node, kind: str, path: str) -> wire.Json:
    if kind == "string":
        return _text(node, path)
    wanted, expected = (bool, "a boolean") if kind == "boolean" else (int, "i64")
    if isinstance(node, Scalar) and type(node.value) is wanted:
        return node.value
    raise _wrong(node, expected, path)


def _text(node: Node, path: str) -> str:
    if isinstance(node, Scalar):
        if node.text is not None:
            return node.text
        if isinstance(node.value, str):
            return node.value
    raise _wrong(node, "a string", path)


def _known(text: str, names: list[str], node: Node, path: str) -> str:
    if text in names:
        return text
    quoted = [f"`{name}`" for name in names]
    expected = " or ".join(quoted) if len(quoted) == 2 else f"one of {', '.join(quoted)}"
    raise Unreadable(_at(node, path, f"unknown variant `{text}`, expected {expected}"))


def _wrong(node: Node, expected: str, path: str) -> Unreadable:
    return Unreadable(_at(node, path, f"invalid type: {described(node)}, expected {expected}"))


def _missing(name: str, node: Fields, path: str) -> str:
    # The real backend reads `execute` through a buffer, which has lost the place.
    bare = not path or path == "execute"
    return f"missing field `{name}`" if bare else _at(node, path, f"missing field `{name}`")


def _at(node: Node, path: str, message: str) -> str:
    return f"{path}: {message}{node.place}" if node.place else message


def _below(path: str, key: str) -> str:
    return f"{path}.{key}".removeprefix(".")


def _as_written(node: Node) -> wire.Json:
    match node:
        case Fields():
            return {key: _as_written(child) for key, child in node.fields}
        case Items():
            return [_as_written(child) for child in node.items]
        case Scalar():
            return node.value


def _mapping_of(value: wire.Json) -> Schema:
    return value if isinstance(value, dict) else {}


def _list_of(value: wire.Json) -> list[wire.Json]:
    return value if isinstance(value, list) else []


def _said(value: wire.Json) -> bool:
    return value is not None and value is not False and value != []
