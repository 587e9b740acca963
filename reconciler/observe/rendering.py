"""What each release's script is with its knobs and today's secrets."""

from collections.abc import Mapping
from typing import TypeAlias

from reconciler.desired.knobs import render_with
from reconciler.desired.script import CannotRender
from reconciler.errors import SecretUnavailable
from reconciler.model.desired import Desired
from reconciler.model.digest import Digest
from reconciler.model.identity import Fingerprint, ReleaseName
from reconciler.model.observed import Observed, Rendered
from reconciler.plan.courses import variants
from reconciler.ports import Secrets

Variant: TypeAlias = tuple[ReleaseName, Fingerprint]
"""A release as git asks for it, or as a kept record has it."""


def render_all(
    desired: Desired, observed: Observed, secrets: Secrets
) -> tuple[Mapping[Variant, Rendered], Mapping[Variant, str]]:
    """Return digest and size of each script, or why it cannot be rendered; no text is kept."""
    rendered: dict[Variant, Rendered] = {}
    unrendered: dict[Variant, str] = {}
    for release in (one for item in desired.releases for one in variants(item, observed)):
        key = (release.name, release.fingerprint)
        try:
            text = render_with(release.script, secrets)
        except (SecretUnavailable, CannotRender) as error:
            unrendered[key] = str(error)
        else:
            rendered[key] = Rendered(digest=Digest.of(text), size_bytes=len(text))
    return rendered, unrendered
