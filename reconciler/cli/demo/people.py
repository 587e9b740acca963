"""People, as far as a signature distinguishes them: an SSH key each."""

import subprocess
from pathlib import Path

from reconciler.cli.demo.claims import DemoFailed


def key_of(person: str) -> str:
    """Return the file that holds *person*'s key."""
    return f"{person.partition('@')[0]}.key"


def make_key(folder: Path, person: str) -> str:
    """Make *person* a key in *folder*, and return its public half.

    Raises:
        DemoFailed: there is no ssh-keygen, or it cannot.
    """
    file = folder / key_of(person)
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", person, "-f", str(file)]
    try:
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 (our own arguments)
    except (OSError, subprocess.CalledProcessError) as error:
        raise DemoFailed(f"no SSH key can be made: {error}; is OpenSSH installed?") from error
    return Path(f"{file}.pub").read_text("utf-8")
