"""`validate` for machines: faults as data, by file, line and column."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.support import small_fleet
from tests.support.command_line import call


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in small_fleet.files("1.0.0").items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return tmp_path


@pytest.mark.parametrize(("kind", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_faults_as_data(folder: Path, kind: str, read: Callable[[str], dict[str, object]]) -> None:
    release = folder / "releases" / "tool.yaml"
    release.write_text(release.read_text().replace("job:", "jobb:", 1))

    done = call("validate", str(folder), "-o", kind)

    found = read(done.out)
    assert (done.code, done.err, found["valid"]) == (2, "", False)
    assert found["faults"] == [
        {"file": "releases/tool.yaml", "line": 1, "column": 1, "message": "job is missing"},
        {
            "file": "releases/tool.yaml",
            "line": 10,
            "column": 1,
            "message": "unknown key jobb; did you mean job?",
        },
    ]


def test_what_is_valid_as_data(folder: Path) -> None:
    done = call("validate", str(folder), "-o", "json")

    assert (done.code, done.err) == (0, "")
    assert json.loads(done.out) == {
        "valid": True,
        "faults": [],
        "notes": [],
        "releases": 1,
        "jobs": 1,
        "hosts": 2,
    }
