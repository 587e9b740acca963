"""A download token: for one version of one package, for long enough, and not for ever."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.digest import Digest
from reconciler.model.download_token import DownloadGrant, TokenKey
from reconciler.model.identity import PackageName, ReleaseName, Version
from reconciler.model.secret import Secret

KEY = TokenKey(secret=Secret("CANARY-" + "k" * 32), epoch=timedelta(days=7))
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
EPOCH_BEGINS = datetime(2026, 11, 19, tzinfo=UTC)
GRANT = DownloadGrant(
    ReleaseName("tools.backend"), PackageName("tool"), Version("1.0"), Digest.of(b"tool")
)


def admitted(token: str, now: datetime = NOON, key: TokenKey = KEY) -> bool:
    return key.grant_of(token, GRANT.package, GRANT.version, now) == GRANT


def test_a_token_says_what_it_grants_and_nothing_of_the_key() -> None:
    token = KEY.token(GRANT, NOON)

    assert admitted(token)
    assert "CANARY" not in token + repr(KEY)
    assert re.fullmatch(r"[A-Za-z0-9._-]+", token)


@pytest.mark.parametrize(("package", "version"), [("too", "1.0"), ("tool", "1"), ("tool", "1.00")])
def test_it_opens_no_other_version_and_no_other_package(package: str, version: str) -> None:
    token = KEY.token(GRANT, NOON)

    assert KEY.grant_of(token, PackageName(package), Version(version), NOON) is None


@given(at=st.integers(0, 511), with_=st.characters(codec="ascii"))
def test_no_character_of_it_can_be_changed(at: int, with_: str) -> None:
    token = KEY.token(GRANT, NOON)
    at %= len(token)
    changed = token[:at] + with_ + token[at + 1 :]

    assert KEY.grant_of(changed, GRANT.package, GRANT.version, NOON) == (
        GRANT if changed == token else None
    )


@pytest.mark.parametrize("text", ["", ".", "....", "krd1.x.y.z.w", "krd1.1.é..", "k" * 600])
def test_what_is_no_token_is_refused(text: str) -> None:
    assert not admitted(text)


def test_a_token_of_another_key_is_refused() -> None:
    other = replace(KEY, secret=Secret("x" * 32))

    assert not admitted(other.token(GRANT, NOON))


@given(minutes=st.integers(0, 7 * 24 * 60 - 1))
def test_it_holds_for_an_epoch_whenever_it_was_made(minutes: int) -> None:
    made = EPOCH_BEGINS + timedelta(minutes=minutes)
    token = KEY.token(GRANT, made)

    assert admitted(token, made)
    assert admitted(token, made + KEY.epoch)
    assert not admitted(token, made + 2 * KEY.epoch)


def test_it_is_the_same_throughout_an_epoch_and_another_one_afterwards() -> None:
    last = EPOCH_BEGINS + KEY.epoch - timedelta(seconds=1)

    assert KEY.token(GRANT, EPOCH_BEGINS) == KEY.token(GRANT, last)
    assert KEY.token(GRANT, last) != KEY.token(GRANT, EPOCH_BEGINS + KEY.epoch)


def test_another_instance_whose_clock_is_a_little_behind_takes_it() -> None:
    token = KEY.token(GRANT, EPOCH_BEGINS)

    assert admitted(token, EPOCH_BEGINS - timedelta(minutes=4))
    assert not admitted(token, EPOCH_BEGINS - timedelta(minutes=6))
