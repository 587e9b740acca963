"""The one place where what NATS says no with becomes an error of ours.

nats-py has many exceptions, JetStream has many codes; a caller of this package meets four
errors: `KanadeUnavailable` (nothing is known), `Conflict`, `NoRoom` and the other kinds of
`KanadeRefused`. Codes are those of nats-server's `errors.json`.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import msgspec
from nats import errors as nats_errors

from reconciler.errors import (
    Conflict,
    KanadeRefused,
    KanadeUnavailable,
    NoRoom,
    ReconcilerError,
    Unauthorized,
)

STREAM_NOT_FOUND = 10059
CONSUMER_NOT_FOUND = 10014
MESSAGE_NOT_FOUND = 10037
STREAM_NAME_IN_USE = 10058
NO_SUITABLE_PEERS = 10005
REPLICAS_NOT_SUPPORTED = 10074


class BeingWritten(KanadeUnavailable):
    """Another write that expects something of the same subject is on its way: nothing was written.

    A cluster lets one such write through at a time, and turns away those that come meanwhile
    without checking what they expect.
    """


_MEANINGS: tuple[tuple[frozenset[int], type[ReconcilerError], str], ...] = (
    (frozenset({10071}), Conflict, "; somebody else wrote it meanwhile"),
    (frozenset({10164}), BeingWritten, "; another write to it is on its way: try again"),
    (
        frozenset({10051, 10072}),
        NoRoom,
        "; NATS cannot write to its disk: make room, then restart nats-server",
    ),
    (
        frozenset({10002, 10023, 10028, 10047, 10053, 10077, 10122}),
        NoRoom,
        "; delete what is not needed, or raise the limit",
    ),
    (
        frozenset({10035, 10039, 10076}),
        KanadeRefused,
        "; JetStream must be enabled on this server, for this account",
    ),
    (
        frozenset({10004, 10006, 10008, 10009, 10118, 10119, 10163, 10167}),
        KanadeUnavailable,
        "",
    ),
)
_SERVICE_UNAVAILABLE = 503

_SILENT = (nats_errors.TimeoutError, TimeoutError)
_NOT_CONNECTED = (
    nats_errors.ConnectionClosedError,
    nats_errors.ConnectionDrainingError,
    nats_errors.ConnectionReconnectingError,
    nats_errors.NoServersError,
    nats_errors.OutboundBufferLimitError,
    nats_errors.StaleConnectionError,
    OSError,
)


class ApiError(msgspec.Struct):
    """The `error` member of a JetStream answer."""

    code: int
    err_code: int = 0
    description: str = ""


@contextmanager
def translated(endpoint: str) -> Iterator[None]:
    """Raise nats-py's errors as ours; *endpoint* says what was asked, and where."""
    try:
        yield
    except nats_errors.NoRespondersError as error:
        raise KanadeUnavailable(
            f"{endpoint}: nobody answers; is JetStream enabled, and has it a leader?"
        ) from error
    except _SILENT as error:
        raise KanadeUnavailable(
            f"{endpoint}: no answer in time; whether it was done is unknown"
        ) from error
    except _NOT_CONNECTED as error:
        raise KanadeUnavailable(f"{endpoint}: not connected to NATS ({_words(error)})") from error
    except nats_errors.MaxPayloadError as error:
        raise KanadeRefused(
            f"{endpoint}: the message is larger than this server's max_payload"
        ) from error
    except nats_errors.Error as error:
        raise KanadeRefused(f"{endpoint}: {_words(error)}") from error


def refusal(error: ApiError, endpoint: str) -> ReconcilerError:
    """Return what a JetStream answer of *error* means to us."""
    said = f"{endpoint}: {error.description or 'refused'} ({error.err_code})"
    for codes, kind, advice in _MEANINGS:
        if error.err_code in codes:
            return kind(f"{said}{advice}")
    if error.err_code == STREAM_NOT_FOUND:
        return KanadeRefused(f"{endpoint}: not found; is the kanade backend running?")
    if error.code == _SERVICE_UNAVAILABLE:
        return KanadeUnavailable(said)
    return KanadeRefused(said)


def not_permitted(endpoint: str, verb: str, subject: str) -> Unauthorized:
    """Return the error for a violated permission; *subject* is what the user may not use."""
    return Unauthorized(
        f"{endpoint}: not permitted: {verb} {subject}; "
        "give the reconciler's NATS user this permission"
    )


def _words(error: BaseException) -> str:
    return str(error).removeprefix("nats: ") or type(error).__name__
