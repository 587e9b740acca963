"""What makes a release another wish, and what does not."""

from pathlib import Path

import pytest

from reconciler.desired.load import load
from reconciler.model.identity import Fingerprint
from tests.support.snapshots import files_below, snapshot_of

BASE = files_below(Path(__file__).parents[1] / "bad_inputs" / "base")


def fingerprint(*edits: tuple[str, str, str], folder: str = "") -> Fingerprint:
    files = dict(BASE)
    for file, old, new in edits:
        assert old in files[file].decode()
        files[file] = files[file].decode().replace(old, new, 1).encode()
    desired = load(snapshot_of(files, folder=folder))
    return next(release for release in desired.releases if release.name == "tool").fingerprint


T, J, H, S = "releases/tool.yaml", "jobs/install-tool.yaml", "hosts/fleet.yaml", "scripts/deploy.sh"


def test_it_is_the_same_for_ever() -> None:
    """Another value here means that every host of every user is installed again."""
    assert fingerprint() == "b5f1750e528d5c1716701e82c15aba291c980873b6b52a85c25ad0052c369772"


@pytest.mark.parametrize(
    "edit",
    [
        (T, "name: tool\n", "name: tool\npackage: tool2\n"),
        (T, "http://tool.example", "http://tool2.example"),
        (T, "secret: tool-token", "secret: another-token"),
        (T, "SOURCE_TOKEN: {secret: tool-token}", "SOURCE_TOKEN: ''"),
        (S, "echo", "printf '%s\\n'"),
        (S, "# Installs tool.", "# Installs the tool."),
        (T, "object: deploy-tool", "object: deploy-tool2"),
        (J, "timeout: 300s", "timeout: 301s"),
        (J, "require_approval: true", "require_approval: false"),
        (T, "[pc-01, pc-02]", "[pc-01]"),
        (T, "every: 12h", "every: 13h"),
        (T, "soak: 5m", "soak: 6m"),
        (T, "soak: 5m", "max_failures: 5%"),
        (T, "soak: 5m", "soak: 5m\n  progress_deadline: 1h"),
        (T, "hosts: 1}", "hosts: 1, offline: {rule: wait}}"),
        (T, "suspend: false", "approval: {hosts: pinned}"),
    ],
)
def test_what_changes_the_wish_changes_it(edit: tuple[str, str, str]) -> None:
    edits = [edit]
    if "deploy-tool2" in edit[2]:
        edits.append((J, "deploy-tool/", "deploy-tool2/"))

    assert fingerprint(*edits) != fingerprint()


@pytest.mark.parametrize(
    "edit",
    [
        (T, "apiVersion", "# A comment.\napiVersion"),
        (T, "soak: 5m", "soak: 300s"),
        (T, "[pc-01, pc-02]", "[pc-02, pc-01]"),
        (T, "name: tool\n", "name: tool\npackage: tool\n"),
        (T, "suspend: false", "suspend: true"),
        (T, "suspend: false", "allow_downgrade: true"),
        (T, "suspend: false", "adopt: true"),
        (T, "suspend: false", "drift: report"),
        (T, "suspend: false", "prune: {keep_versions: 9}"),
        (T, "suspend: false", "approval: {required: 2}"),
        (T, "suspend: false", "windows: [{allow: '0 1 * * *', duration: 1h}]"),
        (T, "suspend: false", "yanked: ['1.0']"),
        (T, "depends_on: []", "depends_on: [other]"),
        (T, "  max_in_flight: 5", "  on_failure: hold\n  max_in_flight: 5"),
        (J, 'version: "1.2.3"\n', ""),
        (J, "  script_object: deploy-tool/1.2.3\n", ""),
        (J, "  run_as: system\n", ""),
        (J, "id:", "origin: {path: x}\nid:"),
        (J, "id:", "description:\nid:"),
        (H, 'ring: "0"', 'ring: "7"'),
        (H, "name: pc-01", "name: pc-09}\n  - {name: pc-01"),
    ],
)
def test_what_does_not_change_the_wish_does_not(edit: tuple[str, str, str]) -> None:
    assert fingerprint(edit) == fingerprint()


def test_it_does_not_depend_on_where_the_desired_state_is() -> None:
    assert fingerprint(folder="fleet/production") == fingerprint()


def test_pinned_hosts_are_a_part_of_it() -> None:
    pinned = (T, "suspend: false", "approval: {hosts: pinned}")
    labelled = (T, "  hosts: [pc-01, pc-02]", '  labels: {ring: "0"}')
    joined = (H, "name: pc-01,", 'name: pc-09, labels: {ring: "0"}}\n  - {name: pc-01,')

    assert fingerprint(pinned, labelled, joined) != fingerprint(pinned, labelled)
    assert fingerprint(labelled, joined) == fingerprint(labelled)


def test_the_version_that_a_service_has_to_tell_is_a_part_of_it() -> None:
    url = "http://{host}:8080"
    health = (T, "every: 12h}", f"every: 12h}}\n  http: {{url: '{url}/health'}}")
    both = f"url: '{url}/health', version_url: '{url}/api/version'"

    told = fingerprint((T, "every: 12h}", f"every: 12h}}\n  http: {{{both}}}"))

    assert told != fingerprint(health)
