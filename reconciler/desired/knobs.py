"""A release's script with its knobs set, secrets and all."""

from collections.abc import Callable

from reconciler.desired.script import render
from reconciler.model.desired import Script, SecretRef
from reconciler.model.identity import SecretName


def render_with(script: Script, resolve: Callable[[SecretName], str]) -> bytes:
    """Return the text of *script*; it carries what *resolve* gives away, so keep it nowhere.

    Raises:
        SecretUnavailable: *resolve* does not know a secret that a knob refers to.
    """
    knobs = {
        name: resolve(value.name) if isinstance(value, SecretRef) else value
        for name, value in script.knobs.items()
    }
    return render(script.template, script.path, knobs)
