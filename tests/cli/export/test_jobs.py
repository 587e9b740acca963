"""Which jobs may be in force, asked of the planner; the others are drafts that say why."""

import pytest
import yaml

from reconciler.cli.export.jobs import jobs_part
from reconciler.cli.export.live import Live
from reconciler.desired.live_schema import LiveSchema
from reconciler.model.identity import JobId, Json, Version
from reconciler.model.observed import LiveJob, Observed

TEXT = """\
# a comment
id: tidy
version: "1"
execute: {shell: sh, timeout: 60s, run_as: system, script: "true"}
"""


def live(
    text: str | None = TEXT, *, schema: LiveSchema | None = None, name: str = "tidy", **more: Json
) -> Live:
    """Return a kanade with one job, whose manifest says what *text* does, and *more*."""
    manifest = {**yaml.safe_load(TEXT), **more}
    job = LiveJob(id=JobId(name), manifest=manifest, pin=Version("1"), revoked=False)
    texts = {job.id: text} if text is not None else {}
    return Live(observed=Observed(jobs={job.id: job}), texts=texts, scripts={}, schema=schema)


def test_a_job_is_written_as_people_have_written_it() -> None:
    part = jobs_part(live())

    assert (part.files, part.notes) == ({"jobs/tidy.yaml": TEXT}, ())


def test_without_its_text_it_is_written_from_its_manifest() -> None:
    part = jobs_part(live(text=None))

    assert yaml.safe_load(part.files["jobs/tidy.yaml"]) == yaml.safe_load(TEXT)
    assert part.notes == ()


@pytest.mark.parametrize("text", ["{", "a: *b\n", "id: other\nexecute: {}\n", "\x00", "[]"])
def test_a_text_that_is_no_manifest_of_it_costs_the_comments_alone(text: str) -> None:
    part = jobs_part(live(text))

    assert yaml.safe_load(part.files["jobs/tidy.yaml"]) == yaml.safe_load(TEXT)


def test_what_the_backend_would_not_take_today_is_a_draft() -> None:
    schema = LiveSchema({"properties": {"execute": {"required": ["approved_by"]}}})

    part = jobs_part(live(schema=schema))

    (note,) = part.notes
    why = "the backend's schema refuses it: execute: 'approved_by' is a required property"
    assert note == f"job tidy: only a draft, as {why}"
    assert part.files["drafts/jobs/tidy.yaml"] == (
        f"# A draft: {why}.\n# Once that is mended, it belongs into jobs/tidy.yaml.\n{TEXT}"
    )


def test_a_manifest_under_another_name_is_a_draft() -> None:
    part = jobs_part(live(name="other"))

    assert part.notes == ("job other: only a draft, as its manifest in kanade calls it tidy",)


def test_a_password_in_an_address_that_it_is_managed_from_is_not_told() -> None:
    origin: Json = {"repo": "https://me:hunter2@git.example/x.git", "path": "jobs/tidy.yaml"}

    part = jobs_part(live(origin=origin))

    assert "hunter2" not in "".join((*part.files.values(), *part.notes))
    assert "it is managed from https://***@git.example/x.git" in part.notes[0]


def test_a_secret_in_a_comment_costs_the_comments_alone() -> None:
    part = jobs_part(live(f"# API_TOKEN=hunter2\n{TEXT}"))

    assert yaml.safe_load(part.files["jobs/tidy.yaml"]) == yaml.safe_load(TEXT)
    assert part.notes == (
        "job tidy: without its comments, as a secret seems to stand in line 1 of it",
    )
