"""kanade's backend: does it answer, and whose token do we bring?"""

from reconciler.cli.checks.survey import NotReady, Survey
from reconciler.cli.links import open_backend
from reconciler.errors import KanadeUnavailable
from reconciler.model.observed import BackendState

_ABLE = ("operator", "admin")


async def backend(survey: Survey) -> str:
    """See that it answers, and takes the token."""
    async with open_backend(survey.settings) as client:
        if client is None:
            return "not configured: everything goes over NATS"
        if await client.state() is not BackendState.UP:
            raise KanadeUnavailable(f"the backend does not answer: {client.trouble}")
        return "it answers, and takes the token"


async def signing(survey: Survey) -> str:
    """Say whether commands are signed: then who has the key must be there to send any."""
    async with open_backend(survey.settings) as client:
        key = await client.command_key() if client is not None else None
    if key is None:
        return "nobody signs commands"
    return (
        f"the backend signs commands with {key}\na host that insists on that can be sent nothing "
        "while the backend is away: not even a way back"
    )


async def token(survey: Survey) -> str:
    """See that the token's account may do what a controller does: publish, register, exec."""
    async with open_backend(survey.settings) as client:
        if client is None:
            return "none is needed without a backend"
        account = await client.account()
    if account is None:
        return "this backend does not say whose it is"
    if account.role not in _ABLE:
        raise NotReady(
            f"backend.token is that of {account.username}, who is {account.role} there and may "
            "only read: give it an operator's"
        )
    more = "; an operator's would do" if account.role != _ABLE[0] else ""
    return f"it is that of {account.username}, who is {account.role} there{more}"
