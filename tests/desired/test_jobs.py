"""kanade's own manifests: unchanged, but for what kanade itself would write out."""

import pytest
import yaml

from reconciler.desired.load import load
from reconciler.errors import InvalidDesiredState
from reconciler.model.desired import JobSpec
from tests.support.snapshots import snapshot_of

PROBE = """# A comment.
id: probe
version: "1"
execute:
  shell: sh
  script_file: {script_file}   # inlined
  timeout: 1m 30s
"""
SCRIPT = "#!/bin/sh\n\techo 'a: b'  \n\necho c"


def job(text: str, files: dict[str, str] | None = None) -> JobSpec:
    return next(iter(load(snapshot_of({"jobs/x.yaml": text} | (files or {}))).jobs.values()))


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("../scripts/p.sh", "scripts/p.sh"),
        ("scripts/p.sh", "jobs/scripts/p.sh"),
        ("./scripts/p.sh", "jobs/scripts/p.sh"),
        ("scripts/p.sh", "scripts/p.sh"),
    ],
)
def test_a_script_file_is_put_into_the_job_as_kanades_command_line_does(
    name: str, path: str
) -> None:
    read = job(PROBE.replace("{script_file}", name), {path: SCRIPT})

    text = yaml.safe_load(read.yaml)
    assert read.script_file == path
    assert text["execute"] == {"shell": "sh", "timeout": "1m 30s", "script": SCRIPT}
    assert read.yaml.startswith('# A comment.\nid: probe\nversion: "1"\n')
    assert read.manifest["execute"] == {**text["execute"], "run_as": "system"}


def test_a_script_file_that_could_be_either_of_two_is_refused() -> None:
    files = {"scripts/p.sh": SCRIPT, "jobs/scripts/p.sh": SCRIPT}

    with pytest.raises(InvalidDesiredState, match=r"begin with \./ or \.\./ to say which"):
        job(PROBE.replace("{script_file}", "scripts/p.sh"), files)


def test_kanades_defaults_are_written_out_and_nulls_left_out() -> None:
    read = job(
        "id: a\nversion: '1'\ndescription:\ninventory: null\norigin: {path: old.yaml}\n"
        "execute: {kind: shell, shell: sh, script: 'true', timeout: 5s, cwd: null}\n"
        "check: {name: disk, alert: {title: full, notify_user: true}}\n"
        "client: {name: A, category: b, confirm: false, show_when: {check: disk, is: fail}}\n"
    )

    assert read.manifest == {
        "id": "a",
        "version": "1",
        "execute": {"shell": "sh", "script": "true", "timeout": "5s", "run_as": "system"},
        "require_approval": False,
        "staleness": {"mode": "cached"},
        "check": {
            "name": "disk",
            "status_field": "status",
            "detail_field": "detail",
            "fleet": True,
            "health": True,
            "alert": {
                "title": "full",
                "notify_user": True,
                "on": ["fail"],
                "priority": "warn",
                "require_ack": False,
                "toast": False,
                "email": False,
            },
        },
        "client": {
            "name": "A",
            "category": "b",
            "confirm": {"enabled": False},
            "show_when": {"check": "disk", "is": ["fail"]},
        },
    }


def test_a_manifest_as_kanade_stores_it_is_read() -> None:
    """Captured from a kanade 0.101 backend."""
    stored = (
        '{"id": "install-kanade-backend", "version": "0.101.0", "description": null,'
        ' "execute": {"shell": "sh", "script_object": "deploy-backend/0.101.0",'
        ' "timeout": "300s", "run_as": "system"}, "require_approval": true,'
        ' "inventory": null, "emit": null, "check": null, "staleness": {"mode": "cached"}}'
    )

    read = job(stored)

    assert read.require_approval
    assert read.timeout.total_seconds() == 300


def test_a_key_of_a_newer_kanade_is_mentioned_and_passed_on() -> None:
    files = {
        "jobs/x.yaml": "id: a\nversion: '1'\nwarp_drive: {on: true}\n"
        "execute: {shell: sh, script: 'true', timeout: 5s, quantum: 1}\n"
    }

    desired = load(snapshot_of(files))

    assert desired.notes == (
        "jobs/x.yaml:3:1: key warp_drive is not known here; kanade will judge it",
        "jobs/x.yaml:4:51: key quantum in execute is not known here; kanade will judge it",
    )
    assert next(iter(desired.jobs.values())).manifest["warp_drive"] == {"on": True}
