"""Which labels agree with a version, and which do not."""

import pytest

from reconciler.apply.label import check_label
from reconciler.errors import ArtifactRefused
from reconciler.model.identity import PackageName, Version


@pytest.mark.parametrize(
    ("version", "stated"),
    [
        ("1.2.3", None),
        ("1.2.3", "1.2.3"),
        ("1.2.3", "1.2.3.0"),
        ("1.2.3.0", "1.2.3"),
        ("1.2.3", "1.2.3+abcdef"),
        ("1.2.3-rc.1", "1.2.3-rc.1"),
        ("2024.1", "2024.1"),
        ("1.2", "1.2.0.0"),
        ("1.2.3-rc.1", "1.2.3.0"),
        ("1.2.3-rc.1+build", "1.2.3-rc.1"),
    ],
)
def test_a_label_that_agrees_is_taken(version: str, stated: str | None) -> None:
    check_label(PackageName("tool"), Version(version), None if stated is None else Version(stated))


@pytest.mark.parametrize(
    ("version", "stated"),
    [
        ("1.2.3", "1.2.4"),
        ("1.2.3", "1.2.3.1"),
        ("1.2", "1.2.1"),
        ("12", "1.2"),
        ("1.10", "1.1"),
        ("1.2.3", "1.2.3-rc.1"),
        ("1.2.3-rc.1", "1.2.3"),
        ("1.2.3-rc.1", "1.2.4.0"),
    ],
)
def test_a_label_that_does_not_agree_is_refused(version: str, stated: str) -> None:
    with pytest.raises(ArtifactRefused) as caught:
        check_label(PackageName("tool"), Version(version), Version(stated))

    assert str(caught.value) == (
        f"tool: the binary says it is {stated}, the release says {version}: build it again, or "
        "correct the version"
    )
