"""Commits that cannot be meant, from git to the exit code: one line each, and nothing is begun."""

import asyncio
from collections.abc import Mapping

import pytest

from reconciler.jetstream.kv import Bucket
from reconciler.model.digest import Digest
from tests.cli.conftest import Office
from tests.source.repository import File
from tests.support import small_fleet
from tests.support.streams import connected, subjects

GOOD = small_fleet.files("1.0.0")
RELEASE = str(GOOD["releases/tool.yaml"])
Files = Mapping[str, str | bytes | File]


async def stored(url: str) -> dict[str, int]:
    """Return what is in all of kanade's places that we write to."""
    found: dict[str, int] = {}
    async with connected(url) as connection:
        for stream in ("OBJ_app_packages", "OBJ_scripts", "KV_jobs", "KV_script_current", "EXEC"):
            found |= await subjects(connection, stream)
    return found


@pytest.mark.parametrize(
    ("files", "line"),
    [
        (
            {"releases/tool.yaml": RELEASE + "yanked: &a ['9.1', &a '9.2', *a, *a]\n"},
            "releases/tool.yaml:14:9: YAML anchors and aliases are not allowed",
        ),
        (
            {"releases/x.yaml": File(b"/etc/passwd", "120000")},
            "releases/x.yaml: symbolic links are not allowed (mode 120000)",
        ),
        (
            {"releases/x.yaml": b"a" * 2_000_000},
            "releases/x.yaml: 2,000,000 bytes; at most 1,048,576 are read",
        ),
        ({"releases/x.yaml": ""}, "releases/x.yaml:1:1: file is empty"),
        (
            {"releases/x.yaml": "a\nb\n".encode("utf-16")},
            "releases/x.yaml:1:1: not valid UTF-8 at byte 1: this is UTF-16; save it as UTF-8",
        ),
        (
            {"releases/x.yaml": "# caf\u00e9\nname: x\n".encode("latin-1")},
            "releases/x.yaml:1:6: not valid UTF-8 at byte 6; save it as UTF-8",
        ),
        (
            {"releases/tool.yaml": RELEASE + "yanked: !!set {1.1}\n"},
            'releases/tool.yaml:14:9: tag "!!set" is not allowed; leave it out',
        ),
        (
            {"releases/tool.yaml": RELEASE + "suspend: !!python/object/apply:os.system [id]\n"},
            (
                'releases/tool.yaml:14:10: tag "!!python/object/apply:os.system" is not allowed; '
                "leave it out"
            ),
        ),
        (
            {"releases/tool.yaml": RELEASE.replace("{version}", "{tokn}")},
            (
                "releases/tool.yaml:9:20: unknown placeholder 'tokn'; known are name, package, "
                "sha256, version"
            ),
        ),
        (
            {"releases/tool.yaml": RELEASE.replace("{version}", "{{version}}")},
            (
                "releases/tool.yaml:9:20: {{version}} is not understood; write {version}, with "
                "single braces"
            ),
        ),
        ({"jobs/CON.yaml": "id: x"}, "jobs/CON.yaml: the name is a device on Windows; rename it"),
        (
            {"artifacts/tool": b"other bytes"},
            (
                "releases/tool.yaml:5:42: artifacts/tool has sha256 a3ead5eedad5df82318c51685dbc1c"
                "147a36d1ff8584fc82de6b08d0bf63a795; correct one of them"
            ),
        ),
        (
            {"releases/tool.yaml": RELEASE.replace('"1.0.0"', "1.10")},
            (
                "releases/tool.yaml:4:10: version must be a string; 1.10 would be read as the "
                'number 1.1: write "1.10"'
            ),
        ),
    ],
)
def test_a_bad_commit_is_told_in_a_line(kanade: Office, files: Files, line: str) -> None:
    kanade.repository.commit({**GOOD, **files})

    done = kanade.call("validate")

    assert (done.code, done.out) == (2, "")
    assert done.err == f"{line}\n1 fault\n"
    applied = kanade.call("apply")
    assert (applied.code, applied.out, applied.err) == (2, "", done.err)
    assert asyncio.run(stored(kanade.nats_url)) == {}


def test_a_name_with_a_line_break_is_told_in_one_line(kanade: Office) -> None:
    repository = kanade.repository
    line = (
        r'"releases/a\nb.yaml": control character U+000A at 2 of its name is not allowed; rename it'
        "\n1 fault\n"
    )
    inner = repository.tree(("100644", b"a\nb.yaml", repository.blob(b"x")))
    repository.commit_tree(repository.tree(("040000", b"releases", inner)))
    (kanade.folder / "tree" / "releases").mkdir(parents=True)
    (kanade.folder / "tree" / "releases" / "a\nb.yaml").write_text("x")

    for words in (["validate"], ["apply"], ["validate", str(kanade.folder / "tree")]):
        done = kanade.call(*words)
        assert (done.code, done.out, done.err) == (2, "", line)
    assert asyncio.run(stored(kanade.nats_url)) == {}


def test_a_byte_order_mark_is_read_over(kanade: Office) -> None:
    kanade.repository.commit({**GOOD, "releases/tool.yaml": b"\xef\xbb\xbf" + RELEASE.encode()})

    assert kanade.call("validate").code == 0


def test_a_secret_that_the_settings_do_not_have_is_told_before_it_is_needed(
    kanade: Office,
) -> None:
    text = RELEASE.replace("{secret: tool-token}", "{secret: tool-tokn}")
    kanade.repository.commit({**GOOD, "releases/tool.yaml": text})

    done = kanade.call("validate")

    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "releases/tool.yaml:3:7: script.knobs.TOKEN: secret tool-tokn is not in the settings; "
        "did you mean tool-token?\n1 fault\n"
    )


def test_a_repository_that_has_lost_its_files_deletes_nothing(kanade: Office) -> None:
    kanade.call("apply")
    before = asyncio.run(stored(kanade.nats_url))
    kanade.repository.commit({})

    done = kanade.call("apply")

    assert done.code == 2
    assert done.err == (
        ".: desired state is empty: refused; expected releases/*.yaml or jobs/*.yaml in here\n"
        "1 fault\n"
    )
    assert asyncio.run(stored(kanade.nats_url)) == before != {}


def test_the_bytes_of_a_version_never_change(kanade: Office) -> None:
    kanade.call("apply")
    before = asyncio.run(stored(kanade.nats_url))
    others = small_fleet.files("1.0.1")
    changed = str(others["releases/tool.yaml"]).replace('version: "1.0.1"', 'version: "1.0.0"')
    kanade.repository.commit({**others, "releases/tool.yaml": changed})

    done = kanade.call("apply", COLUMNS="300")

    assert (done.code, done.err) == (6, "")
    (line,) = (line for line in done.out.splitlines() if "VersionImmutable" in line)
    assert line == (
        "      VersionImmutable: version 1.0.0 of 'tool' was published by an earlier commit with "
        f"sha256 {Digest.of(small_fleet.binary_of('1.0.0')).hex}; a version's bytes never change: "
        "correct the sha256, or use a new version"
    )
    assert asyncio.run(stored(kanade.nats_url)) == before


@pytest.mark.parametrize(
    ("pin", "told"),
    [
        (b"9.9", "9.9"),
        (b"\xff\x1b[2J\n9", "\ufffd\ufffd[2J 9"),
        (b"", "nothing"),
        (b"x" * 5000, "x" * 60 + "\u2026"),
    ],
)
def test_a_pin_that_is_none_is_told_and_put_right(kanade: Office, pin: bytes, told: str) -> None:
    async def put() -> None:
        async with connected(kanade.nats_url) as connection:
            await Bucket(connection, "script_current").put("probe-tool", pin)

    async def found() -> bytes | None:
        async with connected(kanade.nats_url) as connection:
            message = await Bucket(connection, "script_current").get("probe-tool")
            return None if message is None else message.data

    kanade.call("apply")
    asyncio.run(put())

    planned = kanade.call("plan")
    kanade.call("apply")

    assert planned.code == 1
    assert f"      script_current says {told}\n" in planned.out
    assert asyncio.run(found()) == b"1"


NAME = "scripts/d\u00e9ploy-\u30c4\u30fc\u30eb.sh"


@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8"])
def test_a_locale_changes_no_name(kanade: Office, locale: str) -> None:
    text = RELEASE.replace("scripts/deploy.sh", NAME.replace("ploy", "plo"))
    kanade.repository.commit({**GOOD, NAME: GOOD["scripts/deploy.sh"], "releases/tool.yaml": text})

    done = kanade.execute("validate", LC_ALL=locale, LANG=locale)

    assert done.code == 2
    assert f"; did you mean {NAME}?" in done.err


def test_a_terminal_without_the_letters_gets_them_spelled(kanade: Office) -> None:
    kanade.repository.commit(GOOD, message=f"Use {NAME}")

    done = kanade.execute("plan", PYTHONIOENCODING="ascii")

    assert (done.code, done.err) == (1, "")
    assert "Use scripts/d\\xe9ploy-\\u30c4\\u30fc\\u30eb.sh" in done.out


def test_a_folder_that_is_no_desired_state_is_told(kanade: Office) -> None:
    (kanade.folder / "link").symlink_to("/etc/passwd")

    done = kanade.call("validate", str(kanade.folder))

    assert done.code == 2
    assert done.err == "link: symbolic links are not allowed (mode 120000)\n1 fault\n"


def test_a_branch_that_was_rewritten_is_followed_only_by_a_word(kanade: Office) -> None:
    repository = kanade.repository
    kanade.call("apply")
    repository.git("update-ref", "-d", "refs/heads/main")
    other = repository.commit(small_fleet.files("2.0.0"), message="Begin again")

    refused = kanade.call("apply")
    followed = kanade.call("apply", "--accept-rewrite")

    assert refused.code == 3
    assert refused.err.endswith(
        "the branch was rewritten; run with --accept-rewrite to follow it\n"
    )
    assert other[:12] in followed.out
    assert followed.code != 3
