"""A job's manifest against the schema that the live backend hands out."""

from collections.abc import Mapping

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, best_match
from referencing import Registry

from reconciler.model.identity import Json


class LiveSchema:
    """What this kanade takes; it never fetches a reference from anywhere."""

    def __init__(self, schema: Mapping[str, Json]) -> None:
        """Take the schema.

        Raises:
            ValueError: it is none, so that it says nothing of any job.
        """
        try:
            Draft202012Validator.check_schema(dict(schema))
        except SchemaError as error:
            raise ValueError(f"the backend's schema is none: {error.message}") from error
        self._validator = Draft202012Validator(dict(schema), registry=Registry())

    def objection(self, manifest: Mapping[str, Json]) -> str | None:
        """Return the first thing that is wrong with *manifest*; `None` when it fits."""
        error = best_match(self._validator.iter_errors(dict(manifest)))
        if error is None:
            return None
        where = ".".join(str(part) for part in error.absolute_path) or "the manifest"
        return f"{where}: {error.message}"
