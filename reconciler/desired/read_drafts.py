"""Files to drafts: read, checked against their schemas, decoded, every name once."""

from collections.abc import Mapping
from itertools import chain

from reconciler.desired.decode_hosts import decode_host_windows, decode_hosts
from reconciler.desired.decode_job import decode_job, without_nulls
from reconciler.desired.decode_release import decode_release
from reconciler.desired.draft import Drafts, HostDraft, HostWindowDraft, JobDraft, ReleaseDraft
from reconciler.desired.files import shown_path
from reconciler.desired.node import Document, place
from reconciler.desired.schemas import Kind
from reconciler.desired.validate import Findings, check
from reconciler.desired.wording import printable
from reconciler.desired.yaml_source import read_yaml
from reconciler.errors import Fault
from reconciler.model.identity import HostName, JobId, Position
from reconciler.model.snapshot import Blob, Snapshot


def read_drafts(
    files: tuple[tuple[Kind, Blob], ...], snapshot: Snapshot
) -> tuple[Drafts, Findings]:
    """Return what *files* declare, with their faults; of a release, what it still says."""
    reader = _Reader(snapshot)
    for kind, blob in files:
        reader.read(kind, blob)
    drafts = Drafts(
        snapshot=snapshot,
        releases=tuple(reader.releases),
        jobs=reader.jobs,
        hosts=reader.hosts,
        windows=tuple(reader.windows),
        carriers=_carriers(reader.hosts),
        unread=frozenset(reader.unread),
    )
    return drafts, Findings(tuple(reader.faults), tuple(reader.notes))


_BELONGS = {
    Kind.RELEASE: "this is a Release; it belongs in releases/",
    Kind.HOSTS: "this is Hosts; it belongs in hosts/",
    Kind.JOB: "this is a job; it belongs in jobs/",
}


def _meant(document: Document) -> Kind | None:
    """Return what *document* says that it is, whichever folder it is in."""
    members = document.root.value if isinstance(document.root.value, dict) else {}
    stated = members["kind"].value if "kind" in members else None
    if "kind" not in members and {"id", "execute"} <= members.keys():
        return Kind.JOB
    return {"Release": Kind.RELEASE, "Hosts": Kind.HOSTS}.get(str(stated))


class _Reader:
    """Collects while the files are read; one use only."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._declared: dict[tuple[Kind, str], Position] = {}
        self.faults: list[Fault] = []
        self.notes: list[Fault] = []
        self.unread: set[Kind] = set()
        self.releases: list[ReleaseDraft] = []
        self.jobs: dict[JobId, JobDraft] = {}
        self.hosts: dict[HostName, HostDraft] = {}
        self.windows: list[HostWindowDraft] = []

    def read(self, kind: Kind, blob: Blob) -> None:
        """Take in one file."""
        reading = read_yaml(blob.content or b"", shown_path(self._snapshot, blob.path))
        self.faults += reading.faults
        document = reading.document
        if document is None:
            self.unread.add(kind)
            return
        meant = _meant(document)
        if meant is not None and meant is not kind:
            self._refuse(kind, Fault(document.position, _BELONGS[meant]))
            self.unread.add(meant)
            return
        if kind is Kind.JOB:
            document = Document(without_nulls(document.root), document.text)
        findings = check(document, kind)
        self.notes += findings.notes
        self.faults += findings.faults
        self._take(kind, document, blob, findings)

    def _take(self, kind: Kind, document: Document, blob: Blob, findings: Findings) -> None:
        """Take in what *document* declares; of one with faults, what a release still says."""
        if kind is Kind.RELEASE:
            self._add_release(decode_release(document, findings.broken))
            return
        if findings.broken:
            self.unread.add(kind)
            return
        match kind:
            case Kind.JOB:
                self._add_job(decode_job(document, blob.path, self._snapshot))
            case _:
                for draft in decode_hosts(document):
                    if self._is_new(Kind.HOSTS, draft.host.name, draft.position):
                        self.hosts[draft.host.name] = draft
                self.windows += decode_host_windows(document)

    def _add_release(self, draft: ReleaseDraft) -> None:
        if not (draft.knows("name") and draft.knows("job")):
            self.unread.add(Kind.RELEASE)
        if not draft.knows("name") or self._is_new(Kind.RELEASE, draft.name, draft.position):
            self.releases.append(draft)

    def _add_job(self, draft: JobDraft | Fault) -> None:
        if isinstance(draft, Fault):
            self._refuse(Kind.JOB, draft)
        elif self._is_new(Kind.JOB, draft.job.id, place(draft.document.root, ("id",))):
            self.jobs[draft.job.id] = draft

    def _is_new(self, kind: Kind, name: str, position: Position) -> bool:
        first = self._declared.setdefault((kind, name), position)
        if first is position:
            return True
        noun = "host" if kind is Kind.HOSTS else kind.value
        message = f"{noun} {printable(name)} is declared at {first} already"
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
