"""Values changed in YAML text, everything else as it was."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired.edit import CannotEdit, set_values
from reconciler.desired.edit_spelling import Change
from reconciler.desired.node import to_json
from reconciler.desired.yaml_source import read_yaml
from reconciler.model.identity import Json

JOB = """# The installer.
id: install-tool
version: "1.2.3"   # the line that a bump edits
execute:
  shell: sh        # a comment
  timeout: 300s

# The end.
"""


def read(text: str) -> Json:
    reading = read_yaml(text.encode(), "")
    assert reading.document is not None, reading
    return to_json(reading.document.root)


def test_a_bump_touches_two_values() -> None:
    release = "version: '1.2.3' # v\nartifact:\n  sha256: aa # s\n  path: x\n"

    edited = set_values(release, {("version",): "1.10", ("artifact", "sha256"): "bb"})

    assert edited == "version: '1.10' # v\nartifact:\n  sha256: bb # s\n  path: x\n"


def test_a_job_is_stamped() -> None:
    edited = set_values(
        JOB,
        {
            ("version",): "1.3.0",
            ("execute", "script_object"): "deploy-tool/1.3.0",
            ("origin",): {"path": "jobs/install tool.yaml", "repo": "https://git.example/x"},
        },
    )

    assert edited == (
        JOB.replace("1.2.3", "1.3.0")
        .replace("timeout: 300s\n", "timeout: 300s\n  script_object: deploy-tool/1.3.0\n")
        .replace(
            "1.3.0\n\n",
            '1.3.0\norigin:\n  path: "jobs/install tool.yaml"\n  repo: "https://git.example/x"\n\n',
        )
    )


def test_stamping_twice_changes_nothing_more() -> None:
    changes: dict[tuple[str, ...], Change] = {
        ("version",): "1.3.0",
        ("execute", "script_object"): "deploy-tool/1.3.0",
        ("origin",): {"path": "jobs/x.yaml", "repo": "git@example:x"},
    }
    once = set_values(JOB, changes)

    assert set_values(once, changes) == once


@pytest.mark.parametrize(
    ("text", "changes", "edited"),
    [
        ("{id: a, version: '1'}", {("version",): "it's"}, "{id: a, version: 'it''s'}"),
        ("{id: a}", {("b", "c"): "d"}, "{id: a, b: {c: d}}"),
        ("{id}", {("id",): "a"}, "{id: a}"),
        ("{}", {("a",): "b"}, "{a: b}"),
        ("a: {}  # x\n", {("a", "b"): "c"}, "a: {b: c}  # x\n"),
        ("a:\nb: c\n", {("a", "d"): "e"}, "a:\n  d: e\nb: c\n"),
        ("a:  # x\nb: c\n", {("a",): "d"}, "a: d  # x\nb: c\n"),
        ("a: b", {("c",): "d"}, "a: b\nc: d\n"),
        ("a: x", {("a",): "1.10"}, 'a: "1.10"'),
        ("a: x", {("a",): "no"}, 'a: "no"'),
        ("a: x", {("a",): "b: c #d"}, 'a: "b: c #d"'),
        ("a: x", {("a",): ""}, 'a: ""'),
        ('a: "x"', {("a",): "y"}, 'a: "y"'),
        ("a: x", {("a",): "ö\x85\u2028"}, 'a: "ö\\u0085\\u2028"'),
        ("a: |\n  x\n\n# c\nb: y\n", {("a",): "z"}, "a: z\n\n# c\nb: y\n"),
        ("a: 'x\n  y'  # c\nb: z\n", {("a",): "n"}, "a: 'n'  # c\nb: z\n"),
        ("a: [1,\n  2]  # c\n", {("a",): "n"}, "a: n  # c\n"),
        ("a:\n  b: x  # c\n  d: y\ne: z\n", {("a",): {"f": "g"}}, "a:\n  f: g\ne: z\n"),
        ("a: {b: x}\n", {("a",): {"f": "g"}}, "a:\n  f: g\n"),
        ("? a\n: b\n", {("a",): "x"}, "? a\n: x\n"),
        ("--- # top\na: b\n...\n", {("a",): "x"}, "--- # top\na: x\n...\n"),
        ("a: b\r\nc: d\r\n", {("c",): "x", ("e",): "f"}, "a: b\r\nc: x\r\ne: f\r\n"),
        ("\ufeffa: b\n", {("a",): "x"}, "\ufeffa: x\n"),
        ("a: b\nc: |+\n  d\n\n", {("e",): "f"}, "a: b\nc: |+\n  d\n\ne: f\n"),
        ("a:\n  b: x\n  c: y\n", {("a", "b"): None}, "a:\n  c: y\n"),
        ("a: x  # c\nb: y\n", {("a",): None}, "b: y\n"),
        ("{a: b, c: d}", {("a",): None}, "{c: d}"),
        ("{a: b, c: d}", {("c",): None}, "{a: b}"),
        ("a: b\n", {("z",): None}, "a: b\n"),
        ("a: x\n", {("b",): "l1\n  l2\n"}, "a: x\nb: |\n  l1\n    l2\n"),
        ("a: x\n", {("a",): "l1\nl2"}, "a: |-\n  l1\n  l2\n"),
        ("a: x\n", {("a",): "  l1\nl2\n\n"}, "a: |2+\n    l1\n  l2\n\n"),
        ("{a: x}", {("a",): "l1\nl2"}, '{a: "l1\\nl2"}'),
    ],
)  # fmt: skip
def test_layout_and_quotes_are_kept(
    text: str, changes: dict[tuple[str, ...], Change], edited: str
) -> None:
    assert set_values(text, changes) == edited


@pytest.mark.parametrize(
    "text",
    ["a: &x b\n", "- a\n", "a: b\na: c\n", "", "a: [", "text", "a: b\r\nc: d\n"],
)
def test_what_cannot_be_edited_is_left_alone(text: str) -> None:
    with pytest.raises(CannotEdit):
        set_values(text, {("a",): "x"})


def test_an_edit_that_would_touch_more_is_not_made() -> None:
    with pytest.raises(CannotEdit):
        set_values("? a\n: b\n", {("a",): None})


values = st.text(st.characters(exclude_categories=["Cs"]), max_size=30) | st.text(
    " \n#:'\"-|>[]{}\\ab1", max_size=20
)
documents = st.recursive(
    st.text("ab1 :#-\n'", max_size=8),
    lambda inner: st.dictionaries(st.sampled_from("abcde"), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.dictionaries(st.sampled_from("abcde"), documents, max_size=4),
    st.sampled_from(["block", "flow"]),
    st.lists(st.sampled_from("abcde"), min_size=1, max_size=3).map(tuple),
    values,
)
def test_after_an_edit_exactly_that_value_has_changed(
    content: dict[str, Json], layout: str, path: tuple[str, ...], value: str
) -> None:
    text = yaml.safe_dump(content, default_flow_style=layout == "flow", allow_unicode=True)

    edited = read(set_values(text, {path: value}))

    assert edited == put(read(text), path, value)


def put(content: Json, path: tuple[str, ...], value: str) -> Json:
    members = dict(content) if isinstance(content, dict) else {}
    rest = path[1:]
    members[path[0]] = put(members.get(path[0]), rest, value) if rest else value
    return members
