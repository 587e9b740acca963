import pytest

from reconciler.errors import KanadeRefused
from reconciler.kanade.names import commands_of, ping_of
from reconciler.model.identity import HostName


@pytest.mark.parametrize("host", ["backend-01", "PC_1", "a.example.com", "x" * 128, "a(b)+c~"])
def test_a_host_is_addressed_verbatim(host: str) -> None:
    assert commands_of(HostName(host)) == f"commands.pc.{host}"
    assert ping_of(HostName(host)) == f"agents.{host}.ping"


@pytest.mark.parametrize(
    "host", ["", "a b", "a*", ">", "a..b", ".a", "a.", "a.b.c.d.e", "x" * 129, "ä", "a\n", "a\tb"]
)
def test_a_host_that_would_make_another_subject_is_refused(host: str) -> None:
    with pytest.raises(KanadeRefused, match="cannot be addressed"):
        commands_of(HostName(host))
