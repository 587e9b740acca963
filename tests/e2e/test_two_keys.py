"""Two people sign with keys of their own; until then nothing moves on thirty real hosts."""

import subprocess
from pathlib import Path

import pytest

from reconciler.cli.demo.repository import RELEASE
from reconciler.cli.roles import Role
from tests.e2e.thirty_hosts import HOSTS, LONG, release, thirty_hosts
from tests.support.command_line import Done, execute
from tests.support.playground import FIRST

pytestmark = pytest.mark.slow

NEXT = "1.0.1"
PEOPLE = ("mika@example.com", "aki@example.com")
UNHEARD = "no controller has said yet"


def allow(folder: Path) -> None:
    """Make a key for each person, and the list of who may sign."""
    lines = []
    for person in PEOPLE:
        key = folder / person
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        lines.append(f"{person} {key.with_suffix('.com.pub').read_text()}")
    (folder / "signers").write_text("".join(lines))


async def test_a_release_goes_on_when_two_people_have_signed_it(tmp_path: Path) -> None:
    allow(tmp_path)
    more = '\n[approval]\nallowed_signers = "signers"\n'
    async with thirty_hosts(tmp_path, more=more) as world:
        file = world.repository.state / "releases" / f"{RELEASE}.yaml"
        file.write_text(f"{file.read_text()}approval: {{required: 2, expires: 1h}}\n")
        world.bump(NEXT)
        await world.told(
            lambda status: "(0 of 2)" in release(status).waits_for, "it waits for two people"
        )

        operator = world.settings(Role.OPERATOR)

        def sign(person: str, key: str) -> Done:
            words = ("approve", RELEASE, "--yes", "--by", person, "--key", str(tmp_path / key))
            return execute("--config", str(operator), *words)

        first = sign(PEOPLE[0], PEOPLE[0])
        assert first.code == 0, first
        assert f"version: {FIRST} -> {NEXT}" in first.out
        forged = sign(PEOPLE[1], PEOPLE[0])
        assert forged.code == 6 or UNHEARD in forged.err, forged
        await world.told(
            lambda status: (
                "(1 of 2)" in release(status).waits_for
                and "no key of this person" in release(status).waits_for
            ),
            "one key is one person",
        )
        assert world.effects == {}

        second = sign(PEOPLE[1], PEOPLE[1])
        assert second.code == 0, second

        await world.converged(NEXT, LONG)
        world.assert_once([], NEXT)
        assert len(world.effects) == len(HOSTS)
        status = await world.status()
        assert status is not None
        assert {word.by for word in release(status).words if word.key} == set(PEOPLE)
