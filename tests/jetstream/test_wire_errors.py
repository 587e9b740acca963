import pytest
from nats import errors as nats_errors

from reconciler.errors import (
    Conflict,
    KanadeRefused,
    KanadeUnavailable,
    NoRoom,
    ReconcilerError,
    Unauthorized,
)
from reconciler.jetstream.wire_errors import (
    ApiError,
    BeingWritten,
    not_permitted,
    refusal,
    translated,
)


@pytest.mark.parametrize(
    ("code", "err_code", "kind", "said"),
    [
        (400, 10071, Conflict, "somebody else wrote it meanwhile"),
        (400, 10164, BeingWritten, "another write to it is on its way"),
        (503, 10023, NoRoom, "raise the limit"),
        (500, 10047, NoRoom, "raise the limit"),
        (503, 10077, NoRoom, "raise the limit"),
        (500, 10051, NoRoom, "make room, then restart nats-server"),
        (503, 10008, KanadeUnavailable, "why (10008)"),
        (503, 0, KanadeUnavailable, "why"),
        (404, 10059, KanadeRefused, "not found; is the kanade backend running?"),
        (503, 10076, KanadeRefused, "JetStream must be enabled"),
        (400, 10025, KanadeRefused, "why (10025)"),
    ],
)
def test_a_code_of_jetstream_has_one_meaning(
    code: int, err_code: int, kind: type[ReconcilerError], said: str
) -> None:
    error = refusal(ApiError(code, err_code, "why"), "bucket jobs on nats://h")

    assert type(error) is kind
    assert str(error).startswith("bucket jobs on nats://h: ")
    assert said in str(error)


@pytest.mark.parametrize(
    ("raised", "kind", "said"),
    [
        (nats_errors.NoRespondersError(), KanadeUnavailable, "nobody answers"),
        (nats_errors.TimeoutError(), KanadeUnavailable, "whether it was done is unknown"),
        (TimeoutError(), KanadeUnavailable, "whether it was done is unknown"),
        (nats_errors.ConnectionClosedError(), KanadeUnavailable, "not connected"),
        (nats_errors.OutboundBufferLimitError(), KanadeUnavailable, "not connected"),
        (ConnectionResetError("reset"), KanadeUnavailable, "not connected to NATS (reset)"),
        (nats_errors.MaxPayloadError(), KanadeRefused, "larger than this server's max_payload"),
        (nats_errors.BadSubjectError(), KanadeRefused, "invalid subject"),
    ],
)
def test_an_error_of_the_library_becomes_one_of_ours(
    raised: Exception, kind: type[ReconcilerError], said: str
) -> None:
    with pytest.raises(kind) as caught, translated("bucket jobs on nats://h"):
        raise raised

    assert str(caught.value).startswith("bucket jobs on nats://h: ")
    assert said in str(caught.value)
    assert caught.value.__cause__ is raised


def test_a_permission_names_its_subject() -> None:
    error = not_permitted("NATS on nats://h", "publish to", "$O.app_packages.C.x")

    assert isinstance(error, Unauthorized)
    assert "not permitted: publish to $O.app_packages.C.x" in str(error)
