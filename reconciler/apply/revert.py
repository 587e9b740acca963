"""Offer a revert: edit the release's file, see that it would be taken, and have it pushed."""

import re
import shlex
from dataclasses import dataclass, replace

import structlog

from reconciler.apply.revert_message import message_of
from reconciler.desired.edit import CannotEdit, set_values
from reconciler.desired.files import shown_path
from reconciler.desired.knobs import secret_values
from reconciler.desired.load import load
from reconciler.errors import InvalidDesiredState, PushRefused, SecretUnavailable
from reconciler.model.action import OfferRevert
from reconciler.model.desired import BlobArtifact
from reconciler.model.mask import mask
from reconciler.model.revert import Proposal, RevertOffer
from reconciler.model.snapshot import Snapshot
from reconciler.ports import Archive, Reverts, Secrets

_UNFIT_FOR_A_BRANCH = re.compile(r"[^A-Za-z0-9._-]+")

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True)
class Reverter:
    """Makes one offer for a fingerprint; its result is recorded, a refusal as well."""

    reverts: Reverts
    secrets: Secrets
    archive: Archive

    async def offer(self, action: OfferRevert, snapshot: Snapshot) -> None:
        """Push the branch, on top of *snapshot*'s commit; one that exists already will do.

        Raises:
            SourceUnavailable: no answer yet; nothing is written down, and it is tried again.
            LeaseLost: another controller leads; the same branch is no harm.
        """
        bad = action.quarantine
        branch = _branch(action)
        offer = RevertOffer(
            release=bad.release,
            fingerprint=bad.fingerprint,
            to=action.back_to.version,
            branch=branch,
            at=bad.at,
        )
        try:
            proposal = self._proposal(action, snapshot, branch)
            offer = replace(offer, commit=await self.reverts.push(proposal))
        except (PushRefused, CannotEdit, InvalidDesiredState) as error:
            refusal = " ".join(str(error).split())
            log.warning("no revert offered", release=bad.release, branch=branch, error=refusal)
            by_hand = _by_hand(action, snapshot, branch)
            offer = replace(offer, refusal=refusal, by_hand=by_hand)
        await self.archive.note_offer(offer)

    def _proposal(self, action: OfferRevert, snapshot: Snapshot, branch: str) -> Proposal:
        where, record = action.release.position.file, action.back_to
        path = next(path for path in snapshot.files if shown_path(snapshot, path) == where)
        blob = snapshot.files[path]
        values = {("version",): record.version, ("artifact", "sha256"): record.digest.hex}
        edited = set_values((blob.content or b"").decode(), values).encode()
        files = {**snapshot.files, path: replace(blob, content=edited, size_bytes=len(edited))}
        artifact = action.release.artifact.origin
        if isinstance(artifact, BlobArtifact):
            # It is that of the other version still, which is for people to mend, and no fault here.
            files[artifact.path] = replace(files[artifact.path], content=None)
        reverted = load(replace(snapshot, files=files)).releases
        after = next(found for found in reverted if found.name == action.release.name)
        return Proposal(
            branch=branch,
            base=snapshot.commit.revision,
            path=where,
            content=edited,
            message=message_of(action, after, self._presentable(action), snapshot.folder),
            at=action.quarantine.at,
        )

    def _presentable(self, action: OfferRevert) -> str:
        """Return the end of its stderr without secrets; nothing where those are not known."""
        try:
            values = secret_values(action.release.script, self.secrets)
            return mask(action.quarantine.stderr_tail, values)
        except SecretUnavailable as error:
            return f"(left out, since it cannot be searched for secrets: {error})"


def _branch(action: OfferRevert) -> str:
    bad = action.quarantine
    name = f"{bad.release}-{bad.version}-{bad.fingerprint[:8]}"
    return f"reconciler/revert-{_UNFIT_FOR_A_BRANCH.sub('-', name)}"


def _by_hand(action: OfferRevert, snapshot: Snapshot, branch: str) -> str:
    release, record = action.release, action.back_to
    subject = f"Revert {release.name} to {record.version}"
    return "\n".join(
        (
            "git fetch origin",
            f"git switch --create {branch} {snapshot.commit.revision}",
            f'# edit {release.position.file}: version: "{record.version}"',
            f"#   artifact.sha256: {record.digest.hex}",
            f"git commit --all --message {shlex.quote(subject)}",
            f"git push origin {branch}",
        )
    )
