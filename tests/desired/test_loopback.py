"""URLs that every host would take for itself."""

import pytest

from reconciler.desired.loopback import loopback_host


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1", "http://127.200.1.2:8080/x", "http://localhost", "https://LocalHost.:1/",
     "http://backend.localhost", "http://[::1]/", "http://0.0.0.0", "http://[::]:80", "http://127.1",
     "http://0x7f000001", "http://2130706433", "http://017700000001", "http://0/",
     "127.0.0.1:8080", "localhost:8080/api", "[::1]:80", "127.1:80",
     "http://[::ffff:127.0.0.1]", "http://[::ffff:7f00:1]", "http://me:pw@127.0.0.1/"],
)  # fmt: skip
def test_a_loopback_url_is_known_in_every_spelling(url: str) -> None:
    assert loopback_host(url) is not None


@pytest.mark.parametrize(
    "url",
    ["http://backend-01:8080", "https://10.0.0.1", "http://128.0.0.1", "http://localhost.example",
     "http://127.0.0.1.example", "http://[fe80::1]", "127.0.0.1", "http://", "http://[", "x",
     "0:30", "1:2", "backend-01:8080", "10.0.0.1:80", "localhost:", "{version}", "http://a:b:c/"],
)  # fmt: skip
def test_other_texts_are_not(url: str) -> None:
    assert loopback_host(url) is None
