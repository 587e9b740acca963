"""Fleets of every kind, for properties that must hold of any of them."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import strategies as st

from reconciler.model.attempt import Attempt, Purpose
from reconciler.model.desired import Desired, Release
from reconciler.model.digest import Digest
from reconciler.model.failure import FailureClass, Next
from reconciler.model.identity import HostName, PackageName, ReleaseName, Version
from reconciler.model.observed import HostState, Observed, Presence
from reconciler.model.proof import Proof
from tests.support import builders
from tests.support.builders import NOON
from tests.support.world import Truth

HOSTS = ("pc-01", "pc-02", "pc-03", "pc-04")
_VERSIONS = ("1.0.0", "2.0.0", "1.9.9")


@st.composite
def releases(draw: st.DrawFn) -> Release:
    hosts = draw(st.lists(st.sampled_from(HOSTS), min_size=1, unique=True))
    return builders.release(
        "2.0.0",
        hosts=hosts,
        probe=draw(st.booleans()),
        max_in_flight=draw(st.integers(1, 4)),
        max_failures=draw(st.integers(0, 4)),
        install=builders.job("install-tool", require_approval=draw(st.booleans())),
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
        hosts[name] = HostState(presence=draw(st.sampled_from(Presence)), last_seen=seen)
        proof = draw(st.none() | _proofs(name, truth[name]))
        if proof is not None:
            proofs[PackageName("tool"), name] = proof
        for purpose in Purpose:
            attempt = draw(st.none() | _attempts(release, name, purpose))
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
