"""A release's script with its knobs set, secrets and all."""

from collections.abc import Iterator
from typing import assert_never

from reconciler.desired.script import render
from reconciler.model.desired import Knob, Script, SecretRef
from reconciler.model.download_token import DownloadGrant
from reconciler.ports import Secrets


def render_with(script: Script, secrets: Secrets) -> bytes:
    """Return the text of *script*; it carries what *secrets* gives away, so keep it nowhere.

    Raises:
        SecretUnavailable: *secrets* has no value for a knob.
    """
    knobs = {name: value_of(knob, secrets) for name, knob in script.knobs.items()}
    return render(script.template, script.path, knobs)


def secret_values(script: Script, secrets: Secrets) -> Iterator[str]:
    """Yield what *script* carries that nobody may see; raises as `render_with`."""
    for knob in script.knobs.values():
        if not isinstance(knob, str):
            yield value_of(knob, secrets)


def value_of(knob: Knob, secrets: Secrets) -> str:
    """Return what *knob* says in the script of today; raises as `render_with`."""
    match knob:
        case str():
            return knob
        case SecretRef(name=name):
            return secrets.resolve(name)
        case DownloadGrant():
            return secrets.token(knob)
        case unknown:
            assert_never(unknown)
