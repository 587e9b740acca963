"""Settings that are wrong: each named where it stands, with what is allowed."""

from pathlib import Path

import pytest

from reconciler.cli.settings import InvalidSettings, load_settings

DURATION = "written like 90s, 5m, 1h30m or 7d"


def refusal(
    tmp_path: Path, text: str | bytes, *flags: str, environment: dict[str, str] | None = None
) -> list[str]:
    file = tmp_path / "r.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(InvalidSettings) as refused:
        load_settings(file, flags, environment or {"HOME": "/home/me"})
    assert refused.value.exit_code == 2
    return [line.replace(str(file), "r.toml") for line in str(refused.value).splitlines()]


@pytest.mark.parametrize("value", ["0", "-5", "1e9", "5 minutes", "\u0665", "4s", "25h", "", "99d"])
def test_an_interval_is_within_its_bounds(tmp_path: Path, value: str) -> None:
    assert refusal(tmp_path, f'[source]\n# c\ninterval = "{value}"\n') == [
        f'r.toml:3:1: source.interval: must be 5s..24h, {DURATION}; found "{value}"'
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            "[source]\ninterval = 60",
            f"2:1: source.interval must be 5s..24h, {DURATION}; found the number 60",
        ),
        (
            '[source]\nref = "--upload-pack=touch /tmp/x"',
            ('2:1: source.ref "--upload-pack=touch /tmp/x" does not match '
            "(expected a branch or tag, not beginning with '-')"),
        ),
        (
            '[source]\nurl = "-x"',
            ('2:1: source.url "-x" does not match '
            "(expected a URL or path without blanks, not beginning with '-')"),
        ),
        ('[source]\nfolder = "../x"', "2:1: source.folder: '..' is not allowed in a path"),
        (
            "[source]\nref = 1.10",
            '2:1: source.ref must be a string; 1.1 would be read as the number 1.1: write "1.1"',
        ),
        (
            "[source]\nref = 2026-01-01",
            ("2:1: source.ref must be a string; 2026-01-01 would be read as a date: "
            'write "2026-01-01"'),
        ),
        (
            '[source]\naccept_rewrite = "yes"',
            '2:1: source.accept_rewrite must be true or false; found the text "yes"',
        ),
        (
            '[source]\ntoken = {secret = "git-tokn"}\n[secrets]\ngit-token.env = "X"',
            "2:10: secret git-tokn is not in [secrets]; did you mean git-token?",
        ),
        (
            '[source]\noffer_revert = "commit"',
            '2:1: source.offer_revert must be one of branch, off; found the text "commit"',
        ),
        (
            '[source]\nrevert_author = "fleet@example.com"',
            '2:1: source.revert_author "fleet@example.com" does not match (expected Name <mail>)',
        ),
        (
            '[source]\nurl = "https://git.example/f.git"\noffer_revert = "branch"',
            ("3:1: source.offer_revert over https needs source.token, one that may push branches"),
        ),
        ("[source]\nintervall = 1", "2:1: unknown key intervall in source; did you mean interval?"),
        ("[sourc]", "1:2: unknown key sourc; did you mean source?"),
        ("source = 1", "1:1: source must be a mapping; found the number 1"),
        (
            '[nats]\nurl = "http://x"',
            ('2:1: nats.url "http://x" does not match '
            "(expected nats://host:4222 or tls://host:4222, without user and password)"),
        ),
        ("[nats]\nurl = []", "2:1: nats.url is empty; leave it out or name at least 1"),
        (
            '[nats]\ntoken = "t"',
            ('2:1: nats.token must be a mapping; found a text; write {secret = "NAME"}, '
            "and in [secrets.NAME] where its value is"),
        ),
        (
            '[nats]\ntoken = {secret = "nats"}\n[secrets]\nnat.env = "X"',
            "2:10: secret nats is not in [secrets]; did you mean nat?",
        ),
        (
            '[nats]\nuser = "u"\ncreds = "c"\npassword.secret = "p"\n[secrets.p]\nenv = "P"',
            "3:1: nats.user and nats.creds: one way to log in is enough",
        ),
        ('[nats]\nuser = "u"', "2:1: nats.user needs nats.password"),
        (
            '[nats]\npassword.secret = "p"\n[secrets.p]\nenv = "P"',
            "2:1: nats.password needs nats.user",
        ),
        (
            '[nats.tls]\ncert = "c"',
            "1:7: nats.tls needs key beside cert",
        ),
        ("[backend]", "1:2: backend.url is missing"),
        ('[controller]\nmode = "backend"', "2:1: mode backend needs backend.url"),
        (
            '[controller]\nmode = "Nats"',
            ("2:1: controller.mode must be one of auto, backend, nats; "
            'found the text "Nats"; did you mean nats? upper and lower case count'),
        ),
        (
            '[controller]\ninstance = "a b"',
            ('2:1: controller.instance "a b" does not match '
            "(expected A-Z a-z 0-9 _ - and single dots, beginning with a letter or a digit)"),
        ),
        (
            "[controller]\nmax_artifact_bytes = 9000000000",
            "2:1: controller.max_artifact_bytes must be at most 8589934592; found 9000000000",
        ),
        (
            '[controller]\nartifact_roots = [\n  "a",\n  5,\n]',
            ('4:3: controller.artifact_roots[1] must be a string; 5 would be read as the number 5: '
            'write "5"'),
        ),
        (
            '[controller]\nstate_dir = "a\\u0000b"',
            '2:1: controller.state_dir: path "a\\u0000b" has a control character',
        ),
        (
            '[secrets.a]\nenv = "A"\nfile = "b"',
            ("1:10: secrets.a: exactly one of credential, env, file is needed; "
            "found env and file"),
        ),
        (
            "[secrets.a]",
            "1:10: secrets.a: exactly one of credential, env, file is needed; found none",
        ),
        (
            '[secrets]\n"a b".env = "A"',
            ('2:1: secrets: "a b" does not match '
            "(expected A-Z a-z 0-9 _ - and single dots, beginning with a letter or a digit)"),
        ),
        (
            '[secrets.a]\nenv = "A B"',
            ('2:1: secrets.a.env "A B" does not match '
            "(expected the name of an environment variable)"),
        ),
        (
            '[secrets.a]\ncredential = "../a"',
            ('2:1: secrets.a.credential "../a" does not match '
            "(expected A-Z a-z 0-9 _ - and single dots, beginning with a letter or a digit)"),
        ),
        (
            '[log]\nlevel = "trace"',
            ("2:1: log.level must be one of debug, error, info, warning; "
            'found the text "trace"'),
        ),
    ],
)  # fmt: skip
def test_a_fault_names_the_line_and_what_is_allowed(tmp_path: Path, text: str, line: str) -> None:
    assert refusal(tmp_path, text) == [f"r.toml:{line}"]


@pytest.mark.parametrize(
    "listen", ["8081", ":8081", "127.0.0.1", "a:99999", "[1.2.3.4]:1", "a:b", "::1:80"]
)
def test_an_address_is_host_and_port(tmp_path: Path, listen: str) -> None:
    assert refusal(tmp_path, f'serve.listen = "{listen}"') == [
        (
            f'r.toml:1:7: serve.listen: "{listen}" is not an address; '
            "expected host:port, as in 127.0.0.1:8081"
        )
    ]


@pytest.mark.parametrize(
    "host", ["0.0.0.0", "[::]", "10.0.0.1", "status.example", "[::ffff:1.2.3.4]"]
)
def test_an_address_that_others_can_reach_needs_a_token(tmp_path: Path, host: str) -> None:
    lines = refusal(tmp_path, f'serve.listen = "{host}:8081"')

    assert lines == [
        (
            f"r.toml:1:7: {host.strip('[]')} can be reached from other machines: "
            "a non-loopback listen needs serve.token"
        )
    ]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.9.9.9"])
def test_loopback_needs_none(tmp_path: Path, host: str) -> None:
    file = tmp_path / "r.toml"
    file.write_text(f'serve.listen = "{host}:0"')

    assert load_settings(file, (), {"HOME": "/"}).serve is not None


@pytest.mark.parametrize(
    ("content", "line"),
    [
        (b"[source", "1:8: not valid TOML: expected ']' at the end of a table declaration"),
        (b"a = 1\na = 2\n", "2:6: not valid TOML: cannot overwrite a value"),
        (b"a =\n", "1:4: not valid TOML: invalid value"),
        (b"\xff", "1:1: not valid UTF-8 at byte 1"),
        (b"a = " + b"[" * 50_000, "1:1: nested too deep"),
    ],
)
def test_a_file_that_is_no_toml_is_named_with_its_place(
    tmp_path: Path, content: bytes, line: str
) -> None:
    assert refusal(tmp_path, content) == [f"r.toml:{line}"]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings) as missing:
        load_settings(tmp_path / "nope.toml", (), {"HOME": "/"})
    with pytest.raises(InvalidSettings) as folder:
        load_settings(tmp_path, (), {"HOME": "/"})

    hint = "name the settings by --config"
    expected = f"{tmp_path}/nope.toml: cannot be read: No such file or directory; {hint}"
    assert str(missing.value) == expected
    assert str(folder.value) == f"{tmp_path}: cannot be read: Is a directory; {hint}"


def test_a_variable_is_named_by_its_name(tmp_path: Path) -> None:
    environment = {
        "HOME": "/",
        "RECONCILER_NTAS__URL": "x",
        "RECONCILER_SOURCE__INTERVAL": "1s",
        "RECONCILER_CONTROLLER__ALLOW_BUILDS": "yes",
        "RECONCILER_CONTROLLER__MAX_ARTIFACT_BYTES": "1.5",
    }

    assert refusal(tmp_path, "", environment=environment) == [
        ("RECONCILER_CONTROLLER__ALLOW_BUILDS: controller.allow_builds must be true or false; "
        'found the text "yes"'),
        ("RECONCILER_CONTROLLER__MAX_ARTIFACT_BYTES: controller.max_artifact_bytes "
        'must be a whole number; found the text "1.5"'),
        "RECONCILER_NTAS__URL: unknown key ntas; did you mean nats?",
        f'RECONCILER_SOURCE__INTERVAL: source.interval: must be 5s..24h, {DURATION}; found "1s"',
    ]  # fmt: skip


def test_a_flag_is_named_by_its_key(tmp_path: Path) -> None:
    assert refusal(tmp_path, "", "source.interval=5") == [
        f'--set source.interval: source.interval: must be 5s..24h, {DURATION}; found "5"'
    ]
    assert refusal(tmp_path, "", "source.interval") == [
        "--set: source.interval: expected key=value, as in source.ref=main"
    ]


def test_without_a_home_the_state_needs_a_place(tmp_path: Path) -> None:
    assert refusal(tmp_path, "", environment={"X": ""}) == [
        "environment: HOME is not set, so there is no place for state; set controller.state_dir"
    ]
