"""Which addresses an artifact may be fetched from."""

import socket

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from reconciler.errors import ArtifactRefused
from reconciler.source.address import AddressRules, CheckedResolver, presentable

OPEN = AddressRules()
LISTED = AddressRules(hosts=frozenset({"files.example", "10.0.0.5"}))
LOOPBACK = AddressRules(allow_loopback=True)


def refusal(rules: AddressRules, text: str) -> str:
    with pytest.raises(ArtifactRefused) as caught:
        rules.checked(text)
    assert "\n" not in str(caught.value)
    assert "CANARY" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("rules", "text"),
    [
        (OPEN, "https://files.example/tool"),
        (OPEN, "https://files.example:8443/a%20b?x=1"),
        (OPEN, "https://93.184.216.34/tool"),
        (OPEN, "https://[2606:2800:220:1::1]/tool"),
        (LISTED, "https://FILES.example/tool"),
        (LISTED, "https://10.0.0.5/tool"),
        (LOOPBACK, "http://127.0.0.1:8080/tool"),
        (LOOPBACK, "http://localhost/tool"),
        (LOOPBACK, "https://[::1]/tool"),
        (LOOPBACK, "https://files.example/tool"),
    ],
)
def test_an_address_of_the_open_world_is_taken(rules: AddressRules, text: str) -> None:
    assert rules.checked(text).scheme in text.lower()


@pytest.mark.parametrize(
    ("rules", "text", "message"),
    [
        (OPEN, "http://files.example/tool", "http://files.example/tool: https only"),
        (OPEN, "http://127.0.0.1/tool", "http://127.0.0.1/tool: https only"),
        (OPEN, "ftp://files.example/tool", "ftp://files.example/tool: https only"),
        (OPEN, "file:///etc/passwd", "file:///etc/passwd: https only"),
        (OPEN, "/etc/passwd", "/etc/passwd: https only"),
        (OPEN, "", ": https only"),
        (OPEN, "https:///tool", "https:///tool: names no host"),
        (OPEN, "https://127.0.0.1/x", "https://127.0.0.1/x: 127.0.0.1 is this machine itself"),
        (OPEN, "https://[::1]/x", "https://[::1]/x: ::1 is this machine itself"),
        (OPEN, "https://0.0.0.0/x", "https://0.0.0.0/x: 0.0.0.0 is not an address to fetch from"),
        (
            OPEN,
            "https://169.254.169.254/latest/meta-data",
            (
                "https://169.254.169.254/latest/meta-data: 169.254.169.254 is not an address to "
                "fetch from"
            ),
        ),
        (
            OPEN,
            "https://10.0.0.5/x",
            (
                "https://10.0.0.5/x: 10.0.0.5 is a private address: name its host in the settings' "
                "artifact hosts"
            ),
        ),
        (LOOPBACK, "http://files.example/x", "http://files.example/x: https only"),
        (LOOPBACK, "http://10.0.0.5/x", "http://10.0.0.5/x: https only"),
        (
            LISTED,
            "https://other.example/x",
            (
                "https://other.example/x: host other.example is not one of the settings' artifact "
                "hosts"
            ),
        ),
        (
            LISTED,
            "https://files.example.evil/x",
            (
                "https://files.example.evil/x: host files.example.evil is not one of the settings' "
                "artifact hosts"
            ),
        ),
        (
            OPEN,
            "https://ada:CANARY@files.example/x?token=CANARY#CANARY",
            (
                "https://files.example/x: a credential does not belong into git: use an address "
                "without one"
            ),
        ),
        (
            OPEN,
            "https://CANARY@files.example/x",
            (
                "https://files.example/x: a credential does not belong into git: use an address "
                "without one"
            ),
        ),
    ],
)
def test_any_other_is_refused_in_one_line(rules: AddressRules, text: str, message: str) -> None:
    assert refusal(rules, text) == message


@pytest.mark.parametrize("text", ["https://[::1/x", "https://files.example:99999/x"])
def test_what_is_no_address_is_refused(text: str) -> None:
    assert refusal(OPEN, text).startswith("artifact url: not an address: ")


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("127.0.0.53", "this machine itself"),
        ("::1", "this machine itself"),
        ("::ffff:127.0.0.1", "this machine itself"),
        ("64:ff9b::7f00:1", "this machine itself"),
        ("2002:7f00:1::", "this machine itself"),
        ("10.1.2.3", "private address"),
        ("172.16.0.1", "private address"),
        ("192.168.1.1", "private address"),
        ("100.64.0.1", "private address"),
        ("fd00::1", "private address"),
        ("::ffff:10.0.0.1", "private address"),
        ("64:ff9b::a00:1", "private address"),
        ("169.254.169.254", "not an address to fetch from"),
        ("::ffff:169.254.169.254", "not an address to fetch from"),
        ("64:ff9b::a9fe:a9fe", "not an address to fetch from"),
        ("fe80::1%eth0", "not an address to fetch from"),
        ("0.0.0.0", "not an address to fetch from"),
        ("::", "not an address to fetch from"),
        ("224.0.0.1", "not an address to fetch from"),
        ("ff02::1", "not an address to fetch from"),
        ("255.255.255.255", "private address"),
    ],
)
async def test_a_name_that_leads_inside_is_refused_when_it_is_resolved(
    address: str, word: str
) -> None:
    """Also when it does so only now: what was checked is what is connected to."""
    resolver = CheckedResolver(OPEN, Resolver(["93.184.216.34", address]))

    with pytest.raises(ArtifactRefused) as caught:
        await resolver.resolve("files.example", 443)

    assert word in str(caught.value)
    assert str(caught.value).startswith("files.example: ")


async def test_a_listed_host_may_be_inside_but_not_be_this_machine() -> None:
    inside = CheckedResolver(LISTED, Resolver(["10.1.2.3"]))
    here = CheckedResolver(LISTED, Resolver(["127.0.0.1"]))
    metadata = CheckedResolver(LISTED, Resolver(["169.254.169.254"]))

    assert [found["host"] for found in await inside.resolve("files.example")] == ["10.1.2.3"]
    for resolver in (here, metadata):
        with pytest.raises(ArtifactRefused):
            await resolver.resolve("files.example")


@pytest.mark.parametrize(
    ("target", "refused"),
    [
        ("https://other.example/x", None),
        ("/elsewhere", None),
        ("//other.example/x", None),
        ("http://files.example/x", "https only"),
        ("http://127.0.0.1:8222/", "https only"),
        ("https://127.0.0.1/", "this machine itself"),
        ("https://169.254.169.254/", "not an address to fetch from"),
        ("file:///etc/passwd", "https only"),
        ("https://ada:CANARY@other.example/", "a credential does not belong into git"),
    ],
)
def test_a_redirect_is_looked_at_like_an_address(target: str, refused: str | None) -> None:
    start = OPEN.checked("https://files.example/tool?token=CANARY")
    if refused is None:
        assert OPEN.checked(target, came_from=start).scheme == "https"
        return

    with pytest.raises(ArtifactRefused) as caught:
        OPEN.checked(target, came_from=start)

    message = str(caught.value)
    assert message.startswith("https://files.example/tool: redirect to ")
    assert f" refused: {refused}" in message.replace("127.0.0.1 is ", "").replace(
        "169.254.169.254 is ", ""
    )
    assert "CANARY" not in message


def test_a_redirect_never_leaves_https_not_even_to_this_machine() -> None:
    start = LOOPBACK.checked("https://files.example/tool")

    with pytest.raises(ArtifactRefused) as caught:
        LOOPBACK.checked("http://127.0.0.1:8222/", came_from=start)

    assert str(caught.value) == (
        "https://files.example/tool: redirect to http://127.0.0.1:8222/ refused: https only, also "
        "where it leads to"
    )


def test_an_address_is_shown_without_what_may_be_secret() -> None:
    url = LOOPBACK.checked("https://files.example/a/b?signature=CANARY#x")

    assert presentable(url) == "https://files.example/a/b"


class Resolver(AbstractResolver):
    """Knows one answer."""

    def __init__(self, addresses: list[str]) -> None:
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)
            for address in self._addresses
        ]

    async def close(self) -> None:
        pass
