"""Files to drafts: read, checked against their schemas, decoded, every name once."""

from collections.abc import Mapping
from itertools import chain

from reconciler.desired.decode_hosts import decode_hosts
from reconciler.desired.decode_job import decode_job, without_nulls
from reconciler.desired.decode_release import decode_release
from reconciler.desired.draft import Drafts, HostDraft, JobDraft, ReleaseDraft
from reconciler.desired.files import shown_path
from reconciler.desired.node import Document, place
from reconciler.desired.schemas import Kind
from reconciler.desired.validate import Findings, check
from reconciler.desired.wording import printable
from reconciler.desired.yaml_source import read_yaml
from reconciler.errors import Fault
from reconciler.model.identity import HostName, JobId, Position, ReleaseName
from reconciler.model.snapshot import Blob, Snapshot


def read_drafts(
    files: tuple[tuple[Kind, Blob], ...], snapshot: Snapshot
) -> tuple[Drafts, Findings]:
    """Return what the valid ones of *files* declare, with the faults of the others."""
    reader = _Reader(snapshot)
    for kind, blob in files:
        reader.read(kind, blob)
    drafts = Drafts(
        snapshot=snapshot,
        releases=tuple(reader.releases.values()),
        jobs=reader.jobs,
        hosts=reader.hosts,
        carriers=_carriers(reader.hosts),
        unread=frozenset(reader.unread),
    )
    return drafts, Findings(tuple(reader.faults), tuple(reader.notes))


class _Reader:
    """Collects while the files are read; one use only."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._declared: dict[tuple[Kind, str], Position] = {}
        self.faults: list[Fault] = []
        self.notes: list[Fault] = []
        self.unread: set[Kind] = set()
        self.releases: dict[ReleaseName, ReleaseDraft] = {}
        self.jobs: dict[JobId, JobDraft] = {}
        self.hosts: dict[HostName, HostDraft] = {}

    def read(self, kind: Kind, blob: Blob) -> None:
        """Take in one file."""
        document = read_yaml(blob.content or b"", shown_path(self._snapshot, blob.path))
        if isinstance(document, Fault):
            self._refuse(kind, document)
            return
        if kind is Kind.JOB:
            document = Document(without_nulls(document.root), document.text)
        findings = check(document, kind)
        self.notes += findings.notes
        if findings.faults:
            self._refuse(kind, *findings.faults)
            return
        match kind:
            case Kind.RELEASE:
                self._add_release(decode_release(document))
            case Kind.JOB:
                self._add_job(decode_job(document, blob.path, self._snapshot))
            case _:
                for draft in decode_hosts(document):
                    if self._is_new(Kind.HOSTS, draft.host.name, draft.position):
                        self.hosts[draft.host.name] = draft

    def _add_release(self, draft: ReleaseDraft) -> None:
        if self._is_new(Kind.RELEASE, draft.name, draft.position):
            self.releases[draft.name] = draft

    def _add_job(self, draft: JobDraft | Fault) -> None:
        if isinstance(draft, Fault):
            self._refuse(Kind.JOB, draft)
        elif self._is_new(Kind.JOB, draft.job.id, place(draft.document.root, ("id",))):
            self.jobs[draft.job.id] = draft

    def _is_new(self, kind: Kind, name: str, position: Position) -> bool:
        first = self._declared.setdefault((kind, name), position)
        if first is position:
            return True
        word = "host" if kind is Kind.HOSTS else kind.value
        message = f"{word} {printable(name)} is declared at {first} already"
        self._refuse(kind, Fault(position, message))
        return False

    def _refuse(self, kind: Kind, *faults: Fault) -> None:
        self.faults += faults
        self.unread.add(kind)


def _carriers(
    hosts: Mapping[HostName, HostDraft],
) -> dict[tuple[str, str], frozenset[HostName]]:
    labels = set(chain.from_iterable(draft.host.labels.items() for draft in hosts.values()))
    found: dict[tuple[str, str], set[HostName]] = {label: set() for label in labels}
    for draft in hosts.values():
        for label in draft.host.labels.items():
            found[label].add(draft.host.name)
    return {label: frozenset(names) for label, names in found.items()}
