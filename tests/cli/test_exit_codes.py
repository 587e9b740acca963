"""The exit codes, each of them seen; scripts go by them."""

import re
import shutil
from pathlib import Path

import pytest

from reconciler.cli import exits
from reconciler.cli.main import run
from reconciler.errors import ReconcilerError
from tests.cli.conftest import Office
from tests.support import small_fleet
from tests.support.command_line import call

README = Path(__file__).parents[2] / "README.md"


def all_kinds(kind: type[ReconcilerError]) -> list[type[ReconcilerError]]:
    return [kind, *(each for below in kind.__subclasses__() for each in all_kinds(below))]


def test_the_readme_has_them_all_and_no_other() -> None:
    sentence = re.search(r"Exit codes: (.*?)\.\n\n", README.read_text("utf-8"), re.DOTALL)
    assert sentence is not None

    told = {int(number) for number in re.findall(r"\b\d+\b", sentence[1])}

    ours = {value for name, value in vars(exits).items() if name.isupper()}
    assert told == ours | {kind.exit_code for kind in all_kinds(ReconcilerError)}


def test_0_when_it_is_done(office: Office) -> None:
    assert (office.call("version").code, office.call("validate").code) == (0, 0)


def test_1_when_there_is_something_to_do_and_0_when_there_is_nothing(kanade: Office) -> None:
    assert kanade.call("plan").code == 1

    only_a_job = small_fleet.files("1.0.0")
    del only_a_job["releases/tool.yaml"], only_a_job["jobs/install-tool.yaml"]
    kanade.repository.commit(only_a_job)

    assert kanade.call("plan").code == 1
    assert kanade.call("apply").code == 0
    assert kanade.call("plan").code == 0


def test_2_when_the_desired_state_has_a_fault(kanade: Office) -> None:
    kanade.repository.commit({"releases/tool.yaml": "{"})

    assert [kanade.call(word).code for word in ("validate", "plan", "apply", "check")] == [2] * 4


def test_2_when_a_secret_is_missing(kanade: Office) -> None:
    done = kanade.call("plan", DESK_PASSWORD="")

    assert (done.code, done.err) == (2, "error: secret nats: env DESK_PASSWORD is empty\n")


def test_3_when_git_does_not_answer(kanade: Office) -> None:
    shutil.rmtree(kanade.repository.path)

    assert [kanade.call(word).code for word in ("validate", "plan", "apply", "check")] == [3] * 4


def test_4_when_kanade_is_not_there(office: Office) -> None:
    assert [office.call(word).code for word in ("plan", "apply", "run", "check")] == [4] * 4


def test_5_when_an_artifact_is_no_good(office: Office) -> None:
    (office.folder / "releases").mkdir()
    text = str(small_fleet.files("1.0.0")["releases/tool.yaml"])
    (office.folder / "releases" / "tool.yaml").write_text(text)
    empty = office.folder / "empty"
    empty.touch()

    words = ("bump", "tool", "2.0.0", "--artifact", str(empty), "--folder", str(office.folder))
    done = office.call(*words)

    assert (done.code, done.err) == (5, f"error: {empty}: the file is empty\n")


def test_6_when_something_is_held(kanade: Office) -> None:
    text = str(small_fleet.files("1.0.0")["releases/tool.yaml"])
    suspended = {**small_fleet.files("1.0.0"), "releases/tool.yaml": f"{text}suspend: true\n"}
    kanade.repository.commit(suspended)

    assert kanade.call("apply").code == 6


def test_70_when_it_is_our_own_fault(capsys: pytest.CaptureFixture[str]) -> None:
    def wrong() -> None:
        raise ExceptionGroup("tasks", [ExceptionGroup("more", [ZeroDivisionError("by zero")])])

    assert run(wrong) == 70
    assert capsys.readouterr().err == (
        "bug: ZeroDivisionError: by zero\nplease report it, with what --debug adds\n"
    )


def test_130_when_it_is_interrupted(kanade: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: str) -> bool:
        raise KeyboardInterrupt

    kanade.call("apply")
    monkeypatch.setattr("reconciler.cli.commands.approve.agrees", interrupt)

    done = kanade.call("approve", "tool")

    assert done.code == 130
    assert done.err.endswith("interrupted\n")


def test_a_word_that_is_none_is_2_as_well() -> None:
    assert call("unheard-of").code == 2
