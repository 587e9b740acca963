"""Whatever a commit holds, it is read or refused: never an accident, and never for long."""

import time
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.desired.load import load
from reconciler.errors import InvalidDesiredState
from reconciler.model.desired import Desired
from reconciler.model.snapshot import Snapshot
from tests.support.snapshots import files_below, snapshot_of

BASE = files_below(Path(__file__).parents[1] / "bad_inputs" / "base")
PATHS = sorted(path for path in BASE if path.endswith((".yaml", ".sh", ".ps1")))
PIECES = sorted(
    {word for path in PATHS for word in BASE[path].decode().split()}
    | {"{}", "[]", "''", "~", "-", ":", "\n", "  ", "{version}", "[a, b]", "1.10", "no", "\t"}
)


def outcome(snapshot: Snapshot) -> Desired | list[str]:
    try:
        return load(snapshot)
    except InvalidDesiredState as refused:
        return str(refused).splitlines()


@st.composite
def scribbles(draw: st.DrawFn) -> dict[str, bytes]:
    """The base with some of its words replaced, dropped or doubled."""
    files = dict(BASE)
    for path in draw(st.lists(st.sampled_from(PATHS), min_size=1, max_size=3)):
        text = files[path].decode(errors="replace")
        words = sorted(set(text.split()))
        for _ in range(draw(st.integers(1, 3))):
            old = draw(st.sampled_from(words)) if words else ""
            text = text.replace(old, draw(st.sampled_from(PIECES) | st.text(max_size=8)), 1)
        files[path] = text.encode(errors="replace")
    return files


@settings(max_examples=80)
@given(scribbles())
def test_a_scribbled_revision_is_read_or_refused_line_by_line(files: dict[str, bytes]) -> None:
    result = outcome(snapshot_of(files))

    if isinstance(result, list):
        assert result
        assert all(line.partition(": ")[0].startswith(tuple(files)) for line in result)
        assert all(line.isprintable() for line in result)


@settings(max_examples=60)
@given(
    st.dictionaries(
        st.sampled_from([*PATHS, "hosts/x.yml", "jobs/x.yaml"]) | st.text(max_size=12),
        st.binary(max_size=80) | st.text(max_size=80).map(lambda text: text.encode()),
        max_size=4,
    )
)
def test_any_files_are_read_or_refused(files: dict[str, bytes]) -> None:
    assert outcome(snapshot_of(files))
    assert outcome(snapshot_of(BASE | files))


@settings(max_examples=10)
@given(st.permutations(sorted(BASE)))
def test_the_order_of_files_means_nothing(order: list[str]) -> None:
    assert load(snapshot_of({path: BASE[path] for path in order})) == load(snapshot_of(BASE))


def test_a_fleet_of_thousands_of_hosts_is_read_in_seconds() -> None:
    """Measured at 0.3 s, and 1.1 s for 10,000; loose, since other work shares the machine."""
    head = "apiVersion: kanade-reconciler/v1\nkind: Hosts\nhosts:\n"
    line = "- {{name: host-{0}, labels: {{role: backend, ring: '{1}'}}}}\n"
    hosts = head + "".join(line.format(number, number % 7) for number in range(3_000))
    began = time.process_time()

    desired = load(snapshot_of(BASE | {"hosts/many.yaml": hosts.encode()}))

    assert len(desired.hosts) == 3_003
    assert time.process_time() - began < 5


def test_many_faults_are_told_in_seconds() -> None:
    wrong = "  - {nme: x, labels: {a: 1, b: no}}\n" * 5_000
    hosts = f"apiVersion: kanade-reconciler/v1\nkind: Hosts\nhosts:\n{wrong}"
    names = ", ".join(f"hots-{number}" for number in range(5_000))
    release = BASE["releases/tool.yaml"].decode().replace("pc-01, pc-02", names)
    began = time.process_time()

    result = outcome(
        snapshot_of(
            BASE | {"hosts/many.yaml": hosts.encode(), "releases/tool.yaml": release.encode()}
        )
    )

    assert isinstance(result, list)
    assert time.process_time() - began < 8
