"""Every example, and our own sample, is what it claims to be: valid, and planned."""

import tomllib
from pathlib import Path

import pytest

from reconciler.cli.settings import ProxySettings, load_settings
from reconciler.cli.working_tree import snapshot_of_folder
from reconciler.desired.load import load
from reconciler.model.identity import HostName
from reconciler.model.observed import Observed, Rendered
from reconciler.plan.planner import plan
from reconciler.plan.terms import Terms
from tests.support import builders
from tests.support.builders import NOON

_ROOT = Path(__file__).resolve().parents[1]
_FOLDERS = sorted(path.parent for path in (_ROOT / "examples").glob("*/desired-state"))


@pytest.mark.parametrize(
    "state", [*(f / "desired-state" for f in _FOLDERS), _ROOT / "desired-state"]
)
def test_a_desired_state_is_valid_without_a_note_and_asks_for_something(state: Path) -> None:
    desired = load(snapshot_of_folder(state))

    assert desired.notes == ()
    online = builders.online(*desired.hosts)
    rendered = {
        (item.name, item.fingerprint): Rendered(digest=builders.digest_of("script"), size_bytes=1)
        for item in desired.releases
    }
    found = plan(desired, Observed(hosts=online, rendered=rendered), NOON, Terms())
    targeted = {view.host for views in found.hosts.values() for view in views}
    assert set(map(HostName, desired.hosts)) == targeted
    assert found.steps or found.deferred


@pytest.mark.parametrize("folder", _FOLDERS, ids=lambda folder: folder.name)
def test_an_examples_settings_can_be_used(folder: Path, tmp_path: Path) -> None:
    settings = load_settings(folder / "reconciler.toml", (), {"HOME": str(tmp_path)})

    assert settings.source.url is not None
    assert tomllib.loads((folder / "reconciler.toml").read_text())["source"]["folder"] == (
        f"examples/{folder.name}/desired-state"
    )


def test_the_proxy_before_the_page_is_the_one_that_is_trusted(tmp_path: Path) -> None:
    folder = _ROOT / "examples" / "page"
    serve = load_settings(folder / "reconciler.toml", (), {"HOME": str(tmp_path)}).serve
    proxy = tomllib.loads((folder / "oauth2-proxy.cfg").read_text())

    assert serve is not None
    assert serve.proxy == ProxySettings(trusted=("127.0.0.1",), header="X-Forwarded-Email")
    assert proxy["upstreams"] == [f"http://{serve.host}:{serve.port}"]
    assert proxy["pass_user_headers"]
    assert serve.behind_proxy


def test_the_readmes_settings_can_be_used(tmp_path: Path) -> None:
    text = (_ROOT / "README.md").read_text()
    block = text.split("```toml\n", 1)[1].split("```", 1)[0]
    file = tmp_path / "reconciler.toml"
    file.write_text(block)

    assert load_settings(file, (), {"HOME": str(tmp_path)}).backend is not None
