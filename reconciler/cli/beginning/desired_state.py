"""The first desired state: our own sample, filled in."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from reconciler.cli.beginning.answers import Answers
from reconciler.cli.data import data_folder
from reconciler.desired.edit import set_values
from reconciler.desired.edit_spelling import Change, Replacement, spell_scalar
from reconciler.errors import UsageError

RELEASE = "kanade-backend"
_NO_DIGEST = "0" * 64
_SUFFIXES = {"sh": ".sh", "powershell": ".ps1"}
_KNOBS = {
    "sh": (
        "AGENT_SOURCE_URL",
        "AGENT_SOURCE_VERSION",
        "AGENT_SOURCE_SHA256",
        "AGENT_SOURCE_AUTH_TOKEN",
    ),
    "powershell": (
        "AgentSourceUrl",
        "AgentSourceVersion",
        "AgentSourceSha256",
        "AgentSourceAuthToken",
    ),
}
_SUSPENDED = """\
# Nothing is sent while this stands here: the sha256 above is none. Say what is installed today by
#   reconciler bump {release} {version} --artifact FILE
# and take the next line out.
suspend: true
"""


def state_files(answers: Answers) -> Mapping[str, str]:
    """Return the files of a desired state, by their path in its folder.

    Raises:
        UsageError: the artifact cannot be read.
    """
    suffix = _SUFFIXES[answers.shell]
    scripts = (f"scripts/deploy-backend{suffix}", f"scripts/probe-backend{suffix}")
    install, probe = f"jobs/install-{RELEASE}.yaml", f"jobs/version-{RELEASE}.yaml"
    shell: dict[tuple[str, ...], Change] = {("execute", "shell"): answers.shell}
    script_file: dict[tuple[str, ...], Change] = {("execute", "script_file"): f"../{scripts[1]}"}
    return {
        "hosts/fleet.yaml": _hosts(answers),
        f"releases/{RELEASE}.yaml": _release(answers, scripts[0]),
        install: set_values(_sample(install), shell),
        probe: set_values(_sample(probe), {**shell, **script_file}),
        **{name: _sample(name) for name in scripts},
    }


def artifact_root(answers: Answers, folder: Path) -> Path:
    """Return the folder that artifacts are taken from."""
    found = answers.artifact
    return found.resolve().parent if found is not None else folder / "builds"


def _sample(name: str) -> str:
    """Return a file of the sample, without what only an editor of ours finds there."""
    text = (data_folder("desired-state") / name).read_text("utf-8")
    head, line, rest = text.partition("\n")
    return rest if head.startswith("# yaml-language-server:") else f"{head}{line}{rest}"


def _hosts(answers: Answers) -> str:
    machine = ", machine: this-one" if answers.one_machine else ""
    lines = [
        f"  - {{name: {spell_scalar(host)}, labels: {{role: backend{machine}}}}}\n"
        for host in answers.hosts
    ]
    return "".join(["apiVersion: kanade-reconciler/v1\nkind: Hosts\nhosts:\n", *lines])


def _release(answers: Answers, script: str) -> str:
    url, version, sha256, token = _KNOBS[answers.shell]
    artifact = answers.artifact
    knobs: dict[str, Replacement] = {
        url: answers.source_url,
        version: "{version}",
        sha256: "{sha256}",
        token: {"secret": "backend-token"},
    }
    changes: dict[tuple[str, ...], Change] = {
        ("version",): answers.version,
        ("artifact", "file"): artifact.name if artifact is not None else RELEASE,
        ("artifact", "sha256"): _sha256(artifact) if artifact is not None else _NO_DIGEST,
        ("script", "path"): script,
    }
    if answers.shell == "sh":
        changes["script", "knobs", url] = answers.source_url
    else:
        changes["script", "knobs"] = knobs
    text = set_values(_sample(f"releases/{RELEASE}.yaml"), changes)
    if answers.loopback:
        text = text.replace("  object: deploy", "  allow_loopback: true\n  object: deploy")
    suspended = _SUSPENDED.format(release=RELEASE, version=answers.version)
    return text if artifact is not None else text + suspended


def _sha256(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}") from error
