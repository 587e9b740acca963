"""One action, one port call: the only place that changes anything outside."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import assert_never

from reconciler.apply.dispatch import Dispatcher
from reconciler.apply.label import check_label
from reconciler.apply.removal import Remover
from reconciler.apply.revert import Reverter
from reconciler.apply.way import Way
from reconciler.desired.knobs import render_with
from reconciler.desired.stamp import stamp_job
from reconciler.errors import Conflict
from reconciler.model.action import (
    DeleteJob,
    DeletePackage,
    DeleteScript,
    ExecJob,
    ForgetRecord,
    KeepRecord,
    OfferRevert,
    ProbeHost,
    PublishPackage,
    PublishScript,
    QuarantineRelease,
    ReadBack,
    ResendCommand,
    RolloutAgent,
    Stored,
    UpsertJob,
)
from reconciler.model.attempt import Via
from reconciler.model.digest import Digest
from reconciler.model.identity import ObjectRef, PackageName, ReleaseName, Version
from reconciler.model.observed import Owned
from reconciler.model.plan import Step
from reconciler.model.snapshot import Snapshot
from reconciler.plan.manifest import manifest_digest
from reconciler.ports import (
    Archive,
    Artifacts,
    BytesContent,
    Content,
    Inventory,
    Secrets,
)

Watch = Callable[[ObjectRef, Content], Content]


@dataclass(frozen=True, kw_only=True)
class Performer:
    """Carries out one step at a time, the way that the plan has chosen."""

    ways: Mapping[Via, Way]
    artifacts: Artifacts
    secrets: Secrets
    inventory: Inventory
    archive: Archive
    dispatcher: Dispatcher
    remover: Remover
    reverter: Reverter
    watch: Watch = lambda _, content: content
    """Lets somebody see how far an upload is."""

    async def perform(self, step: Step, via: Via, snapshot: Snapshot) -> None:
        """Make *step* so, or raise; what is already so stays as it is.

        Raises:
            LeaseLost: another controller leads, or may before this is through; nothing is done.
            ReconcilerError: the step did not succeed; its reason and message say why.
        """
        way = self.ways[via]
        await self._confirm_lease(way)
        match step.action:
            case PublishPackage() | PublishScript() | ReadBack() as action:
                await self._supply(action, way, snapshot)
            case UpsertJob() as action:
                await self._upsert(action, way, step.release)
            case ExecJob() | ProbeHost() as action:
                await self.dispatcher.dispatch(action.attempt, action.manifest, self.ways)
            case ResendCommand(attempt=attempt, slot=slot):
                await self.dispatcher.resend(attempt, slot, self.ways)
            case RolloutAgent(host=host, version=version):
                await way.agents.roll_out(host, version)
            case KeepRecord() | QuarantineRelease() | OfferRevert() as action:
                await self._remember(action, snapshot)
            case DeletePackage() | DeleteScript() | DeleteJob() | ForgetRecord() as action:
                await self.remover.remove(action, way)
            case unknown:
                assert_never(unknown)

    async def _remember(
        self, action: KeepRecord | QuarantineRelease | OfferRevert, snapshot: Snapshot
    ) -> None:
        match action:
            case KeepRecord(record=record, as_approved=True):
                await self.archive.keep_approved(record)
            case KeepRecord(record=record):
                await self.archive.keep(record)
            case QuarantineRelease(quarantine=quarantine):
                await self.archive.quarantine(quarantine)
            case OfferRevert():
                await self.reverter.offer(action, snapshot)

    async def _confirm_lease(self, way: Way) -> None:
        """Let nobody write who was stopped meanwhile: the backend knows no terms of ours."""
        await self.dispatcher.lease.confirm(for_at_least=way.runner.answers_within)

    async def _supply(
        self, action: PublishPackage | PublishScript | ReadBack, way: Way, snapshot: Snapshot
    ) -> None:
        match action:
            case PublishPackage():
                await self._publish_package(action, way, snapshot)
            case PublishScript():
                await self._publish_script(action, way)
            case ReadBack():
                await self._read_back(action, way)

    async def _publish_package(self, action: PublishPackage, way: Way, snapshot: Snapshot) -> None:
        digest = action.artifact.digest
        async with self.artifacts.open(action.artifact, snapshot) as content:
            package, version = PackageName(action.ref.name), Version(action.ref.version)
            check_label(package, version, await content.stated_version())
            watched = self.watch(action.ref, content)
            await self._confirm_lease(way)  # a download or a build takes its time
            if not action.is_ours:
                intent = Owned(digest=digest, release=action.release, checked=False)
                await self.inventory.own_package(action.ref, intent)
            await way.packages.publish(action.ref, watched, digest, replaces=action.replaces)
        await self._read_back(_package(action), way)

    async def _upsert(self, action: UpsertJob, way: Way, release: ReleaseName | None) -> None:
        await way.jobs.upsert(action, stamp_job(action.job.yaml, action.manifest))
        owned = Owned(digest=manifest_digest(action.manifest), release=release)
        await self.inventory.own_job(action.job_id, owned)
        await self.remover.recall(action.job_id, way)

    async def _publish_script(self, action: PublishScript, way: Way) -> None:
        text = render_with(action.script, self.secrets)
        if Digest.of(text) != action.digest:
            raise Conflict(f"a secret of {action.ref} has changed since it was planned: plan again")
        content = BytesContent(text)
        if not action.is_ours:
            intent = Owned(digest=action.digest, release=action.release, checked=False)
            await self.inventory.own_script(action.ref, intent)
        await way.scripts.publish(action.ref, content, action.digest, replaces=action.replaces)
        await self._read_back(_script(action), way)

    async def _read_back(self, action: ReadBack, way: Way) -> None:
        """See that a host would get the right bytes; only then they are ours for good."""
        owned = Owned(digest=action.digest, release=action.release)
        if action.kind is Stored.PACKAGE:
            await way.packages.check(action.ref, action.digest)
            await self.inventory.own_package(action.ref, owned)
        else:
            await way.scripts.check(action.ref, action.digest)
            await self.inventory.own_script(action.ref, owned)


def _package(action: PublishPackage) -> ReadBack:
    digest = action.artifact.digest
    return ReadBack(release=action.release, kind=Stored.PACKAGE, ref=action.ref, digest=digest)


def _script(action: PublishScript) -> ReadBack:
    digest = action.digest
    return ReadBack(release=action.release, kind=Stored.SCRIPT, ref=action.ref, digest=digest)
