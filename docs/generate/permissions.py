"""What each user of NATS may do, off the code that says so."""

from collections.abc import Callable, Iterator

from docs.generate.markdown import code, table
from reconciler.cli.roles import Role, grants_of
from reconciler.cli.settings import load_settings
from reconciler.jetstream.grants import Grants

_HEAD = """\
# Permissions on NATS

Who connects as whom, and every subject that they need; `reconciler permissions ROLE` prints it as
nats-server reads it, and [examples/nats](../../examples/nats/README.md) has a cluster with such
users. `reconciler check --role ROLE` asks the server what a user may do, and names each subject
that is missing. What permissions cannot do stands in the
[example](../../examples/nats/README.md#what-permissions-cannot-do).

"""
_INBOX = "(its own `nats.inbox_prefix`)`.>`"


def permissions() -> str:
    """Return the page."""
    settings = load_settings(environment={"HOME": "/"})
    grants = {role: grants_of(role, settings, _INBOX) for role in Role}
    roles = table(("role", "for"), ((code(role), role.purpose) for role in Role))
    return (
        f"{_HEAD}{roles}\n"
        f"## May publish to\n\n{_matrix(grants, lambda each: each.publish)}\n"
        f"## May subscribe to\n\n{_matrix(grants, lambda each: each.subscribe)}"
    )


def _matrix(grants: dict[Role, Grants], subjects: Callable[[Grants], frozenset[str]]) -> str:
    every = sorted(frozenset().union(*map(subjects, grants.values())))
    return table(("subject", *Role), (_row(one, grants, subjects) for one in every))


def _row(
    subject: str, grants: dict[Role, Grants], subjects: Callable[[Grants], frozenset[str]]
) -> tuple[str, ...]:
    marks: Iterator[str] = ("yes" if subject in subjects(each) else "" for each in grants.values())
    shown = _INBOX if subject.startswith(_INBOX) else code(subject)
    return shown, *marks
