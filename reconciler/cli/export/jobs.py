"""Each live job as the file that git should have: in force, or a draft with the reason; pure.

A job is in force when the planner, asked about its file alone, finds nothing to do for it.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import zip_longest

from reconciler.cli.export.file_names import file_names
from reconciler.cli.export.live import Live
from reconciler.cli.export.part import DRAFTS, Part, as_comment, spelled
from reconciler.cli.working_tree import snapshot_of_texts
from reconciler.desired.edit import CannotEdit, set_values
from reconciler.desired.load import load
from reconciler.errors import InvalidDesiredState
from reconciler.model.mask import mask_written
from reconciler.model.observed import LiveJob
from reconciler.model.plan import Deferred
from reconciler.plan.upsert import free_action, plan_free_job


def jobs_part(live: Live) -> Part:
    """Return every job that has any text: as it was written, comments and all, if that can be."""
    files: dict[str, str] = {}
    notes: list[str] = []
    names = file_names(live.observed.jobs)
    for name, job in sorted(live.observed.jobs.items()):
        path = f"jobs/{names[name]}.yaml"
        texts = tuple(_texts(job, live.texts.get(name)))
        objections = [_objection(job, text, path, live) for text in texts]
        if not texts:
            notes.append(f"job {name}: {_unfit(job)}: left out")
        elif None in objections:
            chosen = objections.index(None)
            files[path] = texts[chosen]
            if 0 < chosen == len(texts) - 1:
                notes.append(f"job {name}: without its comments, as {objections[chosen - 1]}")
        else:
            why = mask_written(str(objections[-1]))
            head = f"A draft: {why}.\nOnce that is mended, it belongs into {path}."
            files[f"{DRAFTS}/{path}"] = as_comment(head) + mask_written(texts[0])
            notes.append(f"job {name}: only a draft, as {why}")
    return Part(files=files, notes=tuple(notes))


def _texts(job: LiveJob, written: str | None) -> Iterator[str]:
    """Yield the ways to write the job down, the best one first; `origin` is ours to say.

    kanade reads a version without quotes as text; here it needs them.
    """
    version = job.manifest.get("version")
    changes: dict[tuple[str, ...], str | None] = {("origin",): None}
    for _ in range(2 if written is not None else 0):
        with suppress(CannotEdit):
            yield set_values(written or "", changes)
        if isinstance(version, str):
            changes["version",] = version
    if job.manifest:
        yield spelled({key: value for key, value in job.manifest.items() if key != "origin"})
    elif written is not None:
        yield written


def _objection(job: LiveJob, text: str, path: str, live: Live) -> str | None:
    """Say why git must not have *text* for the job, `None` where it may."""
    unfit = _unfit(job) or _secret(text)
    if unfit:
        return unfit
    try:
        desired = load(snapshot_of_texts({path: text}))
    except InvalidDesiredState as error:
        return error.faults[0].message
    found = desired.jobs.get(job.id)
    if found is None:
        return "its YAML in kanade is that of another job"
    manifest = free_action(found, desired).manifest
    refused = live.schema.objection(manifest) if live.schema is not None else None
    unfit_jobs = {job.id: refused} if refused is not None else {}
    planned = plan_free_job(found, desired, replace(live.observed, unfit_jobs=unfit_jobs))
    match planned:
        case None:
            return None
        case Deferred(reason=reason, message=message) if reason != "JobNotOwned":
            return message.removeprefix(f"job {job.id}: ")
        case _:
            return "its YAML in kanade is not what is registered"


def _unfit(job: LiveJob) -> str:
    """Say what keeps the job from being managed from here, however it is written."""
    origin = job.manifest.get("origin")
    if not job.manifest:
        return "its manifest in kanade cannot be read"
    if job.manifest.get("id") != job.id:
        return f"its manifest in kanade calls it {job.manifest.get('id')}"
    if job.pin != job.manifest.get("version"):
        return f"script_current says {job.pin or 'nothing'}, so that no host runs it"
    if isinstance(origin, dict) and origin:
        where = ", ".join(str(origin[key]) for key in ("repo", "path") if origin.get(key))
        return f"it is managed from {where}"
    return ""


def _secret(text: str) -> str:
    masked = mask_written(text)
    pairs = enumerate(zip_longest(text.splitlines(), masked.splitlines()), start=1)
    line = next((number for number, (before, after) in pairs if before != after), None)
    return f"a secret seems to stand in line {line} of it" if line is not None else ""
