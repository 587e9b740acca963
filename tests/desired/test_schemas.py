"""The schemas themselves: whole, documented for editors, and found where they are needed."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from jsonschema import Draft202012Validator
from referencing.exceptions import Unresolvable

from reconciler.desired.load import load
from reconciler.desired.schemas import (
    Kind,
    schema_of,
    validator_of,
    with_defaults,
    without_defaults,
)
from reconciler.model.identity import Json
from tests.support.snapshots import files_below, snapshot_of

TOP = Path(__file__).parents[2]


def properties(schema: Json, path: str = "") -> Iterator[tuple[str, dict[str, Json]]]:
    """Yield every property that an editor completes, with its way there."""
    if isinstance(schema, list):
        for index, item in enumerate(schema):
            yield from properties(item, f"{path}/{index}")
    if not isinstance(schema, dict):
        return
    for key, member in schema.items():
        if key == "properties" and isinstance(member, dict):
            for name, value in member.items():
                assert isinstance(value, dict)
                yield f"{path}/{name}", value
        if key not in {"examples", "default", "enum", "const"}:
            yield from properties(member, f"{path}/{key}")


@pytest.mark.parametrize("kind", Kind)
def test_every_schema_is_a_schema(kind: Kind) -> None:
    Draft202012Validator.check_schema(schema_of(kind))


@pytest.mark.parametrize("kind", Kind)
def test_every_property_says_what_it_is_with_an_example(kind: Kind) -> None:
    schema = schema_of(kind)
    definitions = schema.get("$defs")
    bare = [
        path
        for path, value in properties(schema)
        for word in ("title", "description", "examples")
        if word not in value and word not in resolved(value, definitions)
    ]

    assert not bare


def resolved(value: dict[str, Json], definitions: Json) -> dict[str, Json]:
    name = str(value.get("$ref", "")).rpartition("/")[2]
    target = definitions.get(name) if isinstance(definitions, dict) else None
    return target if isinstance(target, dict) else {}


@pytest.mark.parametrize("kind", Kind)
def test_every_example_is_one(kind: Kind) -> None:
    validator = validator_of(kind)
    schema = schema_of(kind)
    wrong = [
        (path, example)
        for path, value in properties(schema)
        for example in cast("list[Json]", value.get("examples", []))
        if not validator.evolve(schema={**value, "$defs": schema.get("$defs", {})}).is_valid(
            example
        )
    ]

    assert not wrong


@pytest.mark.parametrize("kind", Kind)
def test_no_schema_points_out_of_itself(kind: Kind) -> None:
    assert all(
        str(value.get("$ref", "#/$defs/")).startswith("#/$defs/")
        for _, value in properties(schema_of(kind))
    )


def test_a_reference_to_elsewhere_is_never_fetched() -> None:
    validator = validator_of(Kind.HOSTS).evolve(schema={"$ref": "http://127.0.0.1:1/x.json"})

    with pytest.raises(Unresolvable):
        validator.is_valid({})


def test_defaults_are_filled_in_at_every_depth_and_taken_out_again() -> None:
    schema = schema_of(Kind.RELEASE)
    given: Json = {"rollout": {"max_in_flight": 2}}

    filled = with_defaults(given, schema, schema)

    assert isinstance(filled, dict)
    assert filled["prune"] == {"keep_versions": 3}
    assert isinstance(filled["rollout"], dict)
    assert filled["rollout"]["max_in_flight"] == 2
    assert filled["rollout"]["soak"] == "0s"
    assert without_defaults(filled, schema, schema) == given


def test_the_sample_fleet_has_no_fault_and_needs_no_word() -> None:
    desired = load(snapshot_of(files_below(TOP / "desired-state"), folder="desired-state"))

    assert [release.name for release in desired.releases] == ["kanade-backend"]
    assert desired.notes == ()


def test_every_file_of_the_sample_names_its_schema_for_editors() -> None:
    for path in sorted((TOP / "desired-state").glob("*/*.yaml")):
        first = path.read_text(encoding="utf-8").splitlines()[0]
        marker, _, reference = first.partition("$schema=")

        assert marker == "# yaml-language-server: "
        assert (path.parent / reference).is_file()
