"""Whether the live backend would take the repository's jobs, before anything is sent to it."""

from collections.abc import Mapping

import structlog

from reconciler.desired.live_schema import LiveSchema
from reconciler.errors import ReconcilerError
from reconciler.model.desired import Desired, JobSpec
from reconciler.model.identity import JobId, ObjectRef, Version
from reconciler.plan.manifest import complete, job_version
from reconciler.ports import Backend

log = structlog.get_logger()


class JobCheck:
    """Keeps the schema until it is asked to forget it; jobs are checked once a revision."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._schema: LiveSchema | None = None
        self._known: tuple[Desired, Mapping[JobId, str]] | None = None

    def forget(self) -> None:
        """Ask for the schema again next time: the backend may be another one by then."""
        self._schema = self._known = None

    async def unfit(self, desired: Desired) -> Mapping[JobId, str]:
        """Return what is wrong with which job; nothing where no backend has a schema."""
        if self._known is None or self._known[0] is not desired:
            found = await self._look(desired)
            if found is None:
                return {}
            self._known = (desired, found)
        return self._known[1]

    async def _look(self, desired: Desired) -> Mapping[JobId, str] | None:
        if self._schema is None:
            try:
                schema = await self._backend.manifest_schema()
                if schema is None:
                    return None
                self._schema = LiveSchema(schema)
            except (ReconcilerError, ValueError) as error:
                log.warning("job schema unusable", error=str(error))
                return None
        jobs: list[tuple[JobSpec, Version, ObjectRef | None]] = [
            (job, job_version(job), None) for job in desired.jobs.values()
        ]
        jobs += [
            (release.job, release.version, _some_script(release.job, release.version))
            for release in desired.releases
        ]
        objections = {
            job.id: self._schema.objection(
                complete(job, version=version, script=script, repo=desired.repo)
            )
            for job, version, script in jobs
        }
        return {job: text for job, text in objections.items() if text is not None}


def _some_script(job: JobSpec, version: Version) -> ObjectRef:
    """Stand in for the key that the planner will choose: to the schema they are all alike."""
    return ObjectRef(job.id, version)
