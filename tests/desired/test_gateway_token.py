"""A knob that asks for a download token: the wish names it, and its value is made at dispatch."""

from datetime import UTC, datetime, timedelta

import pytest

from reconciler.desired.knobs import render_with
from reconciler.desired.load import load
from reconciler.errors import InvalidDesiredState
from reconciler.model.desired import Release
from reconciler.model.digest import Digest
from reconciler.model.download_token import DownloadGrant, TokenKey
from reconciler.model.identity import PackageName, ReleaseName, Revision, SecretName, Version
from reconciler.model.record import ReleaseRecord
from reconciler.model.secret import Secret
from reconciler.plan.records import record_of
from reconciler.state import codec
from tests.desired.test_load import BASE
from tests.support.snapshots import snapshot_of

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
KEY = TokenKey(secret=Secret("k" * 32), epoch=timedelta(days=7))
SECRET = "SOURCE_TOKEN: {secret: tool-token}"
TOKEN = "SOURCE_TOKEN: {gateway: token}"


class Secrets:
    """Implements `ports.Secrets` at one point of time."""

    def __init__(self, now: datetime = NOON) -> None:
        self._now = now

    def resolve(self, name: SecretName) -> str:
        return f"secret {name}"

    def token(self, grant: DownloadGrant) -> str:
        return KEY.token(grant, self._now)


def tool(knob: str = TOKEN, timeout: str = "300s") -> Release:
    files = dict(BASE)
    release, job = "releases/tool.yaml", "jobs/install-tool.yaml"
    files[release] = files[release].replace(SECRET.encode(), knob.encode())
    files[job] = files[job].replace(b"timeout: 300s", f"timeout: {timeout}".encode())
    return next(found for found in load(snapshot_of(files)).releases if found.name == "tool")


GRANT = DownloadGrant(
    ReleaseName("tool"), PackageName("tool"), Version("1.2.3"), Digest.of(BASE["artifacts/tool"])
)


def test_the_knob_is_what_the_token_is_good_for() -> None:
    assert tool().script.knobs["SOURCE_TOKEN"] == GRANT


def test_the_script_carries_a_token_that_opens_this_version() -> None:
    text = render_with(tool().script, Secrets()).decode()
    token = text.split("SOURCE_TOKEN='")[1].partition("'")[0]

    assert KEY.grant_of(token, PackageName("tool"), Version("1.2.3"), NOON) == GRANT


def test_another_epoch_is_another_text_and_the_same_wish() -> None:
    release = tool()

    texts = [render_with(release.script, Secrets(NOON + days * KEY.epoch)) for days in range(2)]

    assert texts[0] != texts[1]
    assert render_with(release.script, Secrets(NOON + timedelta(hours=1))) == texts[0]
    assert release.fingerprint == tool().fingerprint
    assert release.fingerprint != tool(SECRET).fingerprint


def test_a_kept_release_goes_back_with_a_token_of_that_day() -> None:
    kept = record_of(tool(), Revision("0" * 40), NOON)

    read = codec.decode(codec.encode(kept), ReleaseRecord)

    assert read == kept
    later = Secrets(NOON + 10 * KEY.epoch)
    assert render_with(read.script, later) == render_with(tool().script, later)


def faults(knob: str, timeout: str = "300s") -> list[str]:
    with pytest.raises(InvalidDesiredState) as refused:
        tool(knob, timeout)
    return [str(fault.message) for fault in refused.value.faults]


def test_only_a_token_can_be_asked_for() -> None:
    where = "script.knobs.SOURCE_TOKEN"
    both = "SOURCE_TOKEN: {gateway: token, secret: tool-token}"

    assert faults("SOURCE_TOKEN: {gateway: url}") == [
        f'{where}.gateway must be one of token; found the text "url"'
    ]
    assert faults("SOURCE_TOKEN: {}") == [f"{where} is empty; leave it out or name at least 1"]
    assert faults(both) == [f"{where} has 2 keys; at most 1 are allowed"]


def test_a_job_that_may_outlast_its_token_is_refused() -> None:
    assert tool(timeout="24h").script.knobs["SOURCE_TOKEN"] == GRANT
    assert faults(TOKEN, timeout="25h") == [
        (
            "knob SOURCE_TOKEN: job install-tool may take 1d1h, and a token of the gateway is sure "
            "to hold for 1d"
        )
    ]
