"""The log of the process: a line for each thing, whoever says it."""

import json
import subprocess
import sys

PROGRAM = """
import logging
from reconciler.cli.logs import configure
from reconciler.cli.settings import LogFormat, LogLevel, LogSettings

for kind in (LogFormat.HUMAN, LogFormat.JSON):  # the settings come after the first lines
    configure(LogSettings(format=kind, level=LogLevel.INFO))
log = logging.getLogger("aiohttp.server")
log.info("GET / 200")
try:
    raise ValueError("a \\x1b[31mbad\\nrequest")
except ValueError:
    log.exception("Error handling request from %s", "127.0.0.1")
"""


def test_what_a_library_logs_is_a_line_of_json_with_its_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )

    [line] = done.stderr.splitlines()
    said = json.loads(line)
    assert said["event"] == "Error handling request from 127.0.0.1"
    assert (said["level"], said["logger"]) == ("error", "aiohttp.server")
    assert said["exception"].startswith("Traceback")
    assert "\x1b" not in said["exception"]
