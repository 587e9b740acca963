"""`export`: what is live becomes files that have nothing to do, and drafts with the reason."""

import asyncio
import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Office
from tests.cli.test_adopt import messages
from tests.cli.test_printed import file_of, printed
from tests.support.catalogue import ByHand, group, register, store
from tests.support.command_line import Done
from tests.support.golden import assert_same
from tests.support.streams import connected

PACKAGE = b"the backend, version 0.43.0\n" * 50
DIGEST = sha256(PACKAGE).hexdigest()
CLEANUP = """\
# Frees disk space. Mind the nightly backup!
id: cleanup
version: "3"   # bumped when the paths change
execute:
  shell: sh
  timeout: 60s
  run_as: system
  script: |
    rm -rf /tmp/old   # never more than this
"""
INSTALL = """\
id: install-kanade-backend
version: "0.43.0"
execute: {shell: sh, script_object: deploy-backend/0.43.0, timeout: 300s, run_as: system}
"""
DEPLOY = f"""\
#!/bin/sh
AGENT_SOURCE_URL='http://backend-01:8080'
AGENT_SOURCE_VERSION='0.43.0'
AGENT_SOURCE_SHA256='{DIGEST}'
AGENT_SOURCE_AUTH_TOKEN='hunter2-viewer'
set -eu
curl -H "Authorization: Bearer $AGENT_SOURCE_AUTH_TOKEN" "$AGENT_SOURCE_URL"
"""


def fill(
    office: Office,
    jobs: Mapping[str, ByHand],
    groups: Mapping[str, list[str]] | None = None,
    *,
    stored: bool = False,
) -> None:
    async def put() -> None:
        async with connected(office.nats_url) as connection:
            await register(connection, jobs)
            await group(connection, groups or {})
            if stored:
                await store(connection, "app_packages", "kanade-backend/0.43.0", PACKAGE)
                await store(connection, "app_packages", "agent-tool/1.0.0", b"a tool")
                await store(connection, "scripts", "deploy-backend/0.43.0", DEPLOY.encode())

    asyncio.run(put())


def export(office: Office, *words: str) -> tuple[Done, dict[str, str]]:
    """Export at once, and return what it said with the files it wrote."""
    folder = office.folder / "exported"
    done = office.call("export", str(folder), "--listen", "0", *words)
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return done, {str(path.relative_to(folder)): path.read_text() for path in found}


def commit(office: Office, files: Mapping[str, str]) -> None:
    office.repository.commit(dict(files), message="Begin with what is there")


@pytest.fixture
def grown(kanade: Office) -> Office:
    """A kanade that people have kept by hand: good jobs, bad ones, a package and hosts."""
    fill(
        kanade,
        {
            "cleanup": ByHand(text=CLEANUP),
            "install-kanade-backend": ByHand(text=INSTALL),
            "edited": ByHand(
                text="# lost\n" + CLEANUP.replace("id: cleanup", "id: edited"),
                manifest=json.dumps({**yaml.safe_load(CLEANUP), "id": "edited", "tags": ["new"]}),
            ),
            "garbled": ByHand(text=CLEANUP.replace("id: cleanup", "id: garbled"), manifest="{"),
            "nightly": ByHand(text=CLEANUP.replace("cleanup", "nightly"), status="REVOKED"),
            "of/a/path": ByHand(text=CLEANUP.replace("id: cleanup", "id: of/a/path")),
            "pinned": ByHand(text=CLEANUP.replace("id: cleanup", "id: pinned"), pin="2"),
            "secretive": ByHand(
                text=CLEANUP.replace("id: cleanup", "id: secretive").replace(
                    "rm -rf", "API_TOKEN=hunter2-admin rm -rf"
                )
            ),
            "theirs": ByHand(
                text=CLEANUP.replace("id: cleanup", "id: theirs")
                + "origin: {repo: 'https://git.example/theirs.git', path: jobs/theirs.yaml}\n"
            ),
        },
        {"backend-01": ["canary"], "PC-7": [], "no=such=name": ["canary"]},
        stored=True,
    )
    return kanade


def test_what_is_exported_is_valid_and_has_nothing_to_do(grown: Office) -> None:
    done, files = export(grown)
    commit(grown, files)

    assert (done.code, [name for name in files if name.startswith("jobs/")]) == (
        0,
        ["jobs/cleanup.yaml", "jobs/edited.yaml", "jobs/install-kanade-backend.yaml"],
    )
    assert grown.call("validate", str(grown.folder / "exported")).code == 0
    planned = grown.call("plan")
    assert (planned.code, planned.out.splitlines()[-1]) == (0, "nothing to do now")
    assert grown.call("diff").out == "no difference\n"


def test_what_becomes_ours_is_part_of_the_plan_as_data(grown: Office) -> None:
    _, files = export(grown)
    commit(grown, files)

    done = grown.call("plan", "-o", "json")

    planned = json.loads(done.out)["plan"]
    assert (done.code, planned["steps"]) == (0, [])
    assert sorted(planned["claims"]) == ["cleanup", "edited", "install-kanade-backend"]


def test_nothing_is_changed_in_kanade_then_or_by_what_follows(grown: Office) -> None:
    before = asyncio.run(messages(grown))
    _, files = export(grown)
    commit(grown, files)

    done = grown.call("apply")

    assert (done.code, asyncio.run(messages(grown))) == (0, before)


def test_after_a_pass_git_is_what_counts(grown: Office) -> None:
    _, files = export(grown)
    commit(grown, files)
    grown.call("apply")
    commit(grown, {**files, "jobs/cleanup.yaml": files["jobs/cleanup.yaml"].replace('"3"', '"4"')})

    planned, done = grown.call("plan"), grown.call("apply")

    assert "~ register job cleanup 4" in planned.out
    assert done.code == 0, done
    assert grown.call("plan").code == 0


def test_a_job_keeps_its_comments(grown: Office) -> None:
    _, files = export(grown)

    assert files["jobs/cleanup.yaml"] == CLEANUP


def test_a_job_whose_yaml_is_another_is_written_from_its_manifest(grown: Office) -> None:
    done, files = export(grown)

    assert yaml.safe_load(files["jobs/edited.yaml"])["tags"] == ["new"]
    assert "note: job edited: without its comments, as its YAML in kanade is not" in done.err


def test_hosts_carry_their_groups(grown: Office) -> None:
    done, files = export(grown)

    assert yaml.safe_load(files["hosts/fleet.yaml"])["hosts"] == [
        {"name": "PC-7"},
        {"name": "backend-01", "labels": {"group.canary": "true"}},
    ]
    assert "note: host no=such=name: its name is no pc id: left out" in done.err


def test_no_secret_gets_out(grown: Office) -> None:
    done, files = export(grown)

    assert "hunter2" not in "".join([done.out, done.err, *files.values()])
    assert "AGENT_SOURCE_AUTH_TOKEN=''" in files["drafts/scripts/deploy-backend.sh"]
    assert "Bearer $AGENT_SOURCE_AUTH_TOKEN" in files["drafts/scripts/deploy-backend.sh"]
    assert "API_TOKEN=*** rm -rf" in files["drafts/jobs/secretive.yaml"]


def test_a_draft_of_a_release_becomes_one_when_its_hosts_are_named(grown: Office) -> None:
    _, files = export(grown)
    draft = files["drafts/releases/kanade-backend.yaml"].replace("hosts: []", "hosts: [PC-7]")
    script = files["drafts/scripts/deploy-backend.sh"]
    moved = {"releases/kanade-backend.yaml": draft, "scripts/deploy-backend.sh": script}
    settings = grown.config.read_text()
    grown.config.write_text(f'{settings}agent-source-auth-token = {{ env = "DESK_VIEWER" }}\n')
    commit(grown, {**files, **moved})

    planned = grown.call("plan", DESK_VIEWER="hunter2-viewer")

    assert "# kanade's groups: groups: [canary]" in draft
    assert "kanade-backend 0.43.0: 0 of 1 hosts proved" in planned.out, planned
    assert "publish" not in planned.out, "package and script are there, byte for byte"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("garbled", "its manifest in kanade cannot be read"),
        ("nightly", "a person has revoked it in kanade: unrevoke it there"),
        ("of_a_path", 'id "of/a/path" does not match'),
        ("pinned", "script_current says 2, so that no host runs it"),
        ("secretive", "a secret seems to stand in line 8 of it"),
        ("theirs", "it is managed from https://git.example/theirs.git, jobs/theirs.yaml"),
    ],
)
def test_what_cannot_be_in_force_is_a_draft_that_says_why(
    grown: Office, name: str, why: str
) -> None:
    _, files = export(grown)

    assert f"# A draft: {why}" in files[f"drafts/jobs/{name}.yaml"]


def test_a_job_that_nothing_can_be_read_of_is_only_told(kanade: Office) -> None:
    fill(kanade, {"cleanup": ByHand(text=CLEANUP), "ruin": ByHand(text=None, manifest="[]")})

    done, files = export(kanade)

    assert "note: job ruin: its manifest in kanade cannot be read: left out\n" in done.err
    assert list(files) == ["jobs/cleanup.yaml"]


def test_an_empty_kanade_is_no_desired_state(kanade: Office) -> None:
    done, files = export(kanade)

    assert (done.code, done.out, files) == (4, "", {})
    assert done.err == (
        "error: kanade has no jobs and knows no hosts: there is nothing to export; "
        "begin with: reconciler init\n"
    )


def test_hosts_without_jobs_are_written_and_what_they_lack_is_told(kanade: Office) -> None:
    fill(kanade, {}, {"backend-01": []})

    done, files = export(kanade)

    assert (done.code, list(files)) == (0, ["hosts/fleet.yaml"])
    assert "note: .: desired state is empty: refused; expected releases/*.yaml or" in done.err


def test_a_folder_with_something_in_it_is_left_alone(grown: Office) -> None:
    (grown.folder / "exported").mkdir()
    (grown.folder / "exported" / "mine.txt").write_text("mine")

    refused, files = export(grown)
    forced, more = export(grown, "--force")

    assert refused.code == 2
    assert refused.err.startswith(f"error: {grown.folder}/exported: there is mine.txt in it")
    assert list(files) == ["mine.txt"]
    assert (forced.code, more["mine.txt"]) == (0, "mine")
    assert "jobs/cleanup.yaml" in more


def test_a_fresh_repository_may_be_filled(grown: Office) -> None:
    (grown.folder / "exported" / ".git").mkdir(parents=True)

    done, files = export(grown)

    assert done.code == 0
    assert "jobs/cleanup.yaml" in files


def test_a_link_is_replaced_and_not_followed(grown: Office, tmp_path: Path) -> None:
    secret = tmp_path / "elsewhere"
    secret.write_text("mine")
    (grown.folder / "exported" / "jobs").mkdir(parents=True)
    (grown.folder / "exported" / "jobs" / "cleanup.yaml").symlink_to(secret)

    _, files = export(grown, "--force")

    assert (secret.read_text(), files["jobs/cleanup.yaml"]) == ("mine", CLEANUP)


def test_a_file_in_the_place_of_the_folder_is_refused(grown: Office) -> None:
    (grown.folder / "exported").write_text("")

    done = grown.call("export", str(grown.folder / "exported"), "--listen", "0")

    assert (done.code, "exported' is a file." in done.err) == (2, True)


def test_a_backend_that_is_down_is_told_and_the_rest_is_written(grown: Office) -> None:
    settings = grown.config.read_text()
    grown.config.write_text(f'{settings}[backend]\nurl = "http://127.0.0.1:9"\n')

    done, files = export(grown)

    assert done.code == 0
    assert done.err.startswith("note: backend http://127.0.0.1:9: GET /api/agents: ")
    assert "jobs/cleanup.yaml" in files


@pytest.mark.usefixtures("nobody_there")
def test_a_server_that_is_down_leaves_nothing_behind(office: Office) -> None:
    done = office.call(
        "--set", "nats.url=nats://127.0.0.1:9", "export", str(office.folder / "exported")
    )

    assert done.code == 4
    assert not (office.folder / "exported").exists()


def test_a_server_without_kanade_leaves_nothing_behind(office: Office) -> None:
    done, files = export(office)

    assert (done.code, files) == (4, {})
    assert "EXEC" in done.err


@pytest.mark.parametrize("columns", [80, 120])
def test_what_is_printed(grown: Office, columns: int) -> None:
    text = printed(grown, f"export {grown.folder}/exported --listen 0", columns)

    assert_same(text, file_of("export", f"-{columns}"))


def test_what_is_drafted(grown: Office) -> None:
    _, files = export(grown)

    drafts = ("drafts/releases/kanade-backend.yaml", "drafts/jobs/pinned.yaml")
    assert_same(
        "".join(f"=== {name}\n{files[name]}" for name in drafts), file_of("export-drafts", "")
    )
