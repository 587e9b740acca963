"""hosts/*.yaml, validated, to hosts."""

from collections.abc import Iterator

from reconciler.desired.draft import HostDraft
from reconciler.desired.fields import Fields
from reconciler.desired.node import Document, place, to_json
from reconciler.model.desired import Host
from reconciler.model.identity import HostName


def decode_hosts(document: Document) -> Iterator[HostDraft]:
    """Yield the hosts of *document*."""
    for index, fields in enumerate(Fields(to_json(document.root)).each("hosts")):
        host = Host(name=HostName(fields.text("name")), labels=fields.pairs("labels"))
        yield HostDraft(host, place(document.root, ("hosts", index, "name")))
