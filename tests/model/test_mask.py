"""What looks like a secret in somebody else's text."""

import pytest

from reconciler.model.mask import mask, mask_written


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("password: hunter2", "password: ***"),
        ('{"api_key": "hunter2"}', '{"api_key": "***"}'),
        ("Authorization: Bearer hunter2", "Authorization: Bearer ***"),
        ("curl https://me:hunter2@example.com/x", "curl https://***@example.com/x"),
        ("GET /x?access_token=hunter2 200", "GET /x?access_token=*** 200"),
        ("the value hunter2 of a knob", "the value *** of a knob"),
        ("the token was refused", "the token was refused"),
        ("exit 30: the service did not start", "exit 30: the service did not start"),
    ],
)
def test_what_looks_like_a_secret_is_hidden(said: str, shown: str) -> None:
    assert mask(said, ("hunter2" if "knob" in said else "", "")) == shown


@pytest.mark.parametrize("word", ["a", "token", "api-key", "token ", "bearer ", "//", "//a:"])
def test_hiding_takes_no_longer_for_what_is_made_to_take_long(word: str) -> None:
    """By a pattern that looks back and forth these would take minutes."""
    said = word * (800 * 1024 // len(word))

    assert mask(f"{said}\ntoken=hunter2", ()).endswith("***")


KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNza\n-----END OPENSSH PRIVATE KEY-----"


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("API_TOKEN=hunter2 run", "API_TOKEN=*** run"),
        ("$Password = 'hunter2'", "$Password = '***'"),
        ("mysql --password hunter2", "mysql --password ***"),
        ("curl -H 'Authorization: Bearer hunter2'", "curl -H 'Authorization: Bearer ***'"),
        ("git clone https://me:hunter2@git.example/x", "git clone https://***@git.example/x"),
        (f"a\n{KEY}\nb", "a\n***\nb"),
    ],
)
def test_a_secret_that_is_written_out_is_hidden(text: str, kept: str) -> None:
    assert mask_written(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        'curl -H "Authorization: Bearer $TOKEN"',
        "TOKEN=$(cat /run/token)",
        "TOKEN=''\nset -eu",
        "TOKEN=\nset -eu",
        "$Token = $env:TOKEN",
        "password: {{ vault }}",
        "git clone https://git@git.example/x",
        "curl https://me:$PASS@example.com",
        "# basic checks of the token ring",
        "needs_token: true",
    ],
)
def test_what_stands_for_a_secret_stays(text: str) -> None:
    assert mask_written(text) == text


@pytest.mark.parametrize("word", ["a", "token", "--token ", "bearer ", "//", "//a:", "-----BEGIN "])
def test_hiding_what_is_written_takes_no_longer_either(word: str) -> None:
    text = word * (800 * 1024 // len(word))

    assert mask_written(f"{text}\ntoken=hunter2").endswith("***")
