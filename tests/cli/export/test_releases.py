"""Drafts of releases, guessed from scripts that name what they install."""

from datetime import timedelta

import yaml

from reconciler.cli.export.live import Live, script_of
from reconciler.cli.export.releases import releases_part
from reconciler.model.digest import Digest
from reconciler.model.identity import HostName, JobId, Json, ObjectRef, Version
from reconciler.model.observed import LiveJob, Observed, Slot
from tests.support.builders import NOON, digest_of, stored

DIGEST = digest_of("the package")
SH = f"#!/bin/sh\nURL=https://me:hunter2@b.example\nVERSION='1.0'\nSHA={DIGEST.hex}\nset -eu\n"
PS1 = f"$Version = '1.0'\r\n$Sha256 = '{DIGEST.hex}'\r\n$AuthToken = 'hunter2'\r\nexit 0\r\n"


def job(name: str, script: str, shell: str = "sh") -> LiveJob:
    execute: Json = {"shell": shell, "script_object": script}
    manifest: dict[str, Json] = {"id": name, "version": "1.0", "execute": execute}
    return LiveJob(id=JobId(name), manifest=manifest, pin=Version("1.0"), revoked=False)


def live(*jobs: LiveJob, script: str = SH, sent_to: tuple[str, ...] = ()) -> Live:
    """Return a kanade with one package, *jobs*, and one text for all their scripts."""
    package = ObjectRef("tool", "1.0")
    refs = sorted(filter(None, map(script_of, jobs)))
    slot = Slot(
        sequence=1,
        at=NOON - timedelta(days=1),
        request_id=None,
        exec_id=None,
        job=jobs[0].id,
        version=None,
        script_sha256=None,
    )
    observed = Observed(
        packages={package: stored(package, DIGEST)},
        scripts={ref: stored(ref, Digest.of(script.encode())) for ref in refs},
        jobs={item.id: item for item in jobs},
        slots={HostName(host): slot for host in sent_to},
    )
    texts = dict.fromkeys(refs, script.encode())
    return Live(observed=observed, texts={}, scripts=texts, schema=None)


def test_what_changes_with_a_release_becomes_knobs() -> None:
    part = releases_part(live(job("install", "deploy/1.0")))

    release = yaml.safe_load(part.files["drafts/releases/tool.yaml"])
    assert release["script"] == {
        "path": "scripts/deploy.sh",
        "object": "deploy",
        "knobs": {"URL": "https://***@b.example", "VERSION": "{version}", "SHA": "{sha256}"},
    }
    assert (
        part.files["drafts/scripts/deploy.sh"] == "#!/bin/sh\nURL=''\nVERSION=''\nSHA=''\nset -eu\n"
    )


def test_a_script_for_windows_keeps_its_ways() -> None:
    part = releases_part(live(job("install", "deploy/1.0", "powershell"), script=PS1))

    release = yaml.safe_load(part.files["drafts/releases/tool.yaml"])
    assert release["script"]["knobs"]["AuthToken"] == {"secret": "authtoken"}
    assert part.files["drafts/scripts/deploy.ps1"].startswith("$Version = ''\r\n")
    (note,) = part.notes
    assert note.startswith("script deploy/1.0: what AuthToken holds is left out; its place is the")


def test_hosts_that_were_sent_the_job_last_are_offered_as_its_targets() -> None:
    part = releases_part(live(job("install", "deploy/1.0"), sent_to=("pc-02", "pc-01")))

    release = yaml.safe_load(part.files["drafts/releases/tool.yaml"])
    assert release["targets"] == {"hosts": ["pc-01", "pc-02"]}


def test_two_jobs_that_install_one_package_are_two_drafts() -> None:
    part = releases_part(live(job("first", "deploy/1.0"), job("second", "deploy-b/1.0")))

    drafts = [yaml.safe_load(text) for name, text in part.files.items() if name.endswith(".yaml")]
    named = [(draft["name"], draft.get("package"), draft["job"]) for draft in drafts]
    assert named == [("tool", None, "first"), ("second", "tool", "second")]


def test_a_script_that_is_no_text_is_told() -> None:
    made = live(job("install", "deploy/1.0"))
    ref = next(iter(made.scripts))
    odd = Live(
        observed=made.observed,
        texts={},
        scripts={ref: b"\xff" + DIGEST.hex.encode()},
        schema=None,
    )

    part = releases_part(odd)

    assert part.files == {}
    refused, lonely = part.notes
    assert refused.startswith(
        "script deploy/1.0: no draft of a release for it: scripts/deploy.sh: "
    )
    assert lonely == "package tool: no job was found that installs it"
