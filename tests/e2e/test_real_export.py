"""From a real kanade that is kept by hand to one that git keeps, without a write in between."""

from pathlib import Path

import pytest

from reconciler.lab import wire
from tests.contract.fleets import Fleet, real_fleet
from tests.contract.test_export import JOB, call, post
from tests.source.repository import git

pytestmark = pytest.mark.kanade

TIDY = JOB.format(job="tidy")


async def written(fleet: Fleet) -> int:
    """Return how often anything was written of any job."""
    streams = [await fleet.jetstream.stream_info(f"KV_{it}") for it in ("jobs", "jobs_yaml")]
    return sum(stream.state.last_seq for stream in streams)


def commit(folder: Path) -> None:
    git("add", "--all", folder=folder)
    git("commit", "--quiet", "--message", "Change", folder=folder)


async def test_what_was_kept_by_hand_is_kept_by_git_from_the_first_commit_on(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "exported"
    file = folder / "jobs" / "tidy.yaml"
    async with real_fleet(tmp_path / "fleet") as fleet:
        await post(fleet, TIDY)
        before = await written(fleet)

        exported = await call(fleet, tmp_path, "export", str(folder))
        git("init", "--quiet", "--initial-branch=main", folder=folder)
        commit(folder)
        first = await call(fleet, tmp_path, "apply")

        assert (exported.code, first.code) == (0, 0), (exported, first)
        assert await written(fleet) == before

        file.write_text(file.read_text().replace('"1.10"', '"1.11"'))
        commit(folder)
        second = await call(fleet, tmp_path, "apply")

        assert second.code == 0, second
        assert await fleet.value("script_current", "tidy") == b"1.11"
        assert b"# Mind the nightly backup!" in await fleet.value("jobs_yaml", "tidy")
        origin = wire.document(await fleet.value("jobs", "tidy"))["origin"]
        assert origin == {"path": "jobs/tidy.yaml", "repo": str(folder)}

        await post(fleet, TIDY)
        third = await call(fleet, tmp_path, "apply")

        assert third.code == 0, third
        assert await fleet.value("script_current", "tidy") == b"1.11"
