"""The whole outside world, a page for each part: everything that a pass reads or changes.

Each protocol has an adapter that does it for real. The fakes that whole controllers are tested on
are put together in `tests/support/fakes.py`; what they say of kanade, of our own state and of
reverts is held to the adapters by one suite, `tests/contract_ports`. Shared guarantees: absent is
`None`, silent is `KanadeUnavailable`; a call that raises may have had its effect, unless it says
otherwise.
"""

from reconciler.ports.clock import Clock, Wake
from reconciler.ports.content import Artifacts, BytesContent, Content, LabelledContent
from reconciler.ports.hosts import (
    AgentLogs,
    Delivery,
    EvidenceBook,
    Fleet,
    HealthBook,
    HealthTarget,
    LogTarget,
    Reports,
    Services,
)
from reconciler.ports.kanade import (
    AgentRollout,
    Agents,
    Backend,
    Catalogue,
    Executions,
    Jobs,
    Runner,
)
from reconciler.ports.leadership import RENEWAL, Leadership, Lease
from reconciler.ports.reading import Reading
from reconciler.ports.records import Archive, Inventory, Journal, Records
from reconciler.ports.reporting import Observer, Onlooker, StatusBoard
from reconciler.ports.repository import Reverts, Seals, Secrets, Source
from reconciler.ports.stores import Objects, Store, Sweep

__all__ = [
    "RENEWAL",
    "AgentLogs",
    "AgentRollout",
    "Agents",
    "Archive",
    "Artifacts",
    "Backend",
    "BytesContent",
    "Catalogue",
    "Clock",
    "Content",
    "Delivery",
    "EvidenceBook",
    "Executions",
    "Fleet",
    "HealthBook",
    "HealthTarget",
    "Inventory",
    "Jobs",
    "Journal",
    "LabelledContent",
    "Leadership",
    "Lease",
    "LogTarget",
    "Objects",
    "Observer",
    "Onlooker",
    "Reading",
    "Records",
    "Reports",
    "Reverts",
    "Runner",
    "Seals",
    "Secrets",
    "Services",
    "Source",
    "StatusBoard",
    "Store",
    "Sweep",
    "Wake",
]
