"""What is proposed to the repository, and what is written down of it."""

from dataclasses import dataclass, replace

import pytest

from reconciler.apply.revert import Reverter
from reconciler.desired.load import load
from reconciler.errors import LeaseLost, SourceUnavailable
from reconciler.model.action import OfferRevert
from reconciler.model.digest import Digest
from reconciler.model.identity import SecretName, Version
from reconciler.model.revert import Proposal, RevertOffer
from reconciler.model.snapshot import Snapshot
from reconciler.plan.records import record_of
from reconciler.ports import Leadership
from tests.support import builders
from tests.support.builders import NOON, REVISION
from tests.support.fake_source import FakeReverts, FakeSecrets
from tests.support.fake_state import hold_state
from tests.support.fake_world import World
from tests.support.small_fleet import binary_of, commit

TOKEN = SecretName("tool-token")
BEFORE, NOW = commit("1.0.0"), commit("2.0.0")
FILE = "releases/tool.yaml"


def action_on(snapshot: Snapshot, stderr: str = "") -> OfferRevert:
    (old,), (new,) = load(BEFORE).releases, load(snapshot).releases
    return OfferRevert(
        release=new,
        quarantine=replace(builders.quarantine(new), stderr_tail=stderr),
        back_to=record_of(old, REVISION, NOON),
        is_stored=True,
    )


@dataclass(frozen=True, kw_only=True)
class Bench:
    world: World
    reverter: Reverter
    lease: Leadership

    async def offer(self, snapshot: Snapshot = NOW, stderr: str = "") -> RevertOffer:
        """Offer to revert the tool of *snapshot*; return what was written down."""
        await self.reverter.offer(action_on(snapshot, stderr), snapshot)
        (offer,) = self.world.own.offers.values()
        return offer

    @property
    def pushed(self) -> Proposal:
        (proposal,) = self.world.repository.branches.values()
        return proposal


@pytest.fixture
async def bench() -> Bench:
    world = World()
    world.secrets[TOKEN] = "a viewer's token"
    own = hold_state(world)
    await own.lease.attempt()
    reverter = Reverter(reverts=FakeReverts(world), secrets=FakeSecrets(world), archive=own.ledger)
    return Bench(world=world, reverter=reverter, lease=own.lease)


async def test_version_and_sha256_are_set_back_and_nothing_else(bench: Bench) -> None:
    offer = await bench.offer()

    lines = (NOW.files[FILE].content or b"").decode().splitlines()
    reverted = bench.pushed.content.decode().splitlines()
    changed = [(old, new) for old, new in zip(lines, reverted, strict=True) if old != new]
    (artifact, version) = (Digest.of(binary_of(item)).hex for item in ("2.0.0", "1.0.0"))
    assert changed == [
        ('version: "2.0.0"', 'version: "1.0.0"'),
        (
            f'artifact: {{path: artifacts/tool, sha256: "{artifact}"}}',
            f'artifact: {{path: artifacts/tool, sha256: "{version}"}}',
        ),
    ]
    assert (bench.pushed.base, bench.pushed.path) == (NOW.commit.revision, FILE)
    fingerprint = load(NOW).releases[0].fingerprint
    assert offer.branch == bench.pushed.branch == f"reconciler/revert-tool-2.0.0-{fingerprint[:8]}"
    assert (offer.to, offer.refusal, offer.by_hand) == ("1.0.0", "", "")
    assert offer.commit is not None


async def test_a_file_below_a_folder_is_named_from_the_top_of_the_repository(bench: Bench) -> None:
    await bench.offer(replace(NOW, folder="fleet/desired"))

    assert bench.pushed.path == f"fleet/desired/{FILE}"


async def test_comments_and_layout_are_kept(bench: Bench) -> None:
    text = (NOW.files[FILE].content or b"").decode()
    noted = text.replace('version: "2.0.0"\n', "version: '2.0.0'   # the line to bump\n")
    await bench.offer(commit("2.0.0", changes={FILE: noted}))

    assert "version: '1.0.0'   # the line to bump\n" in bench.pushed.content.decode()


async def test_a_secret_that_the_script_was_given_is_not_pushed(bench: Bench) -> None:
    stderr = "curl -H X: a viewer's token\nAUTH_TOKEN=hunter2\nhttps://me:pass@example.com/x"

    await bench.offer(stderr=stderr)

    for secret in ("a viewer's token", "hunter2", "me:pass"):
        assert secret not in bench.pushed.message
    assert "    curl -H X: ***\n    AUTH_TOKEN=***\n" in bench.pushed.message


async def test_without_its_secrets_nothing_that_was_said_is_pushed(bench: Bench) -> None:
    del bench.world.secrets[TOKEN]

    await bench.offer(stderr="the token is a viewer's token")

    assert "a viewer's token" not in bench.pushed.message
    assert "left out" in bench.pushed.message


async def test_a_refusal_is_written_down_with_what_to_do_by_hand(bench: Bench) -> None:
    bench.world.repository.read_only = "protected\nby its owner"

    offer = await bench.offer()

    assert (offer.commit, offer.refusal) == (None, "protected by its owner")
    assert offer.by_hand.splitlines() == [
        "git fetch origin",
        f"git switch --create {offer.branch} {NOW.commit.revision}",
        f'# edit {FILE}: version: "1.0.0"',
        f"#   artifact.sha256: {Digest.of(binary_of('1.0.0')).hex}",
        "git commit --all --message 'Revert tool to 1.0.0'",
        f"git push origin {offer.branch}",
    ]


async def test_what_would_not_be_taken_is_not_offered(bench: Bench) -> None:
    """The older version has other messages: the file refuses it."""
    snapshot = commit("2.0.0")
    action = action_on(snapshot)
    unfit = replace(action, back_to=replace(action.back_to, version=Version("1 0")))

    await bench.reverter.offer(unfit, snapshot)

    (offer,) = bench.world.own.offers.values()
    assert bench.world.repository.branches == {}
    assert "releases/tool.yaml:4" in offer.refusal


async def test_no_answer_is_not_written_down(bench: Bench) -> None:
    bench.world.weather.spoil("reverts.push", SourceUnavailable("silent"))

    with pytest.raises(SourceUnavailable):
        await bench.offer()

    assert bench.world.own.offers == {}


async def test_pushed_and_not_written_down_it_is_the_same_branch_again(bench: Bench) -> None:
    bench.world.weather.spoil("archive.note_offer", LeaseLost("stopped"))
    with pytest.raises(LeaseLost):
        await bench.offer()
    first = bench.pushed

    offer = await bench.offer()

    assert bench.pushed == first
    assert offer.commit is not None
