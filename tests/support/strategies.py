"""Fleets of every kind, for properties that must hold of any of them."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import strategies as st

from reconciler.model.attempt import Attempt, Purpose
from reconciler.model.desired import Desired, OnFailure, Release, Rollout, Wave
from reconciler.model.digest import Digest
from reconciler.model.failure import FailureClass, Next
from reconciler.model.identity import GroupName, HostName, PackageName, ReleaseName, Version
from reconciler.model.observed import HostState, Observed, Presence
from reconciler.model.policy import Offline, OfflineRule
from reconciler.model.proof import Proof
from tests.support import builders
from tests.support.builders import NOON
from tests.support.world import Truth

HOSTS = ("pc-01", "pc-02", "pc-03", "pc-04")
_VERSIONS = ("1.0.0", "2.0.0", "1.9.9")
_EARLY = frozenset({GroupName("early")})
_REST = Wave(name="rest", percent=100)
_WAVES = (
    (_REST,),
    (Wave(name="canary", count=1), _REST),
    (Wave(name="third", percent=34, offline=Offline(rule=OfflineRule.WAIT)), _REST),
    (
        Wave(name="named", hosts=frozenset({HostName("pc-02"), HostName("pc-03")})),
        Wave(name="half", percent=50, offline=Offline(rule=OfflineRule.SKIP, max_hosts=1)),
        _REST,
    ),
    (Wave(name="early", groups=_EARLY), Wave(name="two", count=2), _REST),
)


@st.composite
def releases(draw: st.DrawFn) -> Release:
    hosts = draw(st.lists(st.sampled_from(HOSTS), min_size=1, unique=True))
    built = builders.release(
        "2.0.0",
        hosts=hosts,
        probe=draw(st.booleans()),
        max_in_flight=draw(st.integers(1, 4)),
        max_failures=draw(st.integers(0, 4)),
        install=builders.job("install-tool", require_approval=draw(st.booleans())),
    )
    return replace(built, rollout=draw(_rollouts(built.rollout)))


@st.composite
def _rollouts(draw: st.DrawFn, built: Rollout) -> Rollout:
    """Draw waves and a soak, and what ends them: a deadline, or more failures than may be."""
    return replace(
        built,
        waves=draw(st.sampled_from(_WAVES)),
        soak=draw(st.sampled_from((timedelta(0), timedelta(minutes=5)))),
        on_failure=draw(st.sampled_from(OnFailure)),
        rollback_max_in_flight=draw(st.none() | st.integers(1, 4)),
        progress_deadline=draw(st.none() | st.just(timedelta(hours=1))),
    )


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Desired, Observed, Truth]:
    release = draw(releases())
    desired = builders.desired(release)
    observed = builders.supplied(release)
    for part in ("packages", "scripts", "jobs"):
        if draw(st.booleans()):
            observed = replace(observed, **{part: {}})  # type: ignore[arg-type]  # all mappings
    truth: dict[HostName, tuple[Version, Digest] | None] = {}
    hosts: dict[HostName, HostState] = {}
    proofs: dict[tuple[PackageName, HostName], Proof] = {}
    attempts: dict[tuple[ReleaseName, HostName, Purpose], Attempt] = {}
    for name in map(HostName, HOSTS):
        version = Version(draw(st.sampled_from(_VERSIONS)))
        runs = (version, builders.digest_of(f"tool {version}"))
        truth[name] = draw(st.sampled_from((runs, runs, None)))
        seen = NOON - timedelta(seconds=draw(st.integers(0, 50)))
        groups = draw(st.sampled_from((frozenset[GroupName](), _EARLY)))
        presence = draw(st.sampled_from(Presence))
        hosts[name] = HostState(presence=presence, last_seen=seen, groups=groups)
        proof = draw(st.none() | _proofs(name, truth[name]))
        if proof is not None:
            proofs[PackageName("tool"), name] = proof
        for purpose in Purpose:
            of = draw(st.sampled_from((release, release, builders.release("1.9.9", hosts=HOSTS))))
            attempt = draw(st.none() | _attempts(of, name, purpose))
            if attempt is not None:
                attempts[release.name, name, purpose] = attempt
    observed = replace(observed, hosts=hosts, proofs=proofs, attempts=attempts)
    return desired, observed, truth


@st.composite
def _proofs(draw: st.DrawFn, host: HostName, runs: tuple[Version, Digest] | None) -> Proof:
    """A probe has seen what runs; a result may be older than what somebody has done since."""
    ago = timedelta(seconds=draw(st.integers(1, 200_000)))
    if draw(st.booleans()):
        version, sha = runs if runs is not None else (None, None)
        seen = builders.evidence(version, ago=ago, sha=sha)
        return Proof(package=PackageName("tool"), host=host, by_probe=seen)
    said = builders.evidence(draw(st.sampled_from(_VERSIONS)), ago=ago)
    return Proof(package=PackageName("tool"), host=host, by_result=said)


@st.composite
def _attempts(draw: st.DrawFn, release: Release, host: HostName, purpose: Purpose) -> Attempt:
    ago = timedelta(seconds=draw(st.integers(1, 2000)))
    kind = draw(st.none() | st.sampled_from(FailureClass))
    ended = draw(st.none() | st.integers(0, int(ago.total_seconds())))
    outcome = None
    if ended is not None:
        then = draw(st.sampled_from(Next))
        outcome = builders.outcome(kind, then=then, ago=timedelta(seconds=ended))
    return builders.attempt(
        release,
        host,
        purpose=purpose,
        cause=draw(st.sampled_from(("", "fact-1", "older"))),
        ago=ago,
        number=draw(st.integers(1, 4)),
        outcome=outcome,
        sent=draw(st.booleans()),
    )
