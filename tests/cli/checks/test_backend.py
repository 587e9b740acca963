"""Whose token the controller brings to the backend, and whether that is enough."""

import json

import pytest

from reconciler.cli.checks import backend
from tests.cli.checks.conftest import surveyed, told
from tests.cli.conftest import Office
from tests.support.backend import Reply, answers, scripted


def account(role: str) -> Reply:
    said = {"username": "mika", "role": role, "must_change_pw": False}
    return answers(200, json.dumps(said), "application/json")


ONLY_LOOKS = "backend.token is that of mika, who is viewer there and may only read"


@pytest.mark.parametrize(
    ("whose", "expected"),
    [
        (account("operator"), ["ok", "it is that of mika, who is operator there"]),
        (account("viewer"), ["FAIL", f"{ONLY_LOOKS}: give it an operator's"]),
        (answers(200, "<html>", "text/html"), ["ok", "this backend does not say whose it is"]),
        (answers(404), ["ok", "this backend does not say whose it is"]),
    ],
)
async def test_whose_token_the_controller_has(
    office: Office, whose: Reply, expected: list[str]
) -> None:
    async with scripted(whose) as answering:
        survey = surveyed(office, None, f"backend.url={answering.url}")

        assert await told(backend.token, survey) == expected


INSISTS = "a host that insists on that can be sent nothing while the backend is away"


@pytest.mark.parametrize(
    ("kid", "expected"),
    [
        (None, ["ok", "nobody signs commands"]),
        (
            "k-2026",
            ["ok", "the backend signs commands with k-2026", f"{INSISTS}: not even a way back"],
        ),
    ],
)
async def test_who_signs_commands_is_told_with_what_follows(
    office: Office, kid: str | None, expected: list[str]
) -> None:
    said = json.dumps({"kid": kid, "fingerprint": kid})
    async with scripted(answers(200, said, "application/json")) as answering:
        survey = surveyed(office, None, f"backend.url={answering.url}")

        assert await told(backend.signing, survey) == expected
