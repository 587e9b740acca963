"""What a person says to the controller: approve, suspend, resume, retry; and what comes of it."""

import json
import re
import subprocess
from dataclasses import replace

import pytest

from reconciler.model.difference import Difference
from reconciler.model.identity import Version
from tests.cli.conftest import Office
from tests.cli.published import STATUS, TOOL, publish
from tests.support import small_fleet

JOB = str(small_fleet.files("1.0.0")["jobs/install-tool.yaml"])

UNHEARD = "no controller leads now: the next run or apply says whether that counts\n"


@pytest.fixture
def gated(kanade: Office) -> Office:
    """The same, with a job that wants approval, and one pass made."""
    files = {**small_fleet.files("1.0.0"), "jobs/install-tool.yaml": f"{JOB}require_approval: true"}
    kanade.repository.commit(files, message="Ask first")
    assert kanade.call("apply").code == 6
    return kanade


def reason(office: Office) -> str:
    """Return why the release is as it is, by its condition Ready."""
    [release] = json.loads(office.call("get", "releases", "-o", "json").out)
    [ready] = [item for item in release["conditions"] if item["type"] == "Ready"]
    return str(ready["reason"])


def test_a_gate_opens_for_whom_it_was_asked(gated: Office) -> None:
    assert reason(gated) == "ApprovalRequired"
    assert "register job install-tool" not in gated.call("plan").out

    done = gated.call("approve", "tool", "--by", "mika", "--reason", "seen", given="y\n")

    assert (done.code, done.err) == (0, UNHEARD)
    assert done.out.startswith("tool 1.0.0  revision ")
    assert done.out.endswith("approve? [y/N]: y\napproved by mika\n")
    assert gated.call("apply").code == 0
    assert reason(gated) != "ApprovalRequired"


NOBODY = "error: nobody has answered 'approve?'; --yes does not ask"


@pytest.mark.parametrize(
    ("answer", "code", "told"),
    [("n\n", 130, "not approved"), ("\n", 130, "not approved"), ("", 2, NOBODY)],
)
def test_a_gate_stays_shut_without_a_yes(gated: Office, answer: str, code: int, told: str) -> None:
    done = gated.call("approve", "tool", given=answer)

    assert (code, f"{told}\n") == (done.code, done.err)
    assert gated.call("apply").code == 6
    assert reason(gated) == "ApprovalRequired"


def test_an_approval_that_nobody_waits_for_is_said_to_be_one(kanade: Office) -> None:
    kanade.call("apply")

    done = kanade.call("approve", "tool", "--yes")

    assert (done.code, done.err) == (0, f"tool 1.0.0 does not wait for approval\n{UNHEARD}")


def test_an_approval_is_of_one_version_and_no_later_one(gated: Office) -> None:
    gated.call("approve", "tool", "--yes")
    files = {**small_fleet.files("2.0.0"), "jobs/install-tool.yaml": f"{JOB}require_approval: true"}
    gated.repository.commit(files, message="Ask again")

    assert gated.call("apply").code == 6
    assert reason(gated) == "ApprovalRequired"


def test_a_suspended_release_stands_still_and_says_why(kanade: Office) -> None:
    kanade.call("apply")

    done = kanade.call("suspend", "tool", "--reason", "the fair is on")

    expected = "tool is suspended; reconciler resume tool lets it go on\n"
    assert (0, expected, "") == (done.code, done.out, done.err)
    held = kanade.call("apply")
    assert held.code == 6
    assert "the fair is on" in held.out
    assert reason(kanade) == "Suspended"


def test_a_release_that_nobody_has_stopped_does_not_go_on(kanade: Office) -> None:
    kanade.call("apply")

    done = kanade.call("resume", "tool")

    said = "tool was not suspended or sent back by anybody: it stays as it is\n"
    assert (done.code, done.out) == (0, said)


def test_a_resumed_release_goes_on(kanade: Office) -> None:
    kanade.call("apply")
    kanade.call("suspend", "tool", "--reason", "the fair is on")
    kanade.call("apply")

    done = kanade.call("resume", "tool")

    assert (done.code, done.out, done.err) == (0, "tool goes on\n", "")
    assert kanade.call("apply").code == 0
    assert reason(kanade) == "Progressing"


def test_a_release_that_has_left_git_can_be_resumed(kanade: Office) -> None:
    """Or its suspension would wait for it for ever."""
    kanade.call("apply")
    kanade.call("suspend", "tool", "--reason", "the fair is on")
    files = small_fleet.files("1.0.0")
    del files["releases/tool.yaml"], files["jobs/install-tool.yaml"]
    kanade.repository.commit(files)
    kanade.call("apply")

    assert kanade.call("resume", "tool").code == 0
    assert kanade.call("resume", "tool").code == 2


def test_a_retry_is_heard(kanade: Office) -> None:
    kanade.call("apply")

    done = kanade.call("retry", "tool")

    assert (done.code, done.out, done.err) == (0, "tool is tried again where it failed\n", "")


def test_a_suspension_may_end_by_itself(kanade: Office) -> None:
    kanade.call("apply")

    done = kanade.call("suspend", "tool", "--reason", "the fair is on", "--until", "2h")

    assert done.code == 0
    assert re.search(r"suspended until 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC; ", done.out)
    assert re.search(
        r"suspended by \S+ until 20\d\d-.* UTC: the fair is on", kanade.call("plan").out
    )


@pytest.mark.parametrize(
    ("until", "error"),
    [
        (
            "soon",
            "expected a duration like 90s, 5m, 1h30m or 7d, or a time like 2026-12-24T18:00; ",
        ),
        ("2001-01-01T00:00+00:00", "2001-01-01 00:00 UTC has passed"),
        ("0s", "has passed"),
    ],
)
def test_a_suspension_cannot_end_at_no_time(kanade: Office, until: str, error: str) -> None:
    kanade.call("apply")

    done = kanade.call("suspend", "tool", "--reason", "x", "--until", until)

    assert done.code == 2
    assert error in done.err


def test_an_override_needs_a_reason_and_lasts_no_longer_than_a_day(kanade: Office) -> None:
    kanade.call("apply")

    bare = kanade.call("approve", "tool", "--yes", "--override", "window")
    long = kanade.call(
        "approve", "tool", "--yes", "--override", "window", "--reason", "x", "--for", "25h"
    )

    assert (bare.code, bare.err) == (
        2,
        "error: Missing option '--reason'. (see: reconciler approve --help)\n",
    )
    assert long.code == 2
    assert "an override lasts 24h at most" in long.err


def test_an_override_lets_a_release_pass_its_window(kanade: Office) -> None:
    files = small_fleet.files("1.0.0")
    shut = "windows: [{deny: '0 * * * *', duration: 2h}]\n"
    kanade.repository.commit(
        {**files, "releases/tool.yaml": f"{files['releases/tool.yaml']!s}{shut}"}
    )
    assert kanade.call("apply").code == 6
    assert reason(kanade) == "OutsideWindow"

    done = kanade.call(
        *("approve", "tool", "--override", "window", "--reason", "the data centre moves"),
        *("--by", "mika", "--for", "10m"),
        given="y\n",
    )

    assert re.search(r"mika lets tool pass its window until 20\d\d-.* UTC\n\Z", done.out), done
    assert kanade.call("apply").code == 0


def refusals(office: Office) -> list[str]:
    """Return why each word that was said does not count; nothing for one that does."""
    [release] = json.loads(office.call("get", "releases", "-o", "json").out)
    return [word["refusal"] for word in release["words"]]


def test_where_words_are_signed_a_name_alone_lets_nothing_through(gated: Office) -> None:
    for name in ("mika", "aki"):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(gated.folder / name)]
        subprocess.run(words, check=True)
    gated.call("approve", "tool", "--yes", "--by", "mika")
    public = (gated.folder / "mika.pub").read_text()
    (gated.folder / "signers").write_text(f"mika {public}")
    settings = gated.config.read_text()
    gated.config.write_text(f'{settings}\n[approval]\nallowed_signers = "signers"\n')

    assert gated.call("apply").code == 6
    assert refusals(gated) == ["it is not signed: approve with --key FILE"]

    done = gated.call(
        "approve", "tool", "--yes", "--by", "mika", "--key", str(gated.folder / "aki")
    )
    why = "no key of this person in signers has signed it"
    assert (done.code, done.err) == (6, f"the request of mika does not count: {why}\n")
    assert "approved" not in done.out
    assert gated.call("apply").code == 6
    assert refusals(gated) == [why]

    gated.call("approve", "tool", "--yes", "--by", "mika", "--key", str(gated.folder / "mika"))
    assert gated.call("apply").code == 0
    assert refusals(gated) == [""]


def test_where_words_are_signed_somebody_without_a_key_is_told(gated: Office) -> None:
    settings = gated.config.read_text()
    gated.config.write_text(f'{settings}\n[approval]\nallowed_signers = "signers"\n')

    nobody = {"GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "SSH_AUTH_SOCK": ""}
    done = gated.call("approve", "tool", "--yes", **nobody)

    assert (done.code, done.out) == (2, "")
    assert "there is no key to sign with: name one by --key" in done.err


def test_who_approves_sees_what_differs_from_what_was_approved_last(kanade: Office) -> None:
    differences = (
        Difference(what="version", before="0.42.0", after="0.43.0"),
        Difference(what="knob NEW_TOKEN", before="", after="***"),
        Difference(
            what="text of scripts/deploy.sh",
            before="",
            after="1 lines came, 1 went",
            lines=("-echo one", "+echo \x1b[31mtwo"),
        ),
    )
    told = replace(
        STATUS.releases[TOOL],
        compared_with=Version("0.42.0"),
        compared_as="approved",
        differences=differences,
    )
    publish(kanade, replace(STATUS, releases={TOOL: told}))

    done = kanade.call("approve", "tool", given="n\n")

    assert done.out.splitlines()[2:-1] == [
        "against 0.42.0, which was approved last:",
        "  version: 0.42.0 -> 0.43.0",
        "  knob NEW_TOKEN: nothing -> ***",
        "  text of scripts/deploy.sh: 1 lines came, 1 went",
        "    -echo one",
        "    +echo \ufffd[31mtwo",
    ]
