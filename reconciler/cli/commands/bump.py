"""`bump`: edit a release's version and sha256 in place, and commit that."""

import hashlib
import os
import subprocess
from pathlib import Path

import click

from reconciler.apply.label import check_label
from reconciler.cli.render import say
from reconciler.desired.edit import set_values
from reconciler.errors import ArtifactRefused, UsageError
from reconciler.model.identity import PackageName, Version
from reconciler.source.label import stated_version

_BLOCK_BYTES = 1024 * 1024


@click.command("bump")
@click.argument("name")
@click.argument("version")
@click.option(
    "--artifact",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The binary; its sha256 goes into the file.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    help="The desired-state folder of your clone; the current one when left out.",
)
@click.option("--message", help="The commit's message.")
@click.option("--no-commit", is_flag=True, help="Edit the file only.")
def bump_command(
    name: str, version: str, artifact: Path, folder: Path, message: str | None, *, no_commit: bool
) -> None:
    """Set the release NAME to VERSION: two values in its file, all else as it was."""
    file = _file_of(folder, name)
    _check_label(name, Version(version), artifact)
    digest = _sha256(artifact)
    text = file.read_bytes().decode("utf-8")
    edited = set_values(text, {("version",): version, ("artifact", "sha256"): digest})
    file.write_bytes(edited.encode("utf-8"))
    say(f"{file}: version {version}, sha256 {digest}")
    if no_commit:
        return
    if edited == text:
        say("nothing to commit: it says so already")
        return
    _commit(file, message or f"Bump {name} to {version}")


def _file_of(folder: Path, name: str) -> Path:
    candidates = [folder / "releases" / f"{name}{suffix}" for suffix in (".yaml", ".yml")]
    for file in candidates:
        if file.is_file():
            return file
    raise UsageError(f"{candidates[0]}: no such file; name the desired-state folder by --folder")


def _check_label(name: str, version: Version, artifact: Path) -> None:
    descriptor = os.open(artifact, os.O_RDONLY)
    try:
        check_label(PackageName(name), version, stated_version(descriptor))
    finally:
        os.close(descriptor)


def _sha256(artifact: Path) -> str:
    digest = hashlib.sha256()
    with artifact.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
    if artifact.stat().st_size == 0:
        raise ArtifactRefused(f"{artifact}: the file is empty")
    return digest.hexdigest()


def _commit(file: Path, message: str) -> None:
    command = ["git", "-C", str(file.parent), "commit", "-m", message, "--", file.name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        reason = (done.stderr or done.stdout).strip().splitlines()
        raise UsageError(f"{file}: edited, but git did not commit it: {reason[-1:] or 'no reason'}")
    say(done.stdout.strip().splitlines()[0])
