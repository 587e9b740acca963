"""A credential is nowhere to be seen."""

import pytest

from reconciler.source.credential import Credential, presentable

CREDENTIAL = Credential(username="ada", password="CANARY")


def test_a_credential_does_not_print_itself() -> None:
    assert "CANARY" not in repr(CREDENTIAL)
    assert CREDENTIAL.header == "Authorization: Basic YWRhOkNBTkFSWQ=="


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("password CANARY refused", "password *** refused"),
        ("sent YWRhOkNBTkFSWQ== along", "sent *** along"),
        ("at https://ada:other@host/a", "at https://host/a"),
        ("at https://token@host/a b@c", "at https://host/a b@c"),
        ("one\n  two\r\n\tthree", "one two three"),
        ("\x1b[31mred\x07", "?[31mred?"),
        ("x" * 400, "x" * 297 + "..."),
    ],
)
def test_what_others_wrote_is_fit_to_be_shown(text: str, expected: str) -> None:
    assert expected == presentable(text, CREDENTIAL)


def test_an_empty_password_hides_nothing() -> None:
    assert presentable("as it is", Credential(username="token", password="")) == "as it is"
