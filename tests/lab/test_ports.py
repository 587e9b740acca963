"""Ports that are ours alone, though everybody on this machine looks for some."""

import socket
import subprocess
import sys

import pytest

from reconciler.lab import ports
from reconciler.lab.ports import LOOPBACK, free_port

MANY = "from reconciler.lab.ports import free_port; print(*(free_port() for _ in range(150)))"


def test_no_process_is_given_what_another_was_given() -> None:
    ours = {free_port() for _ in range(150)}

    done = subprocess.run([sys.executable, "-c", MANY], capture_output=True, text=True, check=True)

    theirs = {int(port) for port in done.stdout.split()}
    assert (len(ours), len(theirs), ours & theirs) == (150, 150, set())


def test_a_port_that_somebody_listens_on_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    free = free_port()
    with socket.create_server((LOOPBACK, 0)) as server:
        monkeypatch.setattr(ports, "_ours", [free, server.getsockname()[1]])

        assert free_port() == free
