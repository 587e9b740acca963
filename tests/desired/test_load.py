"""A snapshot becomes what it asks for: defaults, what is filled in, and what is mentioned."""

from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.desired.load import load
from reconciler.errors import InvalidDesiredState
from reconciler.model.desired import (
    BlobArtifact,
    DriftPolicy,
    OnFailure,
    Release,
    SecretRef,
    Wave,
)
from reconciler.model.digest import Digest
from reconciler.model.identity import HostName, JobId, Position, SecretName
from reconciler.model.policy import (
    ApprovalPolicy,
    Offline,
    OfflineRule,
    WindowKind,
)
from tests.support.snapshots import COMMIT, files_below, snapshot_of

TOP = Path(__file__).parents[2]
BASE = files_below(TOP / "tests" / "bad_inputs" / "base")
OTHER = BASE["releases/other.yaml"].decode()


def with_other(*lines: str) -> Release:
    """Return the release `other` with *lines* added to its file."""
    text = OTHER + "\n".join(lines) + "\n"
    desired = load(snapshot_of(BASE | {"releases/other.yaml": text.encode()}))
    return next(release for release in desired.releases if release.name == "other")


def test_what_a_release_says_is_what_it_is() -> None:
    tool = load(snapshot_of(BASE)).releases[1]

    assert tool.artifact.origin == BlobArtifact(path="artifacts/tool")
    assert tool.artifact.size_bytes == len(BASE["artifacts/tool"])
    assert tool.artifact.digest == Digest.of(BASE["artifacts/tool"])
    assert tool.script.template == BASE["scripts/deploy.sh"]
    assert tool.script.knobs == {
        "SOURCE_URL": "http://tool.example:8080",
        "SOURCE_VERSION": "1.2.3",
        "SOURCE_TOKEN": SecretRef(SecretName("tool-token")),
    }
    assert tool.verify.probe is not None
    assert tool.verify.probe.every == timedelta(hours=12)
    assert tool.rollout.waves == (Wave(name="canary", count=1), Wave(name="rest", percent=100))
    assert tool.position == Position("releases/tool.yaml", 3, 7)


def test_what_a_release_leaves_out_has_the_documented_default() -> None:
    other = with_other()

    assert other.package == "other"
    assert other.verify.stdout_ends_with == "other 2.0"
    assert other.verify.probe is None
    assert other.rollout.waves == (Wave(name="all", percent=100),)
    assert (other.rollout.max_in_flight, other.rollout.max_failures) == (10, 0)
    assert other.rollout.soak == timedelta(0)
    assert other.rollout.on_failure is OnFailure.HOLD
    assert other.keep_versions == 3
    assert other.drift is DriftPolicy.HEAL
    assert (other.adopt, other.suspend, other.allow_downgrade) == (False, False, False)
    assert (other.approval, other.requires_agent, other.upgrade_agent) == (None, None, None)


def test_pace_and_leave_are_read() -> None:
    other = with_other(
        "rollout:",
        "  max_failures: 5%",
        "  progress_deadline: 1h",
        "  waves:",
        "    - {name: a, labels: {ring: '1'}, offline: {rule: skip, max: 20%}}",
        "    - {name: b, groups: [canary], offline: {rule: skip, max: 3}}",
        "    - {name: c, hosts: [PC-03.example.org], offline: {rule: wait}}",
        "    - {name: d, percent: 100}",
        "approval: {required: 2, hosts: pinned, expires: 24h}",
        'requires: {agent: ">= 0.42.2"}',
        'upgrade_agent: "0.43.0"',
        "windows: [{allow: '0 22 * * 1-5', duration: 6h, zone: Asia/Tokyo}]",
        'yanked: ["1.9"]',
    )

    rollout = other.rollout
    assert (rollout.max_failures, rollout.max_failures_percent) == (0, 5)
    assert rollout.progress_deadline == timedelta(hours=1)
    assert [wave.offline for wave in rollout.waves] == [
        Offline(rule=OfflineRule.SKIP, max_percent=20),
        Offline(rule=OfflineRule.SKIP, max_hosts=3),
        Offline(rule=OfflineRule.WAIT),
        None,
    ]
    assert rollout.waves[2].hosts == {"PC-03.example.org"}
    assert other.approval == ApprovalPolicy(required=2, pin_hosts=True, expires=timedelta(hours=24))
    assert (other.requires_agent, other.upgrade_agent) == ("0.42.2", "0.43.0")
    assert other.windows[0].kind is WindowKind.ALLOW
    assert other.windows[0].cron.hours == {22}
    assert other.windows[0].duration == timedelta(hours=6)
    assert other.yanked == {"1.9"}


def test_hosts_have_the_windows_of_all_the_labels_that_they_carry() -> None:
    """From whichever file, each in its order, beside those of a release."""
    night = "{labels: {ring: '0'}, allow: '0 22 * * *', duration: 4h, zone: Asia/Tokyo}"
    inventory = "{labels: {ring: '0'}, deny: '0 0 1 * *', duration: 1d}"
    head = b"apiVersion: kanade-reconciler/v1\nkind: Hosts\n"
    more = head + f"windows: [{night}, {inventory}]\nhosts: [{{name: pc-09}}]\n".encode()

    hosts = load(snapshot_of(BASE | {"hosts/more.yaml": more})).hosts

    assert hosts[HostName("pc-09")].windows == hosts[HostName("PC-03.example.org")].windows == ()
    first, second = hosts[HostName("pc-01")].windows
    assert (first.kind, first.cron.text, first.zone) == (
        WindowKind.ALLOW,
        "0 22 * * *",
        "Asia/Tokyo",
    )
    assert (second.kind, second.duration, second.zone) == (
        WindowKind.DENY,
        timedelta(days=1),
        "UTC",
    )
    assert hosts[HostName("pc-02")].windows is hosts[HostName("pc-01")].windows


def test_kanades_spelling_of_a_digest_is_read_padded_or_not() -> None:
    digest = Digest("0" * 63 + "1")
    plain = f'sha256: "{digest}"'
    for spelling in (digest.kanade, digest.kanade.rstrip("=")):
        text = OTHER.replace(plain, f'sha256: "{spelling}"')

        desired = load(snapshot_of(BASE | {"releases/other.yaml": text.encode()}))

        assert desired.releases[0].artifact.digest == digest
        assert desired.releases[0].fingerprint == with_other().fingerprint


def test_the_revision_and_its_repository_are_passed_on() -> None:
    desired = load(snapshot_of(BASE))

    assert (desired.revision, desired.repo) == (COMMIT.revision, "https://git.example/fleet.git")


def test_places_are_named_as_seen_from_the_top_of_the_repository() -> None:
    desired = load(snapshot_of(BASE, folder="fleet/production"))

    assert desired.releases[0].position.file == "fleet/production/releases/other.yaml"
    assert desired.jobs[JobId("probe-tool")].path == "fleet/production/jobs/probe-tool.yaml"
    broken = BASE | {"jobs/probe-tool.yaml": b"id: [\n"}
    with pytest.raises(InvalidDesiredState, match=r"^fleet/production/jobs/probe-tool.yaml:2:1: "):
        load(snapshot_of(broken, folder="fleet/production"))


def test_all_faults_of_a_revision_come_at_once_and_in_order() -> None:
    broken = BASE | {
        "hosts/fleet.yaml": BASE["hosts/fleet.yaml"].replace(b"name: pc-02", b"name: pc 02"),
        "jobs/probe-tool.yaml": BASE["jobs/probe-tool.yaml"].replace(b'"1"', b"1.0"),
        "releases/tool.yaml": BASE["releases/tool.yaml"]
        .replace(b'"1.2.3"', b"1.2")
        .replace(b"targets", b"target"),
    }

    with pytest.raises(InvalidDesiredState) as refusal:
        load(snapshot_of(broken))

    places = [str(fault.position) for fault in refusal.value.faults]
    assert places == [
        "hosts/fleet.yaml:5:12",
        "jobs/probe-tool.yaml:2:10",
        "releases/tool.yaml:1:1",
        "releases/tool.yaml:4:10",
        "releases/tool.yaml:16:1",
    ]


@pytest.mark.parametrize(
    ("broken", "text", "told"),
    [
        ("hosts/fleet.yaml", b"kind: [", "hosts/fleet.yaml"),
        ("jobs/probe-tool.yaml", b"id: [", "jobs/probe-tool.yaml"),
        ("releases/tool.yaml", b"kind: [", "releases/tool.yaml"),
    ],
)
def test_a_file_that_cannot_be_read_makes_nothing_else_wrong(
    broken: str, text: bytes, told: str
) -> None:
    with pytest.raises(InvalidDesiredState) as refusal:
        load(snapshot_of(BASE | {broken: text}))

    assert [told] == [fault.position.file for fault in refusal.value.faults]


def test_groups_alone_are_enough_since_they_are_looked_up_live() -> None:
    text = OTHER.replace('{labels: {ring: "1"}}', "{groups: [canary]}")

    desired = load(snapshot_of(BASE | {"releases/other.yaml": text.encode()}))

    assert desired.releases[0].targets.groups == {"canary"}


@pytest.mark.parametrize(
    ("hosts", "targets"),
    [
        ("[{name: a}]", "{hosts: [a]}"),
        ("[{name: a, labels: {x: y}}, {name: b}]", "{labels: {x: y}}"),
        (
            "[{name: a, labels: {machine: lab}}, {name: b, labels: {machine: lab}}]",
            "{hosts: [a, b]}",
        ),
    ],
)
def test_a_loopback_url_may_be_said_for_one_machine(hosts: str, targets: str) -> None:
    fleet = f"apiVersion: kanade-reconciler/v1\nkind: Hosts\nhosts: {hosts}\n"
    text = (
        OTHER.replace('{labels: {ring: "1"}}', targets)
        .replace('"{version}"', '"http://127.0.0.1:8080/{version}"')
        .replace("object: deploy-other", "object: deploy-other, allow_loopback: true")
    )
    files = {p: c for p, c in BASE.items() if "tool" not in p} | {
        "hosts/fleet.yaml": fleet.encode()
    }

    desired = load(snapshot_of(files | {"releases/other.yaml": text.encode()}))

    assert desired.releases[0].script.knobs == {"SourceVersion": "http://127.0.0.1:8080/2.0"}


def test_hosts_of_a_live_group_may_be_other_machines() -> None:
    text = (
        OTHER.replace('{labels: {ring: "1"}}', "{hosts: [pc-01], groups: [canary]}")
        .replace('"{version}"', '"http://127.0.0.1:8080/"')
        .replace("object: deploy-other", "object: deploy-other, allow_loopback: true")
    )

    with pytest.raises(InvalidDesiredState, match="allow_loopback is for one machine"):
        load(snapshot_of(BASE | {"releases/other.yaml": text.encode()}))


def test_an_empty_desired_state_is_refused_wherever_it_is() -> None:
    hosts_alone = {"hosts/fleet.yaml": BASE["hosts/fleet.yaml"], "README.md": b""}
    for files in ({}, hosts_alone):
        with pytest.raises(InvalidDesiredState, match=r"^fleet: desired state is empty: refused"):
            load(snapshot_of(files, folder="fleet"))
