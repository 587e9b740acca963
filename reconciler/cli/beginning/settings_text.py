"""The first settings, as TOML with a comment on each."""

import json
from pathlib import Path

from reconciler.cli.beginning.answers import Answers
from reconciler.cli.beginning.desired_state import artifact_root

STATE = "desired-state"
CACHE = ".reconciler"
"""Where the clone is kept: beside the settings, so that two fleets on one machine have two."""


def settings_text(answers: Answers, folder: Path) -> str:
    """Return what `reconciler.toml` of *folder* says; no value of a secret is in it."""
    root = _root(folder)
    below = (folder / STATE).relative_to(root).as_posix()
    lines = [
        "# All that can be said here is in docs/reference/settings.md; `reconciler check` shows",
        "# what is still missing.",
        "",
        "[source]",
        f"url = {_quoted(answers.repository or str(root))}",
        f"folder = {_quoted(STATE if answers.repository else below)}",
        "",
        "[nats]",
        f"url = {_quoted(answers.nats)}",
        *(['token = { secret = "nats" }'] if answers.nats_token else []),
        "",
        *_backend(answers),
        "[controller]",
        f"state_dir = {_quoted(CACHE)}   # it may be lost at any time",
        f"artifact_roots = [{_quoted(str(artifact_root(answers, folder)))}]",
        *(["lab = true   # no production: well-known secrets are taken"] if answers.lab else []),
        "",
        "[secrets]   # where their values are: env, file or credential",
        *(
            f"{name} = {{ env = {_quoted(variable)} }}"
            for name, variable in secrets_of(answers).items()
        ),
    ]
    return "\n".join(lines) + "\n"


def secrets_of(answers: Answers) -> dict[str, str]:
    """Return the secrets that are needed, each with the environment variable it is in."""
    found = {
        "nats": answers.nats_token,
        "controller": answers.backend_token if answers.backend else "",
        "backend-token": answers.viewer_token,
    }
    return {name: variable for name, variable in found.items() if variable}


def _backend(answers: Answers) -> list[str]:
    if not answers.backend:
        return []
    token = ['token = { secret = "controller" }'] if answers.backend_token else []
    return ["[backend]", f"url = {_quoted(answers.backend)}", *token, ""]


def _root(folder: Path) -> Path:
    """Return the repository that *folder* is in; itself, where there is none yet."""
    places = (folder, *folder.parents)
    return next((place for place in places if (place / ".git").exists()), folder)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
