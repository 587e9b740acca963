"""A maintenance window, validated, as releases and hosts have them."""

from reconciler.desired.cron import parse_cron
from reconciler.desired.fields import Fields
from reconciler.model.policy import Cron, Window, WindowKind


def decode_window(fields: Fields) -> Window:
    """Return the window that *fields* says."""
    kind = WindowKind.ALLOW if "allow" in fields else WindowKind.DENY
    cron = parse_cron(fields.text(kind))
    if not isinstance(cron, Cron):
        raise TypeError(cron)
    return Window(
        kind=kind, cron=cron, duration=fields.duration("duration"), zone=fields.text("zone")
    )
