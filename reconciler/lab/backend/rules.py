"""What a manifest must keep to beyond its shape, in the order in which kanade checks it."""

from collections.abc import Iterator

from reconciler.lab import wire

_SOURCES = ("script", "script_file", "script_object")
_FENCED = ("inventory", "check", "collect", "feed")
_CHECK_NAMES = ("name", "status_field", "detail_field")


def broken_rule(manifest: wire.Document) -> str | None:
    """Return the first rule that *manifest* breaks, or `None`."""
    for rule in (_sources, _tier, _feeds, _finalize, _emit, _check, _client, _collect, _tags):
        message = next(rule(manifest), None)
        if message is not None:
            return message
    return None


def _sources(manifest: wire.Document) -> Iterator[str]:
    execute = _part(manifest, "execute")
    for name in _SOURCES[1:]:
        if name in execute and not _spoken(execute[name]):
            yield f"execute.{name} must not be blank when set (drop the key to use another source)"
    given = {name: name in execute for name in _SOURCES}
    given["script"] = _spoken(execute.get("script"))
    if not any(given.values()):
        yield "execute: one of `script`, `script_file`, `script_object` must be set"
    if sum(given.values()) > 1:
        got = ", ".join(f"{name}={str(is_set).lower()}" for name, is_set in given.items())
        yield (
            "execute: only one of `script` / `script_file` / `script_object` "
            f"may be set (got {got})"
        )
    if "deploy_authorization" in manifest:
        yield "deploy_authorization is only valid on a `kind: typed_operation` job"


def _tier(manifest: wire.Document) -> Iterator[str]:
    if manifest.get("tier") == "unknown":
        yield (
            "tier: unrecognised execution tier — use `endpoint` or `controller` (this is a typo, "
            "or a tier a newer kanade supports that this backend does not)"
        )


def _feeds(manifest: wire.Document) -> Iterator[str]:
    feeds = manifest.get("feed")
    if isinstance(feeds, list) and feeds and manifest.get("tier") == "endpoint":
        yield (
            "feed: requires the controller tier — remove `tier: endpoint` (a feed: job fetches "
            "external data and is confined to the controller_group)"
        )


def _finalize(manifest: wire.Document) -> Iterator[str]:
    finalize = _part(manifest, "finalize")
    if not finalize:
        return
    if not _spoken(finalize["script"]):
        yield "finalize.script must not be empty"
    try:
        wire.duration(str(finalize["timeout"]))
    except ValueError:
        yield f"finalize.timeout '{finalize['timeout']}' is not a valid duration"
    if finalize["shell"] in {"cmd", "sh"}:
        yield (
            "finalize.shell: cmd and sh are not supported for finalize hooks (shell-injection "
            "risk when the result JSON is injected, and the injected prelude is PowerShell "
            "syntax); use powershell or pwsh"
        )
    if finalize.get("on_each_bundle") and "collect" not in manifest:
        yield (
            "finalize.on_each_bundle: true requires a collect: hint — a non-collect finalize has "
            "no bundles to iterate (it runs once after the script)"
        )


def _emit(manifest: wire.Document) -> Iterator[str]:
    if manifest.get("emit") is not None and any(manifest.get(name) for name in _FENCED):
        yield (
            "`emit:` is incompatible with `inventory:` / `check:` / `collect:` / `feed:` — emit's "
            "stdout is NDJSON timeline events (consumed whole and omitted from the result), while "
            "the others read fenced JSON blocks from stdout"
        )


def _check(manifest: wire.Document) -> Iterator[str]:
    check = _part(manifest, "check")
    for name in _CHECK_NAMES:
        if check and not _spoken(check[name]):
            yield f"check.{name} must not be empty"
    alert = _part(check, "alert")
    if not alert:
        return
    if not alert.get("notify_user") and not alert.get("notify_groups"):
        yield "check.alert must set notify_user and/or notify_groups"
    if not check.get("fleet"):
        yield "check.alert requires fleet: true (the alert rides the compliance projection)"


def _client(manifest: wire.Document) -> Iterator[str]:
    yield from _all_spoken(manifest, "client", ("name", "category"))


def _collect(manifest: wire.Document) -> Iterator[str]:
    yield from _all_spoken(manifest, "collect", ("name", "files_field"))


def _tags(manifest: wire.Document) -> Iterator[str]:
    tags = manifest.get("tags")
    if isinstance(tags, list) and not all(_spoken(tag) for tag in tags):
        yield "tags must not contain empty entries"


def _all_spoken(manifest: wire.Document, part: str, names: tuple[str, ...]) -> Iterator[str]:
    found = _part(manifest, part)
    for name in names:
        if found and not _spoken(found[name]):
            yield f"{part}.{name} must not be empty"


def _part(manifest: wire.Document, name: str) -> wire.Document:
    value = manifest.get(name)
    return value if isinstance(value, dict) else {}


def _spoken(value: wire.Json) -> bool:
    return isinstance(value, str) and bool(value.strip())
