"""What has to be known to begin, and how it is asked."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from pathlib import Path

import click

from reconciler.desired.loopback import loopback_host

SHELLS = ("sh", "powershell")
NONE = "-"
"""What is answered where nothing is meant, and something is offered."""


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What a person has said, or what is taken for granted."""

    nats: str
    nats_token: str
    """The environment variable that holds it; empty: NATS wants none."""
    backend: str
    backend_token: str
    download_url: str
    viewer_token: str
    hosts: tuple[str, ...]
    one_machine: bool
    shell: str
    version: str
    artifact: Path | None
    repository: str
    lab: bool

    @property
    def source_url(self) -> str:
        """Where hosts download from."""
        return self.download_url or self.backend

    @property
    def loopback(self) -> bool:
        """True when only the machine that serves a download reaches it."""
        return loopback_host(self.source_url) is not None


def ask(given: Answers, asked: Collection[str]) -> Answers:
    """Ask for what the command line has not said; *given* is offered as the answer."""
    for name, question in _QUESTIONS.items():
        if name in asked:
            given = question(given)
    return given


def _text(name: str, prompt: str) -> Callable[[Answers], Answers]:
    def question(given: Answers) -> Answers:
        before = getattr(given, name)
        said = str(click.prompt(prompt, default=before, show_default=bool(before), type=str))
        text = "" if said.strip() == NONE else said.strip()
        return replace(given, **{name: text})  # type: ignore[arg-type]  # it is a text

    return question


def _backend_token(given: Answers) -> Answers:
    prompt = f"The environment variable that holds the backend's token ({NONE} for none)"
    return _text("backend_token", prompt)(given) if given.backend else given


def _download_url(given: Answers) -> Answers:
    prompt = "Where hosts download packages from, as they reach it"
    return _text("download_url", prompt)(replace(given, download_url=given.source_url))


def _hosts(given: Answers) -> Answers:
    prompt = "Hosts that run kanade-backend, by their pc ids, with blanks between them"
    said = str(click.prompt(prompt, default=" ".join(given.hosts) or None, type=str))
    return replace(given, hosts=tuple(said.replace(",", " ").split()))


def _one_machine(given: Answers) -> Answers:
    if not given.loopback or len(given.hosts) == 1:
        return given
    prompt = f"{given.source_url} is only reached from its own machine; are all hosts that one?"
    return replace(given, one_machine=click.confirm(prompt, default=given.one_machine))


def _shell(given: Answers) -> Answers:
    prompt = "What runs scripts on these hosts"
    said = click.prompt(prompt, default=given.shell, type=click.Choice(SHELLS))
    return replace(given, shell=str(said))


def _artifact(given: Answers) -> Answers:
    prompt = "The file of that version, for its sha256 (empty: later)"
    kind = click.Path(path_type=str, dir_okay=False)
    before = str(given.artifact or "")
    said = str(click.prompt(prompt, default=before, show_default=bool(before), type=kind)).strip()
    return replace(given, artifact=Path(said) if said else None)


_QUESTIONS: dict[str, Callable[[Answers], Answers]] = {
    "nats": _text("nats", "NATS"),
    "nats_token": _text(
        "nats_token", f"The environment variable that holds its token ({NONE} for none)"
    ),
    "backend": _text("backend", "kanade's backend (empty: everything goes over NATS)"),
    "backend_token": _backend_token,
    "download_url": _download_url,
    "hosts": _hosts,
    "one_machine": _one_machine,
    "shell": _shell,
    "version": _text("version", "The version of kanade-backend that they run today"),
    "artifact": _artifact,
    "repository": _text("repository", "The git repository (empty: this folder)"),
}
EVERYTHING = frozenset(_QUESTIONS)
"""The names of all that can be asked for."""
