"""The settings of the page: who may act, and whose word is taken for it."""

from pathlib import Path

import pytest

from reconciler.cli.settings import InvalidSettings, ProxySettings, Settings, load_settings
from reconciler.cli.web_ui import keys_of
from reconciler.errors import UsageError
from reconciler.model.desired import SecretRef
from reconciler.model.identity import SecretName

LISTEN = 'serve.listen = "127.0.0.1:8081"\n'
ALICE = 'serve.people.alice.secret = "alice"\nsecrets.alice.env = "ALICE"\n'
BOB = 'serve.people."bob@example.com".secret = "bob"\nsecrets.bob.env = "BOB"\n'
TOKEN = 'serve.token.secret = "look"\nsecrets.look.env = "LOOK"\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "r.toml"


def load(file: Path, text: str) -> Settings:
    file.write_text(text)
    return load_settings(file, (), {"HOME": "/"})


def refusal(file: Path, text: str) -> list[str]:
    with pytest.raises(InvalidSettings) as refused:
        load(file, text)
    return [line.replace(f"{file.parent}/", "") for line in str(refused.value).splitlines()]


def test_a_page_is_served_where_anything_is_and_nobody_acts_there(file: Path) -> None:
    serve = load(file, LISTEN).serve

    assert serve is not None
    assert (serve.page, serve.people, serve.proxy) == (True, {}, None)


def test_it_can_be_left_out(file: Path) -> None:
    serve = load(file, LISTEN + "serve.page = false\n").serve

    assert serve is not None
    assert not serve.page


def test_people_have_names_and_tokens_of_their_own(file: Path) -> None:
    serve = load(file, LISTEN + ALICE + BOB).serve

    assert serve is not None
    assert serve.people == {
        "alice": SecretRef(SecretName("alice")),
        "bob@example.com": SecretRef(SecretName("bob")),
    }


def test_a_proxy_says_who_in_a_header(file: Path) -> None:
    serve = load(file, LISTEN + 'serve.proxy.trusted = ["127.0.0.1", "10.0.0.0/8"]\n').serve

    assert serve is not None
    assert serve.proxy == ProxySettings(
        trusted=("127.0.0.1", "10.0.0.0/8"), header="X-Forwarded-Email"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (ALICE.splitlines()[0], "serve.people.alice"),
        ('serve.people."a b".secret = "alice"', "a name or an e-mail address"),
        ('serve.proxy.trusted = ["everybody"]', "is no address or network"),
        ('serve.proxy.trusted = ["10.0.0.1/8"]', "is no address or network"),
        ("serve.proxy.trusted = []", "serve.proxy.trusted"),
        (
            'serve.proxy = { trusted = ["::1"], header = "Cookie" }',
            "the name of a header that begins with X-",
        ),
    ],
)
def test_what_cannot_be_is_refused(file: Path, text: str, said: str) -> None:
    (line,) = refusal(file, LISTEN + text)

    assert said in line or "secret alice is not in [secrets]" in line


def test_beyond_loopback_people_sign_in_over_tls_alone(file: Path) -> None:
    beyond = LISTEN.replace("127.0.0.1", "0.0.0.0") + TOKEN + ALICE

    assert "people sign in over TLS only" in refusal(file, beyond)[0]
    assert load(file, beyond + "serve.behind_proxy = true\n").serve


def test_beyond_loopback_there_is_no_page_without_a_token(file: Path) -> None:
    beyond = LISTEN.replace("127.0.0.1", "0.0.0.0") + 'serve.proxy.trusted = ["10.0.0.1"]\n'

    (line,) = refusal(file, beyond)
    assert line.startswith("r.toml:1:7: 0.0.0.0 can be reached from other machines")
    assert line.endswith("a non-loopback listen needs serve.token")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"ALICE": "short", "BOB": "b" * 16}, "serve.people.alice: a token of fewer than 16"),
        ({"ALICE": "a" * 16, "BOB": "a" * 16}, "two of the tokens"),
        ({"ALICE": "a" * 16, "BOB": "b" * 16, "LOOK": "b" * 16}, "two of the tokens"),
    ],
)
def test_tokens_are_long_and_nobody_elses(
    file: Path, monkeypatch: pytest.MonkeyPatch, values: dict[str, str], said: str
) -> None:
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    settings = load(file, LISTEN + ALICE + BOB + (TOKEN if "LOOK" in values else ""))
    assert settings.serve is not None

    with pytest.raises(UsageError, match=said) as refused:
        keys_of(settings, settings.serve)
    assert not any(value in str(refused.value) for value in values.values())


def test_what_the_settings_say_is_what_lets_people_in(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALICE", "a" * 16)
    settings = load(file, LISTEN + ALICE + 'serve.proxy.trusted = ["127.0.0.0/8"]\n')
    assert settings.serve is not None
    keys = keys_of(settings, settings.serve)

    assert (keys.token, keys.people, keys.secure) == (None, {"alice": "a" * 16}, False)
    assert keys.proxy is not None
    assert [str(network) for network in keys.proxy.networks] == ["127.0.0.0/8"]
    assert "aaaa" not in repr(keys)
