"""One file for all agents; each process takes its own hosts from it."""

from pathlib import Path

import msgspec
import pytest

from reconciler.lab.agent.settings import AgentSettings, HostSettings, read_settings

SETTINGS = AgentSettings(
    nats_urls=["nats://127.0.0.1:4222"],
    hosts=[HostSettings(name=name, folder=f"/{name}") for name in ("a", "b", "c")],
)


def test_a_process_serves_the_hosts_that_it_is_told(tmp_path: Path) -> None:
    path = tmp_path / "agents.json"
    path.write_bytes(msgspec.json.encode(SETTINGS))

    assert read_settings(path) == SETTINGS
    assert [host.name for host in read_settings(path, ["c", "a"]).hosts] == ["a", "c"]


def test_a_setting_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "agents.json"
    path.write_text('{"nats_urls": [], "hosts": [], "hartbeat_seconds": 1}')

    with pytest.raises(msgspec.ValidationError, match="hartbeat_seconds"):
        read_settings(path)
