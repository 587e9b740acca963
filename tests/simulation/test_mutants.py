"""The simulator bites: each fault that is put into the source on purpose is found."""

import asyncio
import os
import re
import shutil
import sys
from pathlib import Path

import pytest

from tests.simulation.mutants import MUTANTS, Mutant
from tests.support.reliability import NOWHERE, report

_ROOT = Path(__file__).resolve().parents[2]
_SEEDS = 200


def mutated(mutant: Mutant) -> dict[Path, str]:
    """Return the sources that *mutant* changes, by their path below the repository."""
    found: dict[Path, str] = {}
    for file, old, new in mutant.replaced:
        path = Path("reconciler") / file
        text = found.get(path) or (_ROOT / path).read_text()
        assert text.count(old) == 1, f"{mutant.name}: {path} does not have this once:\n{old}"
        found[path] = text.replace(old, new)
    return found


async def play(mutant: Mutant, folder: Path) -> tuple[int, str]:
    """Play seeds with *mutant* in the place of the real sources, until one fails."""
    shutil.copytree(_ROOT / "reconciler", folder / "reconciler")
    shutil.copytree(_ROOT / "schemas", folder / "schemas")
    for path, text in mutated(mutant).items():
        (folder / path).write_text(text)
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "tests.simulation", "--scene", mutant.scene),
        *("--seeds", str(_SEEDS), "--to-the-first"),
        cwd=folder,
        env={**os.environ, NOWHERE: "1", "PYTHONPATH": f"{folder}{os.pathsep}{_ROOT}"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await child.communicate()
    return child.returncode or 0, output.decode()


def test_each_mutant_still_fits_the_source() -> None:
    for mutant in MUTANTS:
        for path, text in mutated(mutant).items():
            compile(text, str(path), "exec")
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 12


@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_every_mutant_is_caught(tmp_path: Path) -> None:
    caught: dict[str, str] = {}
    gate = asyncio.Semaphore(os.cpu_count() or 1)

    async def catch(number: int, mutant: Mutant) -> None:
        async with gate:
            status, output = await play(mutant, tmp_path / str(number))
        rule = re.search(r"Violation: (.*)", output)
        print(f"{mutant.name}: {rule[1] if rule else 'NOT CAUGHT'}")  # noqa: T201 (the run is read for it)
        if status == 1 and rule is not None:
            caught[mutant.name] = rule[1]

    await asyncio.gather(*(catch(number, mutant) for number, mutant in enumerate(MUTANTS)))

    report(mutants=len(MUTANTS), mutants_caught=len(caught))
    assert caught.keys() == {mutant.name for mutant in MUTANTS}
