"""Which refs may be followed; git itself is the judge of what a name may be."""

import subprocess

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reconciler.errors import UsageError
from reconciler.source.refname import RefKind, RefName


@pytest.mark.parametrize(
    ("text", "kind", "full", "shown"),
    [
        ("main", RefKind.BRANCH, "refs/heads/main", "main"),
        ("release/1.2", RefKind.BRANCH, "refs/heads/release/1.2", "release/1.2"),
        ("refs/heads/main", RefKind.BRANCH, "refs/heads/main", "main"),
        ("refs/tags/v1.2.3", RefKind.TAG, "refs/tags/v1.2.3", "v1.2.3"),
        ("", RefKind.HEAD, "HEAD", "HEAD"),
        ("HEAD", RefKind.HEAD, "HEAD", "HEAD"),
        ("größe", RefKind.BRANCH, "refs/heads/größe", "größe"),
    ],
)
def test_a_ref_is_a_branch_or_a_tag(text: str, kind: RefKind, full: str, shown: str) -> None:
    ref = RefName.parse(text)

    assert (kind, full, shown) == (ref.kind, ref.full, str(ref))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("--upload-pack=touch /tmp/x", "ref may not begin with '-'"),
        ("-", "ref may not begin with '-'"),
        ("a b", "may not contain ' '"),
        ("a\nb", "may not contain '\\n'"),
        ("a..b", "may not contain '..'"),
        ("main^{tree}", "may not contain '^'"),
        ("main@{1}", "may not contain '@{'"),
        ("a:b", "may not contain ':'"),
        ("refs/heads/*", "may not contain '*'"),
        ("a\\b", "may not contain '\\\\'"),
        ("a//b", "may not contain '//'"),
        ("/a", "not a name that git allows"),
        ("a/", "not a name that git allows"),
        ("a.", "not a name that git allows"),
        ("@", "not a name that git allows"),
        ("a/.b", "no part may begin with '.'"),
        ("a.lock/b", "or end with '.lock'"),
        ("refs/pull/1/head", "neither a branch nor a tag"),
        ("refs/remotes/origin/main", "neither a branch nor a tag"),
        ("x" * 256, "longer than 255 bytes"),
    ],
)
def test_what_git_could_not_have_is_refused_in_one_line(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        RefName.parse(text)

    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


_ODD = st.text(alphabet="ab/.@{}~^:?*[\\ -\n\x7flock", min_size=1, max_size=12)


@given(_ODD)
@example("a.lock")
@example("a@{b")
def test_no_name_is_taken_that_git_refuses(text: str) -> None:
    try:
        ref = RefName.parse(text)
    except UsageError:
        return

    if ref.kind is not RefKind.HEAD:
        judged = subprocess.run(["git", "check-ref-format", ref.full], check=False)
        assert judged.returncode == 0, ref.full
