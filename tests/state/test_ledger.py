"""What the leader writes is what the next reading, of whomever, shows."""

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.cli.own_state import open_own_state
from reconciler.errors import KanadeUnavailable
from reconciler.jetstream import connection as connection_module
from reconciler.model.approval import Approval
from reconciler.model.attempt import Purpose
from reconciler.model.failure import FailureClass
from reconciler.model.identity import HostName, ObjectRef
from reconciler.model.observed import Owned
from reconciler.model.proof import Proof
from reconciler.state.names import journal_key
from tests.state.conftest import Open
from tests.support import builders
from tests.support.builders import NOON
from tests.support.clock import FakeClock
from tests.support.nats import NatsProcess
from tests.support.streams import connected


async def test_an_attempt_comes_back_as_it_was_written(open_state: Open) -> None:
    own = await open_state("one")
    await own.lease.attempt()
    item = builders.release()
    attempt = builders.attempt(
        item, "Host.With.Dots", outcome=builders.outcome(FailureClass.TIMEOUT)
    )

    await own.ledger.record(attempt)

    key = (item.name, HostName("Host.With.Dots"), Purpose.INSTALL)
    assert {key: attempt} == dict(own.ledger.attempts())


async def test_a_newer_attempt_takes_the_place_of_the_older(open_state: Open) -> None:
    own = await open_state("one")
    await own.lease.attempt()
    first = builders.attempt(builders.release())
    second = replace(first, number=2)

    await own.ledger.record(first)
    await own.ledger.record(second)

    assert [second] == list(own.ledger.attempts().values())


async def test_proofs_and_ownership_are_kept(open_state: Open) -> None:
    own = await open_state("one")
    await own.lease.attempt()
    item = builders.release()
    proof = Proof(
        package=item.package,
        host=HostName("pc-01"),
        by_probe=builders.evidence("2.0.0", sha=item.artifact.digest),
    )
    owned = Owned(digest=item.artifact.digest, release=item.name)
    ref = ObjectRef("tool", "2.0.0")

    await own.ledger.prove(proof)
    await own.ledger.own_package(ref, owned)

    assert {(item.package, HostName("pc-01")): proof} == dict(own.ledger.proofs())
    assert {ref: owned} == dict(own.ledger.owned_packages())
    assert dict(own.ledger.owned_scripts()) == {}


async def test_a_record_that_cannot_be_read_is_as_if_it_were_not(open_state: Open) -> None:
    own = await open_state("one")
    await own.lease.attempt()
    attempt = builders.attempt(builders.release())
    for rubbish in (b"", b"{}", b"\xff", b'{"wish": 1}'):
        await own.bucket.put(journal_key(attempt.wish), rubbish)
        await own.mirror.refresh()

        assert dict(own.ledger.attempts()) == {}

    await own.ledger.record(attempt)
    assert [attempt] == list(own.ledger.attempts().values())


async def test_an_install_that_cannot_be_read_is_told_until_it_is_written_anew(
    open_state: Open,
) -> None:
    own = await open_state("one")
    await own.lease.attempt()
    item = builders.release()
    first, other = builders.attempt(item, "pc.01"), builders.attempt(item, "pc-02")
    probe = builders.attempt(item, "pc-03", purpose=Purpose.PROBE)
    await own.ledger.record(first)
    await own.ledger.record(other)
    assert dict(own.ledger.unread_installs()) == {}

    later = journal_key(first.wish).rpartition(".")[0] + ".reinstall"  # of a version to come
    for key in (journal_key(first.wish), journal_key(probe.wish), later, "journal.=ZZ.x.install"):
        await own.bucket.put(key, b'{"wish": 1}')
    await own.mirror.refresh()

    unread = own.ledger.unread_installs()
    subject = own.bucket.subject(later)
    assert dict(unread) == {
        (item.name, HostName("pc.01")): own.mirror.live[subject].timestamp,
    }
    await own.bucket.delete(later)
    await own.ledger.record(first)
    assert dict(own.ledger.unread_installs()) == {}
    assert len(own.ledger.attempts()) == 2


async def test_a_persons_word_counts_once_and_without_a_lease(open_state: Open) -> None:
    own = await open_state("one")
    item = builders.release()
    approval = Approval(
        release=item.name, fingerprint=item.fingerprint, approver="mika@example", at=NOON
    )

    await own.book.approve(approval)
    await own.book.approve(replace(approval, reason="again"))

    other = await open_state("two")
    (found,) = other.book.read().approvals
    assert replace(approval, reason="again") == found.signed
    assert (found.pending, found.refusal) == (True, "it has not been checked yet")


async def test_a_server_that_is_gone_is_no_answer_and_no_takeover(
    own_server: NatsProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the write would have said is unknown; it must not look like a bug, nor like a loss."""
    async with (
        connected(own_server.url) as connection,
        open_own_state(connection, "one", FakeClock(), lambda: None, create=True) as own,
    ):
        await own.lease.attempt()
        own_server.kill()
        monkeypatch.setattr(connection_module, "_PATIENCE", timedelta(seconds=0.1))

        with pytest.raises(KanadeUnavailable):
            await own.ledger.record(builders.attempt(builders.release()))
