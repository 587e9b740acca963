"""What a rollout leaves behind: a record of what was proved, or the quarantine of what failed."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime

from reconciler.model.action import KeepRecord, QuarantineRelease
from reconciler.model.desired import Desired, OnFailure, Release
from reconciler.model.failure import FailureClass, Next
from reconciler.model.identity import HostName, Revision
from reconciler.model.observed import UNSEEN, Observed, Presence
from reconciler.model.plan import Assessment, State, Step
from reconciler.model.record import Quarantine
from reconciler.plan.approval import approvals_needed, approvers_of
from reconciler.plan.endings import ending
from reconciler.plan.gates import Scene, failed_hosts, too_many_failed
from reconciler.plan.records import record_of
from reconciler.plan.terms import Terms
from reconciler.plan.wants import Verdict


def plan_record(
    release: Release,
    views: Sequence[Assessment],
    observed: Observed,
    revision: Revision,
    now: datetime,
) -> Step | None:
    """Return the step that keeps *release* once a host is proved to run it."""
    if (release.name, release.fingerprint) in observed.records:
        return None
    proved = next((view for view in views if view.state is State.CONVERGED), None)
    if proved is None:
        return None
    return Step(
        action=KeepRecord(record=record_of(release, revision, now)),
        release=release.name,
        reason="FirstProof",
        message=f"{proved.host} is proved to run it: it can be gone back to",
    )


def plan_approved(desired: Desired, observed: Observed, now: datetime) -> list[Step]:
    """Return the steps that keep what people have just let through, proved or not.

    What they are shown next is compared with it.
    """
    found = (_approved(it, observed, desired.revision, now) for it in desired.releases)
    return [step for step in found if step is not None]


def _approved(
    release: Release, observed: Observed, revision: Revision, now: datetime
) -> Step | None:
    needed, given = approvals_needed(release), approvers_of(release, observed, now)
    if not needed or len(given) < needed:
        return None
    kept = observed.approved.get(release.name)
    if kept is not None and kept.fingerprint == release.fingerprint:
        return None
    return Step(
        action=KeepRecord(record=record_of(release, revision, now), as_approved=True),
        release=release.name,
        reason="Approved",
        message=f"{' and '.join(given)} agreed: the next one is compared with it",
    )


def plan_quarantine(
    scene: Scene, verdicts: Sequence[Verdict], lost: AbstractSet[HostName]
) -> Step | None:
    """Return the step that ends a rollout which has lost more hosts than it may.

    Only those count whose failure blames the version. So it has, too, when all that
    a wave could prove has failed: *lost* are the failed hosts of such a wave. Only when the hosts
    that failed have been probed as far as they can be: a probe may yet show that an install
    whose result was lost went well.
    """
    release = scene.release
    if release.rollout.on_failure is not OnFailure.ROLLBACK:
        return None
    settled = [
        verdict.assessment
        for verdict in verdicts
        if (verdict.want is None or _is_beyond_reach(verdict.assessment, scene.observed))
        and not _is_being_probed(verdict.assessment, scene.now, scene.terms)
        and _blames_version(verdict.assessment)
    ]
    is_lost = bool(lost) and lost <= {view.host for view in settled}
    if not is_lost and not too_many_failed(release, settled, total=len(verdicts)):
        return None
    first = failed_hosts(settled)[0]
    failure, outcome = first.failure, first.install.outcome if first.install is not None else None
    quarantine = Quarantine(
        release=release.name,
        fingerprint=release.fingerprint,
        version=release.version,
        reason=failure.kind if failure is not None else FailureClass.SCRIPT_FAILED,
        message=first.message,
        fix=failure.fix if failure is not None else "",
        at=scene.now,
        host=first.host,
        result_id=outcome.result_id if outcome is not None else None,
        exec_id=first.install.exec_id if first.install is not None else None,
        exit_code=outcome.exit_code if outcome is not None else None,
        stderr_tail=outcome.stderr_tail if outcome is not None else "",
    )
    return Step(
        action=QuarantineRelease(quarantine=quarantine),
        release=release.name,
        reason=str(quarantine.reason),
        message=f"{first.host}: {first.message}",
    )


def _is_beyond_reach(view: Assessment, observed: Observed) -> bool:
    """True when a host that has plainly failed is offline: a probe would show nothing more."""
    presence = observed.hosts.get(view.host, UNSEEN).presence
    is_plain = view.failure is not None and view.failure.next is Next.ROLL_BACK
    return presence is Presence.OFFLINE and view.state is State.FAILED and is_plain


def _blames_version(view: Assessment) -> bool:
    return view.failure is None or view.failure.blames_version


def _is_being_probed(view: Assessment, now: datetime, terms: Terms) -> bool:
    return view.probe is not None and ending(view.probe, now, terms) is None
