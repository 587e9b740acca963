"""The hosts that the backend has ever heard of: it alone remembers those that are off."""

import msgspec

from reconciler.kanade.http import Ask, BackendClient
from reconciler.kanade.http_errors import read_json
from reconciler.model.identity import HostName


class _Agent(msgspec.Struct):
    pc_id: str


async def known_hosts(backend: BackendClient) -> frozenset[HostName]:
    """Return every host that the backend knows, there or not; raises what `request` raises."""
    ask = Ask(method="GET", path="/api/agents")
    answer = await backend.request(ask)
    rows = read_json(answer.data, answer.content_type, list[_Agent], backend.endpoint(ask))
    return frozenset(HostName(row.pc_id) for row in rows)
