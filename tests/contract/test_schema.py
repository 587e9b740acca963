"""The schema that the backend hands out tells the truth about what it takes."""

import jsonschema
import pytest
import yaml

from reconciler.lab import wire
from tests.contract.fleets import Fleet
from tests.contract.test_jobs import CASES, YAML

pytestmark = pytest.mark.asyncio(loop_scope="session")

TAKEN = [case for case in CASES if case["status"] == 200]


async def test_every_manifest_that_is_stored_fits_the_schema(fleet: Fleet) -> None:
    schema = (await fleet.ask("GET", "/api/schemas/manifest.json")).document

    for case in TAKEN:
        jsonschema.validate(case["stored"], schema)


@pytest.mark.parametrize("name", ["unknown shell", "no version", "no timeout", "approval yes"])
async def test_a_manifest_of_the_wrong_shape_does_not_fit_the_schema(
    fleet: Fleet, name: str
) -> None:
    schema = (await fleet.ask("GET", "/api/schemas/manifest.json")).document
    case = next(case for case in CASES if case["name"] == name)
    document: wire.Document = yaml.load(str(case["body"]), Loader=yaml.BaseLoader)
    assert case["type"] == YAML

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, schema)


async def test_the_schema_is_of_2020_and_names_every_key(fleet: Fleet) -> None:
    schema = (await fleet.ask("GET", "/api/schemas/manifest.json")).document

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    properties = schema["properties"]
    assert isinstance(properties, dict)
    assert {"id", "version", "execute", "origin", "require_approval", "staleness"} <= set(
        properties
    )
