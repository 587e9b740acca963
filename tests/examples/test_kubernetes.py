"""The Kubernetes objects fit each other, the settings, and Kubernetes' own schemas."""

import importlib
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.cli.settings import Settings, load_settings

FOLDER = Path(__file__).resolve().parents[2] / "examples/kubernetes"
SECRETS = Path("/run/secrets/kanade-reconciler")

Object = dict[str, Any]  # type: ignore[explicit-any]  # as Kubernetes has it


def objects(text: str) -> Iterator[Object]:
    return (found for found in yaml.safe_load_all(text) if found)


@pytest.fixture(scope="module")
def written() -> dict[str, Object]:
    """Every object by its kind, as it stands in the files that are applied."""
    resources = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["resources"]
    assert {path.name for path in FOLDER.glob("*.yaml")} == {*resources, "kustomization.yaml"}
    texts = ((FOLDER / name).read_text() for name in resources)
    found = [item for text in texts for item in objects(text)]
    kinds = {item["kind"]: item for item in found}
    assert len(kinds) == len(found)
    return kinds


@pytest.fixture(scope="module")
def pod(written: dict[str, Object]) -> Object:
    template: Object = written["Deployment"]["spec"]["template"]["spec"]
    return template


@pytest.fixture(scope="module")
def container(pod: Object) -> Object:
    only: Object
    (only,) = pod["containers"]
    return only


@pytest.fixture(scope="module")
def settings() -> Settings:
    return load_settings(FOLDER / "reconciler.toml", (), {"HOME": "/"})


def test_everything_selects_the_pods(written: dict[str, Object]) -> None:
    labels = written["Deployment"]["spec"]["template"]["metadata"]["labels"]

    assert written["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert written["Service"]["spec"]["selector"] == labels
    assert written["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == labels
    assert written["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels


def test_two_stand_by_each_other_and_one_may_go(written: dict[str, Object]) -> None:
    assert written["Deployment"]["spec"]["replicas"] == 2
    assert written["PodDisruptionBudget"]["spec"]["minAvailable"] == 1


def test_probes_ask_where_the_settings_say_that_it_listens(
    container: Object, settings: Settings, written: dict[str, Object]
) -> None:
    assert settings.serve is not None
    assert container["ports"] == [{"name": "http", "containerPort": settings.serve.port}]
    assert settings.serve.host == "0.0.0.0"
    paths = {
        probe: container[probe]["httpGet"]
        for probe in ("startupProbe", "livenessProbe", "readinessProbe")
    }
    assert {found["port"] for found in paths.values()} == {"http"}
    assert paths["livenessProbe"]["path"] == paths["startupProbe"]["path"] == "/healthz"
    assert paths["readinessProbe"]["path"] == "/readyz"
    assert written["Service"]["spec"]["ports"][0]["targetPort"] == "http"


def test_it_is_restricted_and_asks_nothing_of_kubernetes(pod: Object, container: Object) -> None:
    assert pod["automountServiceAccountToken"] is pod["enableServiceLinks"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_what_is_mounted_is_what_the_settings_read_and_write(
    pod: Object, container: Object, settings: Settings, written: dict[str, Object]
) -> None:
    mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}

    assert {mount["name"] for mount in mounts.values()} == volumes.keys()
    writable = {path for path, mount in mounts.items() if not mount.get("readOnly")}
    assert writable == {str(settings.controller.state_dir), "/tmp"}
    read = {Path(source.name) for source in settings.secrets.values()}
    assert {path.parent for path in read} == {SECRETS}
    assert (
        volumes[mounts[str(SECRETS)]["name"]]["secret"]["secretName"]
        == (written["Secret"]["metadata"]["name"])
    )
    values = written["Secret"]["stringData"]
    assert {path.name for path in read} == values.keys()
    assert set(values.values()) == {"CHANGE-ME"}


def test_it_may_reach_names_nats_and_https_and_nothing_else(written: dict[str, Object]) -> None:
    policy = written["NetworkPolicy"]["spec"]
    names, servers = policy["egress"]

    assert sorted(policy["policyTypes"]) == ["Egress", "Ingress"]
    assert {port["port"] for port in names["ports"]} == {53}
    assert {port["port"] for port in servers["ports"]} == {4222, 443}
    assert all("port" in port for rule in policy["ingress"] for port in rule["ports"])


def rendered() -> str:
    """Return what would be applied."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed: it renders examples/kubernetes")
    words = ("kubectl", "kustomize", str(FOLDER))
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_kubectl_renders_it(settings: Settings) -> None:
    found = {item["kind"]: item for item in objects(rendered())}

    assert len(found) == 7
    pod = found["Deployment"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["image"] == "registry.example.com/kanade-reconciler:0.1.0"
    mounted = next(volume["configMap"] for volume in pod["volumes"] if "configMap" in volume)
    assert mounted["name"] == found["ConfigMap"]["metadata"]["name"]
    assert settings.nats.urls[0] in found["ConfigMap"]["data"]["reconciler.toml"]


def validate(item: Object) -> None:
    """See that Kubernetes' own schema takes *item*, without a field that it does not know."""
    try:
        tool = importlib.import_module("kubernetes_validate")
    except ImportError:
        pytest.skip("kubernetes-validate is not installed: pip install kubernetes-validate")
    tool.validate(item, "1.33", strict=True)


def test_every_object_is_as_kubernetes_own_schemas_want_it(written: dict[str, Object]) -> None:
    for item in written.values():
        validate(item)


def test_what_is_rendered_is_as_kubernetes_own_schemas_want_it() -> None:
    for item in objects(rendered()):
        validate(item)
