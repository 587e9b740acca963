"""What a dead-man switch is made of, and what it must leave behind: nothing."""

import time
from collections.abc import Callable
from pathlib import Path

from reconciler.lab.service import build_service
from tests.scripts.host import Host, sha256

OLD, NEW = build_service("1.0.0"), build_service("2.0.0")
KILL_AT = 'if [ "$1" = "$STEP" ]; then kill -KILL 0; fi'
"""A deploy hook: the script and all of its group are gone after a step."""


def until(true: Callable[[], bool], what: str, within: float = 60) -> float:
    """Wait for *true*, and return the seconds that it took."""
    begun = time.monotonic()
    while not true():
        assert time.monotonic() - begun < within, f"waited in vain for {what}"
        time.sleep(0.02)
    return time.monotonic() - begun


def watchdogs(host: Host) -> list[str]:
    """Return the processes that the switch of *host* consists of."""
    found = []
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = process.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue  # it has ended meanwhile
        if f"{host.staging}/dead-man" in words:
            found.append(process.parent.name)
    return found


def leftovers(host: Host) -> set[str]:
    """Return what is left of a deploy beside its lock and its logs."""
    return {file.name for file in host.staging.iterdir() if file.suffix != ".log"} - {"lock"}


def assert_back(host: Host, image: bytes = OLD) -> None:
    """The switch has acted: the program runs, is installed, and nothing is left behind."""
    until(lambda: not watchdogs(host), "the switch to be over")
    until(lambda: host.running_image() == image, "the program to run")
    assert host.program.read_bytes() == image
    assert leftovers(host) == set()
    version = "1.0.0" if image == OLD else "2.0.0"
    until(host._answers, "an answer")
    probed = host.probe()
    assert probed.stdout == f"kanade-backend {version} sha256={sha256(image)} running\n"
