"""`bump`: edit a release's version and sha256 in place, and commit that with its artifact."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import click

from reconciler.apply.label import check_label
from reconciler.cli.committing import Clone
from reconciler.cli.edition import Edition, edition_of
from reconciler.cli.forward import require_forward
from reconciler.cli.render import say
from reconciler.desired.edit import CannotEdit, set_values
from reconciler.desired.wording import did_you_mean, printable
from reconciler.errors import ArtifactRefused, UsageError
from reconciler.model.identity import PackageName, Version
from reconciler.source.label import stated_version

_BLOCK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Delivery:
    """What is done with the edited file."""

    name: str
    message: str
    branch: str | None
    commit: bool
    push: bool


@click.command("bump", short_help="Set a release's version and sha256 in git, and commit that.")
@click.argument("name")
@click.argument("version", required=False)
@click.option(
    "--artifact",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The binary; its sha256 goes into the file.",
)
@click.option(
    "--from-dir",
    "build",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="Instead: a build's folder, with the binary in it as NAME or NAME.exe.",
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=Path(),
    help="The desired-state folder of your clone; the current one when left out.",
)
@click.option("--message", help="The commit's message.")
@click.option("--branch", help="Commit on a new branch of this name.")
@click.option("--push", is_flag=True, help="Push the commit to origin.")
@click.option("--no-commit", is_flag=True, help="Edit the file only.")
def bump_command(
    name: str,
    version: str | None,
    artifact: Path | None,
    build: Path | None,
    folder: Path,
    *,
    message: str | None,
    branch: str | None,
    push: bool,
    no_commit: bool,
) -> None:
    """Set the release NAME to VERSION: two values in its file, all else as it was.

    VERSION may be left out where the binary itself names it. Where the release's artifact is a
    file of the repository (artifact.path), the binary is copied there and committed as well.
    Nothing is written if the desired state would have a fault, nor for an older version, unless
    the file says `allow_downgrade: true`.
    """
    context = click.get_current_context()
    if (artifact is None) == (build is None):
        raise click.UsageError("Expected --artifact or --from-dir, one of them.", context)
    if no_commit and (branch is not None or push):
        raise click.UsageError("--no-commit leaves nothing to put on a branch or to push.", context)
    file = _file_of(folder, name)
    binary = artifact if artifact is not None else _built(build or folder, name)
    if not binary.is_file():
        raise UsageError(f"{binary}: expected a regular file")
    wanted = _version_of(name, version, binary)
    digest = _sha256(binary)
    before = _text_of(file)
    text = _edited(before, file, wanted, digest)
    require_forward(before, file, wanted, digest)
    _deliver(
        edition_of(folder, file, text, binary),
        f"{file}: version {wanted}, sha256 {digest}",
        _Delivery(name, message or f"Bump {name} to {wanted}", branch, not no_commit, push),
    )


def _deliver(edition: Edition, message: str, delivery: _Delivery) -> None:
    edition.require_valid(committed=delivery.commit)
    clone = Clone(edition.folder, edition.files)
    if not delivery.commit:
        edition.write()
        say(message)
        return
    is_new = not (edition.is_there and clone.is_committed())
    if delivery.branch is not None and is_new:
        clone.begin_branch(delivery.branch)
    edition.write()
    say(message)
    if not is_new:
        say("nothing to commit: it says so already")
        return
    say(clone.commit(delivery.message))
    if delivery.push:
        say(f"pushed to {clone.push()}")
    say(_next(delivery))


def _next(delivery: _Delivery) -> str:
    """Say what is left to be done until the controller has seen it."""
    push = "" if delivery.push else "git push; "
    review = "a pull request; when it is merged: " if delivery.branch is not None else ""
    return f"next: {push}{review}reconciler reconcile {delivery.name} --wait"


def _built(folder: Path, name: str) -> Path:
    """Return the one binary of the release *name* that a build has left in *folder*."""
    names = (name, f"{name}.exe")
    found = [folder / one for one in names if (folder / one).is_file()]
    if len(found) == 1:
        return found[0]
    what = "both exist" if found else "neither exists"
    raise UsageError(f"{folder}: expected {' or '.join(names)}, and {what}; say --artifact FILE")


def _file_of(folder: Path, name: str) -> Path:
    places = (folder / "releases").glob("*")
    files = {
        file.stem: file for file in places if file.suffix in {".yaml", ".yml"} and file.is_file()
    }
    if name not in files:
        near = did_you_mean(name, files)
        hint = f"{near} or" if near else ";"
        message = f"no release {printable(name)} in {folder / 'releases'}{hint}"
        raise UsageError(f"{message} name the desired-state folder by --folder")
    return files[name]


def _edited(text: str, file: Path, version: str, sha256: str) -> str:
    try:
        return set_values(text, {("version",): version, ("artifact", "sha256"): sha256})
    except CannotEdit as error:
        raise UsageError(f"{file}: {error}") from error


def _text_of(file: Path) -> str:
    try:
        return file.read_bytes().decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: cannot be read: {error}") from error


def _version_of(name: str, version: str | None, artifact: Path) -> Version:
    """Return the version to ask for: *version*, unless the binary says that it is another one."""
    descriptor = os.open(artifact, os.O_RDONLY)
    try:
        stated = stated_version(descriptor)
    finally:
        os.close(descriptor)
    if version is None:
        if stated is None:
            raise UsageError(f"{artifact}: it names no version; say it: bump {name} VERSION")
        return stated
    check_label(PackageName(name), Version(version), stated)
    return Version(version)


def _sha256(artifact: Path) -> str:
    digest = hashlib.sha256()
    with artifact.open("rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            digest.update(block)
    if artifact.stat().st_size == 0:
        raise ArtifactRefused(f"{artifact}: the file is empty")
    return digest.hexdigest()
