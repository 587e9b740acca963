"""hosts/*.yaml, validated, to hosts and to the windows of those that carry some labels."""

from collections.abc import Iterator

from reconciler.desired.decode_window import decode_window
from reconciler.desired.draft import HostDraft, HostWindowDraft
from reconciler.desired.fields import Fields
from reconciler.desired.node import Document, place, to_json
from reconciler.desired.schemas import Kind, schema_of, with_defaults
from reconciler.model.desired import Host
from reconciler.model.identity import HostName


def decode_hosts(document: Document) -> Iterator[HostDraft]:
    """Yield the hosts of *document*."""
    for index, fields in enumerate(_fields(document).each("hosts")):
        host = Host(name=HostName(fields.text("name")), labels=fields.pairs("labels"))
        yield HostDraft(host, place(document.root, ("hosts", index, "name")))


def decode_host_windows(document: Document) -> Iterator[HostWindowDraft]:
    """Yield the windows of *document*."""
    for index, fields in enumerate(_fields(document).each("windows")):
        where = place(document.root, ("windows", index, "labels"))
        yield HostWindowDraft(fields.pairs("labels"), decode_window(fields), where)


def _fields(document: Document) -> Fields:
    schema = schema_of(Kind.HOSTS)
    return Fields(with_defaults(to_json(document.root), schema, schema))
