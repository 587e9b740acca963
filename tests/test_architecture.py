"""What holds for the source as a whole, and import-linter cannot say."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.desired.schemas import Kind, schema_of

ROOT = Path(__file__).parents[1]
MODULES = sorted((ROOT / "reconciler").rglob("*.py"))
MOST_LINES = 300
SPELLED_OTHERWISE = {
    "gitpython": "git",
    "nats_py": "nats",
    "opentelemetry_exporter_otlp_proto_http": "opentelemetry",
    "opentelemetry_sdk": "opentelemetry",
    "pyyaml": "yaml",
}
ELSEWHERE = re.compile(
    "|".join(
        (
            # Written apart, or this file would be the first to be found.
            r"(?<![\w.])/(?:work|root)" + "/",
            "pypi" + r"\.org",
            "pythonhosted" + r"\.org",
            "static.crates" + r"\.io",
            "index.crates" + r"\.io",
            "proxy.golang" + r"\.org",
            "registry.npmjs" + r"\.org",
        )
    )
)


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def tracked() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("an unpacked archive says not what belongs to it")
    names = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files", "-z"], capture_output=True, check=True
    ).stdout.decode()
    return [ROOT / name for name in names.split("\0") if name and (ROOT / name).is_file()]


def imported(path: Path) -> Iterator[str]:
    """Yield the first word of everything that the module imports, wherever in it."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.partition(".")[0]


def declared() -> set[str]:
    """Return the modules of what the project says that it needs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"].values()
    needs = [*project["dependencies"], *(need for extra in extras for need in extra)]
    found = {re.split(r"[\[<>=~! ]", need)[0].lower().replace("-", "_") for need in needs}
    return {SPELLED_OTHERWISE.get(name, name) for name in found}


def test_no_module_is_longer_than_one_idea() -> None:
    lengths = {name_of(path): len(path.read_text("utf-8").splitlines()) for path in MODULES}

    assert [name for name, length in lengths.items() if length > MOST_LINES] == []


def test_every_module_says_what_it_is() -> None:
    assert [name_of(path) for path in MODULES if not ast.get_docstring(tree_of(path))] == []


def test_everything_that_is_imported_is_declared() -> None:
    known = declared() | set(sys.stdlib_module_names) | {"reconciler"}

    strangers = {name_of(path): set(imported(path)) - known for path in MODULES}

    assert {name: found for name, found in strangers.items() if found} == {}


def test_nothing_names_a_place_that_others_do_not_have() -> None:
    named = []
    for path in tracked():
        text = path.read_bytes().decode("utf-8", "replace")
        named += [f"{name_of(path)}: {found[0]}" for found in ELSEWHERE.finditer(text)]

    assert named == []


def test_a_test_stands_where_its_module_does() -> None:
    folders = {name_of(path.parent) for path in (ROOT / "tests").rglob("test_*.py")}
    packages = {path.name for path in (ROOT / "reconciler").iterdir() if path.is_dir()}

    ours = {folder.split("/")[1] for folder in folders if "/" in folder}

    assert ours - packages <= {
        "bad_inputs",
        "contract",
        "contract_ports",
        "docs",
        "e2e",
        "examples",
        "scripts",
        "simulation",
    }


def test_the_schemas_are_those_that_are_validated_with() -> None:
    files = {path.name for path in (ROOT / "schemas").iterdir()}

    assert files == {f"{kind.value}.schema.json" for kind in Kind}
    for kind in Kind:
        assert schema_of(kind)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
