"""What holds of every deletion, whatever is in the stores and whoever needs it."""

from dataclasses import replace
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.action import DeleteJob, DeletePackage, DeleteScript, ForgetRecord
from reconciler.model.attempt import Attempt, Purpose
from reconciler.model.desired import Desired, Release
from reconciler.model.identity import HostName, ObjectRef, PackageName, ReleaseName, Version
from reconciler.model.observed import HostState, Observed, Presence, Room
from reconciler.model.plan import Plan
from reconciler.model.proof import Proof
from reconciler.plan.planner import plan
from reconciler.plan.terms import Terms
from tests.plan.store_case import JobCase, StoresCase, stocked
from tests.support import builders
from tests.support.builders import NOON
from tests.support.world import succeed

_VERSIONS = [f"1.{minor}.0" for minor in range(8)]
_HOSTS = ("pc-01", "pc-02", "pc-03")


class Fleet(NamedTuple):
    """A fleet whose stores are full of old versions, and what of them is needed."""

    desired: Desired
    observed: Observed
    terms: Terms
    needed: frozenset[ObjectRef]
    """Of packages and scripts alike."""

    def plan(self) -> Plan:
        return plan(self.desired, self.observed, NOON, self.terms)


def _deleted(found: Plan) -> set[ObjectRef]:
    actions = (step.action for step in found.steps)
    return {item.ref for item in actions if isinstance(item, DeletePackage | DeleteScript)}


@st.composite
def fleets(draw: st.DrawFn) -> Fleet:
    older = draw(st.lists(st.sampled_from(_VERSIONS), unique=True, max_size=8))
    release = builders.release("2.0.0", hosts=_HOSTS)
    any_version = st.sampled_from([*older, "2.0.0"])
    needed = {"2.0.0"}
    hosts: dict[HostName, HostState] = {}
    proofs: dict[tuple[PackageName, HostName], Proof] = {}
    attempts: dict[tuple[ReleaseName, HostName, Purpose], Attempt] = {}
    for name in map(HostName, _HOSTS):
        hosts[name] = HostState(presence=draw(st.sampled_from(Presence)), last_seen=NOON)
        by_probe, by_result = draw(st.none() | any_version), draw(st.none() | any_version)
        needed |= {version for version in (by_probe, by_result) if version is not None}
        if by_probe is not None or by_result is not None:
            proofs[release.package, name] = _proof(release, name, by_probe, by_result)
        if draw(st.booleans()):
            version = draw(any_version)
            needed.add(version)
            attempts[release.name, name, Purpose.INSTALL] = _attempt(draw, version, name)
    sent, named = draw(st.lists(any_version, max_size=1)), draw(st.lists(any_version, max_size=1))
    kept = draw(st.lists(any_version, max_size=1, unique=True))
    needed |= {*sent, *named, *kept}
    case = StoresCase(
        older=older,
        keep=draw(st.integers(1, 3)),
        sent=sent,
        jobs={f"by-hand-{version}": _by_hand(version) for version in named},
        limit=draw(st.sampled_from([0, 20, 100])),
        room=draw(st.sampled_from([0, 1_000_000])),
    )
    supplied = builders.supplied(release)
    if draw(st.booleans()):
        supplied = replace(supplied, packages={})
    stock = stocked(case, builders.desired(release), supplied)
    records = {
        (release.name, record.fingerprint): record
        for record in (builders.record(builders.release(version)) for version in kept)
    }
    observed = replace(
        stock.observed, hosts=hosts, proofs=proofs, attempts=attempts, records=records
    )
    refs = {ObjectRef(name, version) for version in needed for name in ("tool", "deploy-tool")}
    return Fleet(stock.desired, observed, stock.terms, frozenset(refs))


def _proof(release: Release, host: HostName, by_probe: str | None, by_result: str | None) -> Proof:
    sha = builders.digest_of(f"tool {by_probe}")
    return Proof(
        package=release.package,
        host=host,
        by_probe=builders.evidence(by_probe, sha=sha) if by_probe is not None else None,
        by_result=builders.evidence(by_result) if by_result is not None else None,
    )


def _attempt(draw: st.DrawFn, version: str, host: HostName) -> Attempt:
    outcome = draw(st.none() | st.just(builders.outcome()))
    return builders.attempt(builders.release(version), host, outcome=outcome)


def _by_hand(version: str) -> JobCase:
    return JobCase(repo="https://git.example/other.git", script=f"deploy-tool/{version}")


@given(fleets())
def test_nothing_that_is_wanted_running_last_sent_named_or_recorded_is_deleted(
    fleet: Fleet,
) -> None:
    assert not _deleted(fleet.plan()) & fleet.needed


@given(fleets())
def test_a_lost_inventory_deletes_no_package_and_no_script(fleet: Fleet) -> None:
    lost = replace(fleet.observed, owned_packages={}, owned_scripts={})

    assert _deleted(fleet._replace(observed=lost).plan()) == set()


@given(fleets())
def test_only_what_is_ours_goes_and_the_newest_versions_stay(fleet: Fleet) -> None:
    deleted = _deleted(fleet.plan())

    owned = fleet.observed.owned_packages.keys() | fleet.observed.owned_scripts.keys()
    assert deleted <= owned
    (release,) = fleet.desired.releases
    older = [ref for ref in fleet.observed.owned_packages if ref.version != release.version]
    newest = sorted(older, key=lambda ref: fleet.observed.packages[ref].sequence)
    assert not deleted & set(newest[-release.keep_versions :])


@given(fleets())
def test_without_a_word_no_more_than_one_thing_or_the_share_goes_and_never_everything(
    fleet: Fleet,
) -> None:
    found = fleet.plan()

    things = {Version(ref.version) for ref in _deleted(found)}
    versions = {ref.version for ref in fleet.observed.owned_packages}
    total = len(versions) + 2
    allowed = max(total * fleet.terms.prune_limit // 100, min(fleet.terms.prune_limit, 1))
    assert len(things) <= allowed
    assert (found.held_prune is not None) == any(
        item.reason == "PruneHeld" for item in found.deferred
    )


@given(fleets())
def test_a_prune_that_has_been_done_is_done(fleet: Fleet) -> None:
    """Nothing more is deleted then; but what makes room goes before its turn, so there is room."""
    fleet = fleet._replace(observed=replace(fleet.observed, room=Room()))
    observed = fleet.observed
    for step in fleet.plan().steps:
        if isinstance(step.action, DeletePackage | DeleteScript | DeleteJob | ForgetRecord):
            observed, _ = succeed(observed, {}, step.action, fleet.desired, NOON)

    again = fleet._replace(observed=observed, terms=replace(fleet.terms, prune_limit=0)).plan()

    if fleet.plan().held_prune is None and _deleted(fleet.plan()):
        assert _deleted(again) == set()
        assert again.held_prune is None
