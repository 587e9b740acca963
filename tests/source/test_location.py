"""Which addresses a repository may have, and that none of them shows its credential."""

from pathlib import Path

import pytest

from reconciler.errors import UsageError
from reconciler.source.location import Location, Transport, is_loopback


@pytest.mark.parametrize(
    ("text", "transport", "address"),
    [
        ("https://git.example.com/fleet.git", Transport.HTTPS, "https://git.example.com/fleet.git"),
        ("HTTPS://git.example.com:8443/a/b", Transport.HTTPS, "https://git.example.com:8443/a/b"),
        ("https://[2001:db8::1]/fleet", Transport.HTTPS, "https://[2001:db8::1]/fleet"),
        ("ssh://git@host.example:2222/a.git", Transport.SSH, "ssh://git@host.example:2222/a.git"),
        ("ssh://host.example/~ada/a.git", Transport.SSH, "ssh://host.example/~ada/a.git"),
        ("git@host.example:team/a.git", Transport.SSH, "git@host.example:team/a.git"),
        ("host.example:a.git", Transport.SSH, "host.example:a.git"),
        ("git@h:/srv/git/a.git", Transport.SSH, "git@h:/srv/git/a.git"),
        ("git@[2001:db8::1]:a.git", Transport.SSH, "git@[2001:db8::1]:a.git"),
        ("file:///srv/git/a%20b.git", Transport.FILE, "/srv/git/a b.git"),
        ("/srv/git/fleet.git", Transport.FILE, "/srv/git/fleet.git"),
        ("/srv/a:b", Transport.FILE, "/srv/a:b"),
        ("relative/fleet", Transport.FILE, str(Path.cwd() / "relative/fleet")),
    ],
)
def test_an_address_is_given_to_git_as_it_is(text: str, transport: Transport, address: str) -> None:
    location = Location.parse(text)

    assert (transport, address, address) == (location.transport, location.address, location.shown)
    assert (transport is Transport.FILE) == (location.local is not None)


def test_a_home_folder_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")

    assert Location.parse("~/fleet").address == "/home/ada/fleet"


@pytest.mark.parametrize(
    ("text", "username", "password"),
    [
        ("https://ada:CANARY@git.example.com/a", "ada", "CANARY"),
        ("https://CANARY@git.example.com/a", "CANARY", ""),
        ("https://:CANARY@git.example.com/a", "", "CANARY"),
        ("https://a%40b:p%3A%2FCANARY@git.example.com/a", "a@b", "p:/CANARY"),
        ("https://a@b:CANARY@git.example.com/a", "a@b", "CANARY"),
    ],
)
def test_a_credential_is_taken_out_of_an_address(text: str, username: str, password: str) -> None:
    location = Location.parse(text)

    assert (username, password) == (location.username, location.password)
    assert "https://git.example.com/a" == location.address == location.shown
    assert "CANARY" not in repr(location)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.1.2.3"])
def test_http_is_for_this_machine_and_only_when_allowed(host: str) -> None:
    text = f"http://{host}:8080/a"

    assert Transport.HTTP is Location.parse(text, allow_loopback_http=True).transport
    with pytest.raises(UsageError, match="https only"):
        Location.parse(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ext::sh -c id", "protocol 'ext' is not allowed"),
        ("fd::17", "protocol 'fd' is not allowed"),
        ("ext::sh -c 'echo ://x'", "protocol 'ext' is not allowed"),
        ("git://host/a", "protocol 'git' is not allowed"),
        ("ftp://host/a", "protocol 'ftp' is not allowed"),
        ("rsync://host/a", "protocol 'rsync' is not allowed"),
        ("http://git.example.com/a", "https only"),
        ("http://127.0.0.1.example.com/a", "https only"),
        ("", "the address is empty"),
        ("x" * 3000, "longer than 2048 characters"),
        ("--upload-pack=touch /tmp/x", "may not begin with '-'"),
        ("-oProxyCommand=id:a", "not user@host:path"),
        ("git@-oProxyCommand=id:a", "not user@host:path"),
        ("host.example:-a", "not user@host:path"),
        ("ssh://-oProxyCommand=id/a", "not a host name"),
        ("ssh://host/-a", "a path may not begin with '-'"),
        ("ssh://-l@host/a", "not a user name"),
        ("ssh://git:CANARY@host/a", "ssh takes a key"),
        ("https:///a", "not a host name"),
        ("https://host", "names a host but no repository"),
        ("https://host/", "names a host but no repository"),
        ("https://host:99999/a", "not an address"),
        ("https://[::1/a", "not an address"),
        ("https://ho st/a", "not a host name"),
        ("https://host/a?token=CANARY", "has no '?'"),
        ("https://host/a#CANARY", "has no '?'"),
        ("https://host/a?", "has no '?'"),
        ("file://host/a", "has three slashes"),
        ("file:a", "write file:// with two slashes"),
        ("https:/host/a", "write https:// with two slashes"),
        ("https://host/a\nb", "character U+000A at 15 is not allowed"),
        ("https://host/\x00", "character U+0000 at 14 is not allowed"),
        ("https://host/\u202eab", "character U+202E at 14 is not allowed"),
    ],
)
def test_any_other_address_is_refused_in_one_line_without_its_credential(
    text: str, message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        Location.parse(text, allow_loopback_http=True)

    assert message in str(caught.value)
    assert str(caught.value).startswith("repository")
    assert "\n" not in str(caught.value)
    assert "CANARY" not in str(caught.value)


@pytest.mark.parametrize("host", [None, "", "example.com", "10.0.0.1", "localhost.example.com"])
def test_only_this_machine_is_this_machine(host: str | None) -> None:
    assert not is_loopback(host)
