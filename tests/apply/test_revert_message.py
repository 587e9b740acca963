"""What a revert's commit says, and what it never says."""

from dataclasses import replace

from reconciler.apply.revert_message import message_of
from reconciler.model.action import OfferRevert
from reconciler.model.desired import Artifact, BlobArtifact, PublishedArtifact, UrlArtifact
from reconciler.model.identity import ExecId, ResultId
from tests.support import builders
from tests.support.builders import REVISION

OLD, NEW = builders.release("1.0.0"), builders.release("2.0.0")
QUARANTINE = replace(
    builders.quarantine(NEW),
    fix="publish a version that starts",
    exit_code=30,
    result_id=ResultId("result-1"),
    exec_id=ExecId("exec-1"),
)
ACTION = OfferRevert(
    release=NEW, quarantine=QUARANTINE, back_to=builders.record(OLD), is_stored=True
)
MESSAGE = f"""\
Revert tool to 1.0.0

tool 2.0.0 has failed on pc-01 and is quarantined.
Its hosts go back by themselves; merged, git asks for 1.0.0 again.

Host: pc-01
Failure: ServiceDidNotStart
Cause: the service did not start
Fix: publish a version that starts
Exit code: 30
Result: result-1
Exec: exec-1
At: 2026-11-23 11:55:00 UTC
Fingerprint: {NEW.fingerprint}
Proved before: 1.0.0 of commit {REVISION[:12]}

The end of its stderr:

    first
    second
"""
GONE = "the bytes\nof 1.0.0 can no longer be had from there."


def with_origins(before: Artifact, after: Artifact) -> str:
    action = replace(ACTION, release=replace(NEW, artifact=before))
    return message_of(action, replace(OLD, artifact=after), "", "fleet")


def test_the_evidence_is_in_the_message() -> None:
    published = replace(NEW.artifact, origin=PublishedArtifact())
    action = replace(ACTION, release=replace(NEW, artifact=published))

    after = replace(OLD, artifact=published)

    assert message_of(action, after, "first\n\nsecond\n") == MESSAGE


def test_what_is_not_known_is_not_said() -> None:
    bare = replace(ACTION, quarantine=builders.quarantine(NEW))

    message = message_of(bare, OLD, "")

    for word in ("Exit code", "Result", "Exec:", "Fix", "stderr"):
        assert word not in message


def test_what_was_said_is_cut_to_its_end_and_to_what_can_be_printed() -> None:
    said = "\n".join(f"line {number}" for number in range(50)) + "\n\x1b[31m" + "x" * 500

    shown = message_of(ACTION, OLD, said).splitlines()[-20:]

    assert shown[0] == "    line 31"
    assert len(shown[-1]) == len("    ") + 200
    assert "\x1b" not in shown[-1]


def test_an_artifact_that_has_one_place_has_one_version() -> None:
    blob = replace(NEW.artifact, origin=BlobArtifact(path="artifacts/tool"))
    urls = [replace(NEW.artifact, origin=UrlArtifact(url=f"https://x/{v}")) for v in "12"]

    assert GONE in with_origins(blob, blob)
    assert f"git restore --source {REVISION} -- fleet/artifacts/tool\n" in with_origins(blob, blob)
    assert GONE not in with_origins(urls[1], urls[0])


def test_a_package_that_is_in_no_store_is_asked_for_first() -> None:
    assert "publish tool 1.0.0\nagain" in message_of(replace(ACTION, is_stored=False), OLD, "")
    assert "publish tool 1.0.0\nagain" not in message_of(ACTION, OLD, "")
