"""The message of a revert's commit: what has failed, where, and what is known of it; pure."""

import shlex
from collections.abc import Iterator

from reconciler.model.action import OfferRevert
from reconciler.model.desired import BlobArtifact, PublishedArtifact, Release

_LAST_LINES = 20
_LONGEST_LINE = 200


def message_of(action: OfferRevert, after: Release, stderr: str, folder: str = "") -> str:
    """Return the message; *after* is the release as the commit makes it, *stderr* presentable.

    *folder* is where the desired state is in the repository.
    """
    bad, record = action.quarantine, action.back_to
    facts = {
        "Host": bad.host,
        "Failure": bad.reason,
        "Cause": bad.message,
        "Fix": bad.fix,
        "Exit code": "" if bad.exit_code is None else str(bad.exit_code),
        "Result": bad.result_id or "",
        "Exec": bad.exec_id or "",
        "At": f"{bad.at:%Y-%m-%d %H:%M:%S} UTC",
        "Fingerprint": bad.fingerprint,
        "Proved before": f"{record.version} of commit {record.revision[:12]}",
    }
    paragraphs = [
        f"Revert {bad.release} to {record.version}",
        (
            f"{bad.release} {bad.version} has failed on {bad.host} and is quarantined.\n"
            f"Its hosts go back by themselves; merged, git asks for {record.version} again."
        ),
        "\n".join(f"{name}: {_line(text)}" for name, text in facts.items() if text),
        *_artifact(action, after, folder),
    ]
    lines = [line for line in stderr.splitlines() if line.strip()][-_LAST_LINES:]
    if lines:
        shown = "\n".join(f"    {_line(line)}" for line in lines)
        paragraphs.append(f"The end of its stderr:\n\n{shown}")
    return "\n\n".join(paragraphs) + "\n"


def _artifact(action: OfferRevert, after: Release, folder: str) -> Iterator[str]:
    """Yield a note where the bytes are no longer to be had: one place has one version."""
    record = action.back_to
    origin, same = after.artifact.origin, after.artifact.origin == action.release.artifact.origin
    if same and not isinstance(origin, PublishedArtifact):
        yield (
            f"The artifact that the file names is that of {action.release.version} now: the bytes\n"
            f"of {record.version} can no longer be had from there."
        )
    if same and isinstance(origin, BlobArtifact):
        path = shlex.quote(f"{folder}/{origin.path}" if folder else origin.path)
        yield (
            "While they are not, this may be refused. Put them back on this branch, perhaps by:\n\n"
            f"    git restore --source {record.revision} -- {path}"
        )
    if not action.is_stored:
        yield (
            f"The package is not in kanade's store: publish {record.package} {record.version}\n"
            "again before you merge this."
        )


def _line(text: str) -> str:
    line = "".join(character if character.isprintable() else " " for character in text.strip())
    return line if len(line) <= _LONGEST_LINE else f"{line[: _LONGEST_LINE - 3]}..."
