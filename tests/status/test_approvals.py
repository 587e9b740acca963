"""What is told of people's words: shown with the release, and one event each."""

from dataclasses import replace
from datetime import timedelta

from reconciler.model.observed import Observed, Requests, Retry
from reconciler.model.policy import ApprovalPolicy
from reconciler.model.status import ControllerStatus, ReleaseStatus, Status
from reconciler.status.approvals import with_approvals
from reconciler.status.transitions import transitions
from tests.support import builders
from tests.support.builders import NOON, REVISION

ITEM = builders.release()
BARE = ReleaseStatus(
    name=ITEM.name,
    package=ITEM.package,
    version=ITEM.version,
    fingerprint=ITEM.fingerprint,
    revision=REVISION,
    job=ITEM.job.id,
    conditions=(),
)
SIGNED = builders.approval(ITEM, "mika", key="SHA256:abc")
UNSIGNED = builders.approval(ITEM, "aki", refusal="it is not signed")
OVERRIDE_END = "2026-11-23 12:59:00 UTC"
OVERRIDE = builders.override(ITEM, timedelta(hours=1))


def told(observed: Observed) -> ReleaseStatus:
    return with_approvals({ITEM.name: BARE}, builders.desired(ITEM), observed, NOON)[ITEM.name]


def quarantined(refusal: str = "", requests: Requests | None = None) -> Observed:
    """Return a fleet in which the release has failed, and a revert of it was asked for."""
    bad, offer = builders.quarantine(ITEM), builders.offer(ITEM, refusal)
    key = (ITEM.name, ITEM.fingerprint)
    return Observed(quarantine={key: bad}, offers={key: offer}, requests=requests or Requests())


def status(release: ReleaseStatus) -> Status:
    return Status(controller=ControllerStatus(revision=None), releases={ITEM.name: release})


def test_a_release_says_who_has_said_what_and_whether_it_counts() -> None:
    requests = Requests(approvals=(SIGNED, UNSIGNED, OVERRIDE))

    words = {word.by: word for word in told(Observed(requests=requests)).words if not word.until}

    assert (words["mika"].key, words["mika"].refusal) == ("SHA256:abc", "")
    assert words["aki"].refusal == "it is not signed"


def test_a_key_that_has_agreed_already_agrees_under_no_other_name() -> None:
    again = builders.approval(ITEM, "aki", ago=timedelta(seconds=1), key="SHA256:abc")

    words = told(Observed(requests=Requests(approvals=(SIGNED, again)))).words

    assert [(word.by, word.refusal) for word in words] == [
        ("mika", ""),
        ("aki", "this key has agreed already, under another name"),
    ]


def test_an_approval_says_until_when_it_holds() -> None:
    item = replace(ITEM, approval=ApprovalPolicy(required=1, expires=timedelta(hours=1)))
    requests = Requests(approvals=(builders.approval(item, ago=timedelta(0)),))

    found = with_approvals(
        {item.name: BARE}, builders.desired(item), Observed(requests=requests), NOON
    )

    assert [word.until for word in found[item.name].words] == [NOON + timedelta(hours=1)]


def test_a_release_says_what_it_would_change_against_what_was_proved_last() -> None:
    record = builders.record(builders.release("1.0.0"))
    kept = Observed(records={(record.release, record.fingerprint): record})

    found = told(kept)

    assert found.compared_with == "1.0.0"
    assert [item.what for item in found.differences] == ["version", "sha256", "last line"]
    assert found.compared_as == "proved"
    assert told(Observed()).compared_with is None


def test_what_was_approved_since_is_what_it_is_compared_with() -> None:
    proved, seen = (builders.release(version) for version in ("1.0.0", "1.5.0"))
    record = builders.record(proved)
    approved = builders.record(seen, ago=timedelta(minutes=1))

    found = told(
        Observed(
            records={(record.release, record.fingerprint): record},
            approved={approved.release: approved},
        )
    )

    assert (found.compared_with, found.compared_as) == ("1.5.0", "approved")
    assert found.differences[0].before == "1.5.0"


def test_every_word_is_one_event_with_who_when_why_and_by_which_key() -> None:
    before = told(Observed())
    after = told(Observed(requests=Requests(approvals=(SIGNED, UNSIGNED, OVERRIDE))))

    events = transitions(status(before), status(after), NOON)

    name = f"2.0.0, {ITEM.fingerprint[:12]}"
    assert sorted((event.kind, event.severity, event.message) for event in events) == [
        ("Approved", "info", f"approval of {name}, by mika with SHA256:abc: no reason given"),
        (
            "Overridden",
            "info",
            f"override of window until {OVERRIDE_END} of {name}, by mika: the data centre moves",
        ),
        (
            "WordRefused",
            "error",
            f"approval of {name}, by aki: no reason given; it does not count: it is not signed",
        ),
    ]
    assert {event.at for event in events} == {SIGNED.signed.at}
    assert transitions(status(after), status(after), NOON) == ()


def test_a_word_is_told_once_it_has_been_checked() -> None:
    pending = replace(
        SIGNED, key="", refusal="its signature has not been checked yet", pending=True
    )
    before = told(Observed(requests=Requests(approvals=(pending,))))
    assert transitions(status(told(Observed())), status(before), NOON) == ()
    after = told(Observed(requests=Requests(approvals=(SIGNED,))))

    assert [event.kind for event in transitions(status(before), status(after), NOON)] == [
        "Approved"
    ]


def test_a_revert_that_is_offered_is_shown_and_told_once() -> None:
    before, after = told(Observed()), told(quarantined())

    (event,) = transitions(status(before), status(after), NOON)

    assert (before.offer, after.offer) == (None, builders.offer(ITEM))
    assert (event.kind, event.severity, event.details) == ("RevertOffered", "info", "")
    branch = f"reconciler/revert-tool-2.0.0-{ITEM.fingerprint[:8]}"
    assert event.message == f"merge {branch} to go back to 1.0.0 in git, too"
    assert transitions(status(after), status(after), NOON) == ()


def test_a_revert_that_is_refused_is_told_with_why_and_what_to_do_by_hand() -> None:
    after = told(quarantined("no rights"))

    (event,) = transitions(status(told(Observed())), status(after), NOON)

    assert (event.kind, event.severity) == ("RevertRefused", "error")
    assert event.message.endswith("which goes back to 1.0.0, is not there: no rights")
    assert event.details == "git push origin HEAD"


def test_a_revert_of_what_a_person_lets_try_again_is_not_shown() -> None:
    retry = Retry(release=ITEM.name, id="1", by="mika", at=NOON)

    found = told(quarantined(requests=Requests(retries={ITEM.name: retry})))

    assert found.offer is None
