"""Rules about a release's deploy script: it exists, and its knobs can be set."""

import re
from collections.abc import Iterator, Mapping

from reconciler.desired.draft import Drafts, ReleaseDraft
from reconciler.desired.durations import spell_duration
from reconciler.desired.loopback import loopback_host
from reconciler.desired.script import MOST_SCRIPT_BYTES, SCRIPT_SUFFIXES, CannotRender, render
from reconciler.desired.script_syntax import check_syntax
from reconciler.desired.urls import carries_login
from reconciler.desired.wording import did_you_mean, printable
from reconciler.errors import Fault
from reconciler.model.desired import Knob
from reconciler.model.download_token import MARGIN, DownloadGrant
from reconciler.model.snapshot import Blob

_STAND_IN = "secret"
_LOOKS_SECRET = re.compile(r"(?:token|password|passwd|secret)\Z", re.IGNORECASE)
_LOOKS_LIKE_URL = re.compile(r"url\Z", re.IGNORECASE)
MACHINE_LABEL = "machine"


def check_script(release: ReleaseDraft, drafts: Drafts) -> Iterator[Fault]:
    """Yield what is wrong with the script of *release* and its knobs."""
    for knob, value in release.script.knobs.items():
        if not release.knows("script", "knobs", knob):
            continue
        if isinstance(value, str):
            yield from _check_knob(release, drafts, knob, value)
        elif isinstance(value, DownloadGrant):
            yield from _check_grant(release, drafts, knob)
    if not release.knows("script", "path"):
        return
    blob = _blob(release, drafts)
    if isinstance(blob, str):
        yield release.fault(blob, "script", "path")
    elif blob.content is not None:
        yield from _check_rendering(release, blob.content)


def script_notes(release: ReleaseDraft, drafts: Drafts) -> Iterator[Fault]:
    """Yield what may be wrong with a script that no fault was found in."""
    blob = _blob(release, drafts)
    content = blob.content if isinstance(blob, Blob) else None
    try:
        note = check_syntax(content or b"", content or b"", release.script.path)
    except CannotRender:
        return
    if note is not None:
        yield release.fault(note, "script", "path")


def with_stand_ins(knobs: Mapping[str, Knob]) -> dict[str, str]:
    """Return *knobs* with a harmless text for everything that git does not say."""
    return {knob: value if isinstance(value, str) else _STAND_IN for knob, value in knobs.items()}


def _blob(release: ReleaseDraft, drafts: Drafts) -> Blob | str:
    path, files = release.script.path, drafts.snapshot.files
    if not path.endswith(SCRIPT_SUFFIXES):
        return f"{printable(path)} is neither a .sh nor a .ps1 script"
    blob = files.get(path)
    if blob is None:
        return f"no such file: {printable(path)}{did_you_mean(path, files)}"
    if blob.size_bytes > MOST_SCRIPT_BYTES or blob.content is None:
        size = f"{printable(path)} has {blob.size_bytes:,} bytes"
        return f"{size}; kanade takes scripts of at most {MOST_SCRIPT_BYTES:,}"
    if not blob.content.strip():
        return f"{printable(path)} is empty; write what is to run"
    at = blob.content.find(b"\0")
    return blob if at < 0 else f"{printable(path)} has a NUL character at byte {at + 1}"


def _check_rendering(release: ReleaseDraft, template: bytes) -> Iterator[Fault]:
    path = release.script.path
    try:
        rendered = render(template, path, with_stand_ins(release.script.knobs))
        check_syntax(template, rendered, path)
    except CannotRender as error:
        for fault in error.faults:
            if fault.knob:
                message = f"knob {fault.knob} {fault.message} ({printable(path)})"
                yield release.key_fault(message, "script", "knobs", fault.knob)
            else:
                yield release.fault(f"{printable(path)} {fault.message}", "script", "path")


def _check_knob(release: ReleaseDraft, drafts: Drafts, knob: str, value: str) -> Iterator[Fault]:
    if value and _LOOKS_SECRET.search(knob):
        message = f"knob {knob} looks like a secret, and git forgets nothing"
        yield release.fault(f"{message}; write {{secret: NAME}}", "script", "knobs", knob)
    if carries_login(value):
        message = f"knob {knob}: a URL in git may not carry a user or password"
        yield release.fault(f"{message}; write {{secret: NAME}}", "script", "knobs", knob)
    host = loopback_host(value)
    if host is None and _LOOKS_LIKE_URL.search(knob) and "://" not in value:
        host = loopback_host(f"http://{value}")
    unclear = not (release.knows("script", "allow_loopback") and release.knows("targets"))
    if (
        host is None
        or unclear
        or (release.script.allow_loopback and _is_one_machine(release, drafts))
    ):
        return
    if release.script.allow_loopback:
        hint = "allow_loopback is for one machine, and these targets may be several; name one"
        hint += f" host, or give all of them the same label {MACHINE_LABEL}"
    else:
        hint = "write the serving machine's name; or script.allow_loopback: true, if the only"
        hint += " target is that very machine"
    message = f"knob {knob}: {host} is the target host itself"
    yield release.fault(f"{message}; {hint}", "script", "knobs", knob)


def _check_grant(release: ReleaseDraft, drafts: Drafts, knob: str) -> Iterator[Fault]:
    """A token has to outlast its command: the settings see to the rest of its time."""
    job = drafts.jobs.get(release.job)
    if job is not None and job.job.timeout > MARGIN:
        message = f"knob {knob}: job {release.job} may take {spell_duration(job.job.timeout)}"
        message += f", and a token of the gateway is sure to hold for {spell_duration(MARGIN)}"
        yield release.fault(message, "script", "knobs", knob)


def _is_one_machine(release: ReleaseDraft, drafts: Drafts) -> bool:
    if release.targets.groups:
        return False
    hosts = drafts.selected(release.targets)
    if len(hosts) == 1:
        return True
    machines = {
        drafts.hosts[host].host.labels.get(MACHINE_LABEL) if host in drafts.hosts else None
        for host in hosts
    }
    return len(machines) == 1 and None not in machines
