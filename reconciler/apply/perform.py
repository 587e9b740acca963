"""One action, one port call: the only place that changes anything outside."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import assert_never

from reconciler.apply.dispatch import Dispatcher
from reconciler.apply.label import check_label
from reconciler.desired.knobs import render_with
from reconciler.desired.stamp import stamp_job
from reconciler.errors import Conflict
from reconciler.model.action import (
    ExecJob,
    ProbeHost,
    PublishPackage,
    PublishScript,
    ResendCommand,
    UpsertJob,
)
from reconciler.model.attempt import Via
from reconciler.model.digest import Digest
from reconciler.model.identity import ObjectRef, PackageName, Version
from reconciler.model.observed import Owned
from reconciler.model.plan import Step
from reconciler.model.snapshot import Snapshot
from reconciler.ports import (
    Artifacts,
    BytesContent,
    Content,
    Inventory,
    Jobs,
    Objects,
    Runner,
    Secrets,
)

Watch = Callable[[ObjectRef, Content], Content]


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way of writing to kanade: over NATS, or through the backend."""

    packages: Objects
    scripts: Objects
    jobs: Jobs
    runner: Runner


@dataclass(frozen=True, kw_only=True)
class Performer:
    """Carries out one step at a time, the way that the plan has chosen."""

    ways: Mapping[Via, Way]
    artifacts: Artifacts
    secrets: Secrets
    inventory: Inventory
    dispatcher: Dispatcher
    watch: Watch = lambda _, content: content
    """Lets somebody see how far an upload is."""

    async def perform(self, step: Step, via: Via, snapshot: Snapshot) -> None:
        """Make *step* so, or raise; what is already so stays as it is.

        Raises:
            ReconcilerError: the step did not succeed, by its own word and sentence.
        """
        way = self.ways[via]
        match step.action:
            case PublishPackage() as action:
                await self._publish_package(action, way, snapshot)
            case PublishScript() as action:
                await self._publish_script(action, way)
            case UpsertJob() as action:
                await way.jobs.upsert(action, stamp_job(action.job.yaml, action.manifest))
            case ExecJob(attempt=attempt, manifest=manifest):
                await self.dispatcher.dispatch(attempt, manifest, self.ways)
            case ProbeHost(attempt=attempt, manifest=manifest):
                await self.dispatcher.dispatch(attempt, manifest, self.ways)
            case ResendCommand(attempt=attempt):
                await self.dispatcher.resend(attempt, self.ways)
            case unknown:
                assert_never(unknown)

    async def _publish_package(self, action: PublishPackage, way: Way, snapshot: Snapshot) -> None:
        digest = action.artifact.digest
        async with self.artifacts.open(action.artifact, snapshot) as content:
            package, version = PackageName(action.ref.name), Version(action.ref.version)
            check_label(package, version, await content.stated_version())
            watched = self.watch(action.ref, content)
            await way.packages.publish(action.ref, watched, digest, replaces=action.replaces)
        await way.packages.check(action.ref, digest)
        owned = Owned(digest=digest, release=action.release)
        await self.inventory.own_package(action.ref, owned)

    async def _publish_script(self, action: PublishScript, way: Way) -> None:
        text = render_with(action.script, self.secrets.resolve)
        if Digest.of(text) != action.digest:
            raise Conflict(f"a secret of {action.ref} has changed since it was planned: look again")
        content = BytesContent(text)
        await way.scripts.publish(action.ref, content, action.digest, replaces=action.replaces)
        await way.scripts.check(action.ref, action.digest)
        owned = Owned(digest=action.digest, release=action.release)
        await self.inventory.own_script(action.ref, owned)
