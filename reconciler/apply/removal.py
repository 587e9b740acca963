"""Take away what is not needed any more: first from kanade, then from what is written down."""

from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never

from reconciler.apply.way import Way
from reconciler.model.action import (
    Delete,
    DeleteJob,
    DeletePackage,
    DeleteScript,
    ForgetRecord,
)
from reconciler.model.identity import JobId
from reconciler.ports import Archive, Inventory, Lease, Records

_WITHIN = timedelta(seconds=6)
"""How long a deletion may take: a leader that was stopped before it must not wake up in it."""


@dataclass(frozen=True, kw_only=True)
class Remover:
    """Deletes one thing at a time; broken off anywhere, it is simply begun again.

    What was deleted is struck out only afterwards. Of a job it is written down before that it is
    us who delete it: kanade revokes a job that is deleted, and only that revocation is undone
    when the job is wanted again.
    """

    inventory: Inventory
    archive: Archive
    records: Records
    lease: Lease

    async def remove(self, action: Delete | ForgetRecord, way: Way) -> None:
        """Carry out *action*; what is not there any more is only struck out.

        Raises:
            LeaseLost: another controller leads; nothing was deleted.
            Conflict: it is not what was to be deleted any more, and stays.
            KanadeRefused: it may not be deleted.
        """
        await self.lease.confirm(for_at_least=_WITHIN)
        match action:
            case DeletePackage(ref=ref, sequence=sequence):
                await way.packages.delete(ref, sequence=sequence)
                await self.inventory.disown_package(ref)
            case DeleteScript(ref=ref, sequence=sequence):
                await way.scripts.delete(ref, sequence=sequence)
                await self.inventory.disown_script(ref)
            case DeleteJob(job_id=job):
                await self.inventory.retire_job(job)
                await way.jobs.delete(job)
            case ForgetRecord(release=release, fingerprint=fingerprint):
                await self.archive.forget(release, fingerprint)
            case unknown:
                assert_never(unknown)

    async def recall(self, job: JobId, way: Way) -> None:
        """Put a job that was written again back in use, if it was us who had deleted it."""
        if job in self.records.retired_jobs():
            await way.jobs.unrevoke(job)
            await self.inventory.recall_job(job)
