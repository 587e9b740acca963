"""What an embedded host runs in place of kanade-backend; `build_service` makes copies of it.

A copy is an executable of its own, run as `python -ISs` and up to thirty times at once, so
this file needs nothing but a few cheap modules of the standard library. It answers the same
command line, the same two HTTP calls and the same boot sentinel as the real thing
(kanade: crates/kanade-shared/src/boot_sentinel.rs).

It keeps its own file open for as long as it lives, as sh and bash do with a script: an
interpreter's `/proc/PID/exe` is the interpreter, so the open file is the only witness of the
bytes that really run.
"""

import json
import math
import os
import socket
import sys
import time
from pathlib import Path

# BROKEN may also be the names of the hosts on which it ends instead of serving.
VERSION = "0.0.0"
BROKEN = False
DELAY = 0.0

BOOTS = 3
"""So many boots a new version has to come up; the next one brings the old version back."""
CONFIRM_AFTER = 30.0
"""Seconds of service after which a version counts as good."""
PATIENCE = 1.0
"""Seconds that a client has for its request: there is one client at a time."""

QUARANTINED = 3
USAGE = 2
HELP = """\
kanade backend (embedded)

Usage: kanade-backend [OPTIONS] [COMMAND]

Commands:
  check-quarantine  exit 3 if a version crash-looped on this host before
  arm-for-swap      snapshot the installed program before another one takes its place

Options:
      --config <CONFIG>  accepted and not read
  -h, --help             Print help
  -V, --version          Print version
"""


def main(arguments: list[str]) -> int:
    """Do what the command line asks for; without a command, serve for ever."""
    match arguments:
        case ["--version" | "-V"]:
            print(f"kanade-backend {VERSION}")
        case ["--help" | "-h" | "help"]:
            print(HELP, end="")
        case ["check-quarantine", version]:
            return check_quarantine(version)
        case ["arm-for-swap", version, installed]:
            arm_for_swap(version, Path(installed))
        case [] | ["--config", _]:
            return serve(Path(__file__).resolve())
        case _:
            complain(f"error: unrecognized subcommand '{arguments[0]}'")
            return USAGE
    return 0


def check_quarantine(version: str) -> int:
    """Say whether *version* was thrown out by the boot sentinel of this host."""
    if version in quarantined():
        complain(f"check-quarantine: {version} is QUARANTINED (it crash-looped on a prior boot)")
        return QUARANTINED
    complain(f"check-quarantine: {version} is not quarantined (safe to deploy)")
    return 0


def arm_for_swap(version: str, installed: Path) -> None:
    """Keep the outgoing program, and count the boots of the version that comes."""
    copy(installed, last_good(installed))
    write("sentinel", {"version": version, "attempts": 0})
    complain(f"arm-for-swap: snapshotted {installed} -> last-good and armed for {version}")


def serve(program: Path) -> int:
    """Answer HTTP on the loopback port of the environment until somebody ends it."""
    image = os.open(program, os.O_RDONLY)
    if knobs() not in program.read_text("utf-8"):
        # Another file took the place of the one that is being interpreted: run that.
        os.execv(program, [str(program), *sys.argv[1:]])
    if rolled_back(program):
        complain(f"boot sentinel: {VERSION} crash-looped on boot: rolled back to last-good")
        return 1
    if is_broken(BROKEN):
        complain(f"kanade-backend {VERSION}: cannot start: this version is broken")
        return 1
    time.sleep(DELAY)
    port = int(os.environ["KANADE_SERVICE_PORT"])
    confirm_at = time.monotonic() + CONFIRM_AFTER
    with socket.create_server(("127.0.0.1", port)) as listener:
        complain(f"kanade-backend {VERSION} serves port {port} from file {image}")
        while True:
            if time.monotonic() >= confirm_at:
                confirm_healthy(program)
                confirm_at = math.inf
            left = confirm_at - time.monotonic()
            listener.settimeout(None if left == math.inf else max(left, 0.001))
            answer_next(listener)


def is_broken(where: object) -> bool:
    """Return whether this host is one of those where the program is not to come up."""
    named = isinstance(where, tuple) and os.environ.get("KANADE_LAB_HOST") in where
    return where is True or named


def answer_next(listener: socket.socket) -> None:
    """Answer one client, if there is one in time."""
    try:
        client, _ = listener.accept()
    except TimeoutError:
        return
    with client:
        client.settimeout(PATIENCE)
        try:
            answer(client)
        except OSError as error:
            complain(f"a client went away: {error}")


def answer(client: socket.socket) -> None:
    """Answer one request; the connection is not used again."""
    request = b""
    while b"\r\n\r\n" not in request and len(request) < 8192:
        block = client.recv(4096)
        if not block:
            return
        request += block
    _, _, rest = request.partition(b" ")
    path, _, _ = rest.partition(b" ")
    status, kind, body = "404 Not Found", "text/plain; charset=utf-8", "not found"
    if path == b"/health":
        status, body = "200 OK", "ok"
    elif path == b"/api/version":
        status, kind, body = (
            "200 OK",
            "application/json",
            json.dumps({"version": VERSION}, separators=(",", ":")),
        )
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    client.sendall(f"{head}Connection: close\r\n\r\n{body}".encode())


def rolled_back(program: Path) -> bool:
    """Count this boot; true when it was one too many and the old program is back in place."""
    sentinel = read("sentinel")
    if sentinel.get("version") != VERSION:
        forget("sentinel")
        return False
    attempts = int(str(sentinel.get("attempts", 0))) + 1
    write("sentinel", {"version": VERSION, "attempts": attempts})
    if attempts <= BOOTS or not last_good(program).exists():
        return False
    program.rename(f"{program}.rollback-bak")
    copy(last_good(program), program)
    write("quarantine", {"versions": [*quarantined(), VERSION]})
    forget("sentinel")
    return True


def confirm_healthy(program: Path) -> None:
    """Make this program the one to go back to, if it is a new one."""
    if read("sentinel").get("version") == VERSION:
        copy(program, last_good(program))
        forget("sentinel")


def knobs() -> str:
    """Return the lines that distinguish this program from all others of its kind."""
    return f"VERSION = {VERSION!r}\nBROKEN = {BROKEN!r}\nDELAY = {DELAY!r}\n"


def last_good(program: Path) -> Path:
    """Return where the sentinel keeps the program to go back to."""
    return Path(f"{program}.last-good")


def quarantined() -> list[object]:
    """Return the versions that this host has thrown out."""
    versions = read("quarantine").get("versions")
    return versions if isinstance(versions, list) else []


def copy(source: Path, target: Path) -> None:
    """Copy a program whole or not at all."""
    fresh = Path(f"{target}.tmp")
    fresh.write_bytes(source.read_bytes())
    fresh.chmod(0o755)
    fresh.replace(target)


def complain(message: str) -> None:
    """Write a line where a service's log is."""
    print(message, file=sys.stderr, flush=True)


def state_file(name: str) -> Path | None:
    """Return where the sentinel keeps *name*; an unset folder means no sentinel at all."""
    folder = os.environ.get("KANADE_AGENT_DATA_DIR")
    return Path(folder, f".boot-{name}-kanade-backend.json") if folder else None


def read(name: str) -> dict[str, object]:
    """Return a state file's object; an absent or torn one is empty."""
    path = state_file(name)
    try:
        state = json.loads(path.read_bytes()) if path else {}
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def write(name: str, state: dict[str, object]) -> None:
    """Replace a state file."""
    path = state_file(name)
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".tmp")
        fresh.write_text(json.dumps(state), "utf-8")
        fresh.replace(path)


def forget(name: str) -> None:
    """Remove a state file."""
    path = state_file(name)
    if path:
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
