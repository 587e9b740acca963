"""The `[[notify]]` tables: what is read, and what is refused where it stands."""

from pathlib import Path

import pytest

from reconciler.cli.settings import InvalidSettings, load_settings
from reconciler.cli.settings.values import NotifySettings, Provider
from reconciler.model.desired import SecretRef
from reconciler.model.identity import ReleaseName, SecretName

SECRETS = '[secrets.s]\nenv = "S"\n'


def read(tmp_path: Path, text: str, *flags: str) -> tuple[NotifySettings, ...]:
    file = tmp_path / "r.toml"
    file.write_text(text)
    return load_settings(file, flags, {"HOME": "/home/me"}).notify


def refusal(tmp_path: Path, text: str, *flags: str) -> list[str]:
    with pytest.raises(InvalidSettings) as refused:
        read(tmp_path, text, *flags)
    file = str(tmp_path / "r.toml")
    return [line.replace(file, "r.toml") for line in str(refused.value).splitlines()]


def test_a_target_says_who_is_told_of_what(tmp_path: Path) -> None:
    first, second = read(
        tmp_path,
        f"""
        [[notify]]
        name = "chat"
        provider = "slack"
        address = {{ secret = "s" }}
        releases = ["tool"]
        severity = "error"
        [[notify]]
        name = "mail"
        provider = "email"
        url = "smtps://mail.example"
        from = "fleet@ops.example"
        to = ["a@ops.example"]
        hosts = true
        attempts = 3
        {SECRETS}""",
    )

    assert (first.provider, first.address) == (Provider.SLACK, SecretRef(SecretName("s")))
    assert (first.releases, first.errors_only) == (frozenset({ReleaseName("tool")}), True)
    assert (first.hosts, first.attempts) == (False, 10)
    assert (second.sender, second.recipients) == ("fleet@ops.example", ("a@ops.example",))
    assert (second.errors_only, second.hosts, second.attempts) == (False, True, 3)


def test_nobody_is_told_where_nothing_is_said(tmp_path: Path) -> None:
    assert read(tmp_path, "") == ()


@pytest.mark.parametrize(
    ("table", "lines"),
    [
        ('provider = "slack"', ["1:3: notify[0].name is missing"]),
        (
            'name = "a b"\nprovider = "slak"',
            [
                (
                    '2:1: notify[0].name "a b" does not match '
                    "(expected A-Z a-z 0-9 _ -, beginning with a letter or a digit)"
                ),
                (
                    "3:1: notify[0].provider must be one of email, github-comment, github-status, "
                    "gitlab-comment, gitlab-status, nats, slack, teams, webhook; "
                    'found the text "slak"; did you mean slack?'
                ),
            ],
        ),
        (
            'name = "a"\nprovider = "slack"\nchannel = "x"',
            [
                (
                    "4:1: unknown key channel in notify[0]; known here: address, attempts, from, "
                    "hosts, name, provider, releases, secret, severity, subject, to, url and 1 more"
                )
            ],
        ),
        (
            'name = "a"\nprovider = "slack"',
            ["1:3: provider slack needs exactly one of address, url"],
        ),
        (
            'name = "a"\nprovider = "teams"\nurl = "https://x.example"\naddress.secret = "s"',
            ["1:3: provider teams needs exactly one of address, url"],
        ),
        (
            'name = "a"\nprovider = "github-status"\nurl = "https://github.com/o/r"',
            ["1:3: provider github-status needs secret"],
        ),
        (
            'name = "a"\nprovider = "nats"\nsubject = "x"\nto = ["a@b.example"]',
            ["5:1: to does not belong to provider nats"],
        ),
        (
            'name = "a"\nprovider = "nats"\nsubject = "commands.pc.x"',
            ["4:1: subjects of commands are kanade's or our own: choose another"],
        ),
        (
            'name = "a"\nprovider = "nats"\nsubject = "a.>"',
            [
                (
                    '4:1: notify[0].subject "a.>" does not match '
                    "(expected A-Z a-z 0-9 _ - in tokens between single dots)"
                )
            ],
        ),
        (
            'name = "a"\nprovider = "webhook"\nurl = "http://hooks.example"',
            ["4:1: provider webhook is reached by https only; found http://"],
        ),
        (
            'name = "a"\nprovider = "webhook"\nurl = "http://127.0.0.1:9"',
            ["4:1: provider webhook is reached by https only; found http://"],
        ),
        (
            (
                'name = "a"\nprovider = "email"\nurl = "https://x.example"\n'
                'from = "a@b.example"\nto = ["a@b.example"]'
            ),
            ["4:1: provider email is reached by smtp or smtps only; found https://"],
        ),
        (
            (
                'name = "a"\nprovider = "email"\nurl = "smtp://x.example"\n'
                'from = "a@b.example"\nto = ["a@b.example"]\nuser = "u"'
            ),
            ["1:3: a login by e-mail needs user and secret, or neither"],
        ),
        (
            'name = "a"\nprovider = "webhook"\nurl = "https://u:p@x.example"',
            [
                (
                    '4:1: notify[0].url "https://***@x.example" does not match (expected '
                    "https://host/path, smtps://host or smtp://host, without user and password)"
                )
            ],
        ),
        (
            'name = "a"\nprovider = "slack"\naddress.secret = "x"',
            ['4:9: secret x is not in [secrets]; write [secrets.x] with env = "NAME"'],
        ),
        (
            (
                'name = "a"\nprovider = "slack"\naddress.secret = "s"\n'
                '[[notify]]\nname = "a"\nprovider = "slack"\naddress.secret = "s"'
            ),
            ["6:1: notify.name a is taken: where each stands is kept by its name"],
        ),
    ],
)
def test_a_fault_names_the_line_and_what_is_allowed(
    tmp_path: Path, table: str, lines: list[str]
) -> None:
    text = f"[[notify]]\n{table}\n{SECRETS if 'x is not' not in lines[0] else ''}"

    assert refusal(tmp_path, text) == [f"r.toml:{line}" for line in lines]


def test_http_to_this_machine_is_for_the_lab(tmp_path: Path) -> None:
    text = '[[notify]]\nname = "a"\nprovider = "webhook"\nurl = "http://127.0.0.1:9/x"\n'

    (target,) = read(tmp_path, text, "controller.allow_http_loopback=true")

    assert target.url == "http://127.0.0.1:9/x"
