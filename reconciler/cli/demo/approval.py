"""Two people must agree, each with a key of their own; until then nothing moves."""

import time
from collections.abc import Mapping
from functools import partial

from reconciler.cli import exits
from reconciler.cli.demo.claims import Claims
from reconciler.cli.demo.people import key_of, make_key
from reconciler.cli.demo.repository import RELEASE, Repository
from reconciler.cli.demo.shown import show
from reconciler.cli.demo.stage import FIRST, HOSTS, Setting, Stage
from reconciler.lab.service import build_service

MIKA, AKI, MALLORY = "mika@example.com", "aki@example.com", "mallory@example.com"
SECOND = "0.43.0"
THIRD = "0.44.0"
_SIGNERS = "allowed_signers"


def _with_keys(repository: Repository) -> None:
    """Make three keys, of which two may sign."""
    folder = repository.folder.parent
    public = {person: make_key(folder, person) for person in (MIKA, AKI, MALLORY)}
    lines = [f"{person} {public[person]}" for person in (MIKA, AKI)]
    (folder / _SIGNERS).write_text("".join(lines), "utf-8")
    repository.edit("soak: 1s", "soak: 0s")
    repository.edit("every: 5s", "every: 1h")


SETTING = Setting(
    hosts_per_agent=len(HOSTS),
    prepare=_with_keys,
    settings=f'\n[approval]\nallowed_signers = "{_SIGNERS}"\n',
)


async def perform(stage: Stage, claims: Claims) -> Mapping[str, object]:
    """Play the scenes; raises DemoFailed when a claim does not hold."""
    await _waits(stage, claims)
    await _one_word(stage, claims)
    await _no_word(stage, claims)
    refused, before = _refused(stage), len(stage.traffic.installs(SECOND))
    opened = await _second_word(stage, claims)
    approvers = _approvers(stage)
    await _void(stage, claims)
    return {
        "required": 2,
        "approvers": approvers,
        "refused": refused,
        "installs_before_the_second_word": before,
        "second_word_to_command_ms": round(opened * 1000, 1),
        "converged": set(stage.traffic.hosts(SECOND)) == {*HOSTS},
        "void_after_a_change": not _approvers(stage),
    }


async def _waits(stage: Stage, claims: Claims) -> None:
    await stage.until("every host is proved", lambda: stage.all_proved(FIRST))
    await stage.until("it is kept", lambda: stage.can_go_back_to(FIRST))
    claims.scene(f"A commit asks for {SECOND}, and for the approval of two people")
    stage.repository.edit("\nrollout:\n", "\napproval: {required: 2, expires: 24h}\nrollout:\n")
    stage.repository.bump(SECOND, build_service(SECOND), f"Bump {RELEASE} to {SECOND}")
    await stage.until("it waits for two", lambda: _counts(stage, SECOND, 0))
    claims.note(stage.waits_for())
    await _nothing_moves(stage, claims, SECOND)


async def _one_word(stage: Stage, claims: Claims) -> None:
    claims.scene("Mika reads it and agrees")
    said = await _approve(stage, claims, MIKA, MIKA)
    claims.hold("she was shown what changes", true=f"version: {FIRST} -> {SECOND}" in said)
    await stage.until("one approval counts", lambda: _counts(stage, SECOND, 1))
    await _nothing_moves(stage, claims, SECOND)


async def _no_word(stage: Stage, claims: Claims) -> None:
    claims.scene("Mallory, whom nobody has allowed, agrees; then Mika once more, as Aki")
    for person, key in ((MALLORY, MALLORY), (AKI, MIKA)):
        await _approve(stage, claims, person, key, expected=exits.HELD, quiet=True)
        await stage.until("the approval is refused", partial(_is_refused, stage, person))
        claims.hold(f"the approval of {person} does not count", true=_counts(stage, SECOND, 1))
    claims.note(stage.waits_for())
    await _nothing_moves(stage, claims, SECOND)


async def _second_word(stage: Stage, claims: Claims) -> float:
    """Return the seconds from the start of `approve` to the first command."""
    claims.scene("Aki agrees, with her own key")
    said = time.monotonic()
    await _approve(stage, claims, AKI, AKI, quiet=True)
    await stage.until("the first command is sent", lambda: bool(stage.traffic.installs(SECOND)))
    first = stage.traffic.installs(SECOND)[0].at
    await stage.until("every host is proved", lambda: stage.all_proved(SECOND))
    claims.hold(
        f"now it goes: all three run {SECOND}",
        true=sorted(stage.traffic.hosts(SECOND)) == sorted(HOSTS),
        found=stage.traffic.hosts(SECOND),
    )
    signed = _approvers(stage)
    claims.hold(
        "both approvals stand with their keys", true=set(signed) == {MIKA, AKI}, found=signed
    )
    return first - said


async def _void(stage: Stage, claims: Claims) -> None:
    claims.scene(f"The next commit asks for {THIRD}: nobody has agreed to that")
    stage.repository.bump(THIRD, build_service(THIRD), f"Bump {RELEASE} to {THIRD}")
    await stage.until("it waits for two", lambda: _counts(stage, THIRD, 0))
    claims.hold("both approvals are void", true=not _approvers(stage), found=_approvers(stage))
    await _nothing_moves(stage, claims, THIRD)
    await show(stage, claims, "get", "releases")


async def _approve(
    stage: Stage,
    claims: Claims,
    person: str,
    key: str,
    *,
    expected: int = exits.DONE,
    quiet: bool = False,
) -> str:
    arguments = ("approve", RELEASE, "--yes", "--by", person, "--key", key_of(key))
    return await show(stage, claims, *arguments, expected=expected, last_line_only=quiet)


async def _nothing_moves(stage: Stage, claims: Claims, version: str) -> None:
    claims.hold(
        f"nothing of {version} is published, and no host was sent anything",
        true=not await stage.is_published(RELEASE, version) and not stage.traffic.hosts(version),
        found=stage.traffic.hosts(version),
    )


def _counts(stage: Stage, version: str, approvals: int) -> bool:
    return stage.is_wanted(version) and f"({approvals} of 2)" in stage.waits_for()


def _is_refused(stage: Stage, person: str) -> bool:
    return f"the request of {person} does not count" in stage.waits_for()


def _refused(stage: Stage) -> list[str]:
    """Return whose approvals do not count, by the status."""
    release = stage.release()
    return [item.by for item in (release.words if release is not None else ()) if item.refusal]


def _approvers(stage: Stage) -> list[str]:
    """Return whose approvals count, by the status."""
    release = stage.release()
    approvals = release.words if release is not None else ()
    return [item.by for item in approvals if item.key and not item.refusal]
