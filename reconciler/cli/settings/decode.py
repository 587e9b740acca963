"""Validated settings to their types; what is left out is in the schema, or in the platform."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from reconciler.cli.settings.decode_notify import decode_notify
from reconciler.cli.settings.values import (
    ApprovalSettings,
    BackendSettings,
    ControllerSettings,
    GatewaySettings,
    LogFormat,
    LogLevel,
    LogSettings,
    Mode,
    NatsSettings,
    OfferRevert,
    ProxySettings,
    SecretPlace,
    SecretSource,
    ServeSettings,
    ServeTls,
    Settings,
    SourceSettings,
    TlsSettings,
)
from reconciler.desired.fields import Fields
from reconciler.desired.loopback import parse_listen
from reconciler.desired.node import Node, place, to_json
from reconciler.desired.schemas import Kind, schema_of, with_defaults
from reconciler.errors import Fault
from reconciler.model.desired import SecretRef
from reconciler.model.identity import Position, SecretName

_UNFIT_FOR_A_NAME = re.compile(r"[^A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """What the machine says of itself."""

    host: str
    system: str
    """As in `sys.platform`."""
    environment: Mapping[str, str]


def decode_settings(root: Node, path: Path | None, platform: Platform) -> Settings | Fault:
    """Return the settings of *root*, read from *path*; relative paths count from its folder."""
    schema = schema_of(Kind.SETTINGS)
    fields = Fields(with_defaults(to_json(root), schema, schema))
    locate = _Locate(root, path)
    controller = _controller(fields.inner("controller"), locate, platform)
    if isinstance(controller, Fault):
        return controller
    source = fields.inner("source")
    backend = fields.optional_inner("backend")
    log = fields.inner("log")
    return Settings(
        source=SourceSettings(
            url=source.optional_text("url"),
            ref=source.text("ref"),
            folder=source.text("folder"),
            interval=source.duration("interval"),
            timeout=source.duration("timeout"),
            accept_rewrite=source.flag("accept_rewrite"),
            token=_secret(source, "token"),
            offer_revert=OfferRevert(source.text("offer_revert")),
            revert_author=source.text("revert_author"),
        ),
        nats=_nats(fields.inner("nats"), locate),
        backend=BackendSettings(
            url=backend.text("url").rstrip("/"), token=_secret(backend, "token")
        )
        if backend is not None
        else None,
        controller=controller,
        approval=ApprovalSettings(
            allowed_signers=locate.optional(fields.inner("approval"), "approval", "allowed_signers")
        ),
        secrets=_secrets(fields.inner("secrets"), locate),
        serve=_serve(fields.inner("serve"), locate),
        notify=tuple(decode_notify(target) for target in fields.each("notify")),
        log=LogSettings(format=LogFormat(log.text("format")), level=LogLevel(log.text("level"))),
        path=path,
    )


class _Locate:
    """Makes paths absolute: from the settings file's folder where they stand in the file."""

    def __init__(self, root: Node, path: Path | None) -> None:
        self._root = root
        self._path = path

    def __call__(self, text: str, *way: str | int) -> Path:
        stands_in_file = place(self._root, way).file == str(self._path)
        base = self._path.parent if self._path is not None and stands_in_file else Path()
        return (base / Path(text).expanduser()).absolute()

    def optional(self, fields: Fields, *way: str) -> Path | None:
        """Return the path that *fields* has under the last name of *way*."""
        text = fields.optional_text(way[-1])
        return self(text, *way) if text is not None else None


def _nats(fields: Fields, locate: _Locate) -> NatsSettings:
    tls = fields.optional_inner("tls")
    return NatsSettings(
        urls=fields.texts("url") or (fields.text("url"),),
        token=_secret(fields, "token"),
        user=fields.optional_text("user"),
        password=_secret(fields, "password"),
        creds=locate.optional(fields, "nats", "creds"),
        tls=TlsSettings(
            ca=locate.optional(tls, "nats", "tls", "ca"),
            cert=locate.optional(tls, "nats", "tls", "cert"),
            key=locate.optional(tls, "nats", "tls", "key"),
        )
        if tls is not None
        else None,
        inbox_prefix=fields.text("inbox_prefix"),
    )


def _controller(fields: Fields, locate: _Locate, platform: Platform) -> ControllerSettings | Fault:
    state_dir = locate.optional(fields, "controller", "state_dir") or _state_dir(platform)
    if isinstance(state_dir, Fault):
        return state_dir
    instance = fields.optional_text("instance")
    return ControllerSettings(
        mode=Mode(fields.text("mode")),
        instance=instance or _UNFIT_FOR_A_NAME.sub("-", platform.host)[:64].strip("-") or "host",
        state_dir=state_dir,
        artifact_roots=tuple(
            locate(text, "controller", "artifact_roots", index)
            for index, text in enumerate(fields.texts("artifact_roots"))
        ),
        allow_builds=fields.flag("allow_builds"),
        dispatch_deadline=fields.duration("dispatch_deadline"),
        resync=fields.duration("resync"),
        max_artifact_bytes=fields.integer("max_artifact_bytes"),
        prune=fields.flag("prune"),
        prune_limit=fields.integer("prune_limit"),
        allow_http_loopback=fields.flag("allow_http_loopback"),
        lab=fields.flag("lab"),
    )


def _state_dir(platform: Platform) -> Path | Fault:
    variables = platform.environment
    home, cache, local = (
        variables.get(name) for name in ("HOME", "XDG_CACHE_HOME", "LOCALAPPDATA")
    )
    if platform.system == "win32" and local:
        return Path(local) / "kanade-reconciler"
    if cache and Path(cache).is_absolute():
        return Path(cache) / "kanade-reconciler"
    if not home:
        message = "HOME is not set, so there is no place for state; set controller.state_dir"
        return Fault(Position("environment"), message)
    folder = "Library/Caches" if platform.system == "darwin" else ".cache"
    return Path(home) / folder / "kanade-reconciler"


def _secrets(fields: Fields, locate: _Locate) -> dict[SecretName, SecretSource]:
    found: dict[SecretName, SecretSource] = {}
    for name in fields:
        source = fields.inner(name)
        kind = next(SecretPlace(kind) for kind in source)
        text = source.text(kind)
        where = str(locate(text, "secrets", name, "file")) if kind is SecretPlace.FILE else text
        found[SecretName(name)] = SecretSource(place=kind, name=where)
    return found


def _serve(fields: Fields, locate: _Locate) -> ServeSettings | None:
    listen = fields.optional_text("listen")
    address = parse_listen(listen) if listen is not None else None
    if address is None:
        return None
    tls, gateway = fields.optional_inner("tls"), fields.optional_inner("gateway")
    people, proxy = fields.inner("people"), fields.optional_inner("proxy")
    return ServeSettings(
        host=address[0],
        port=address[1],
        token=_secret(fields, "token"),
        webhook_secret=_secret(fields, "webhook_secret"),
        metrics=fields.flag("metrics"),
        tls=ServeTls(
            cert=locate(tls.text("cert"), "serve", "tls", "cert"),
            key=locate(tls.text("key"), "serve", "tls", "key"),
        )
        if tls is not None
        else None,
        behind_proxy=fields.flag("behind_proxy"),
        gateway=GatewaySettings(
            key=_reference(gateway.inner("key")),
            epoch=gateway.duration("epoch"),
            downloads=gateway.integer("downloads"),
        )
        if gateway is not None
        else None,
        page=fields.flag("page"),
        people={name: _reference(people.inner(name)) for name in people},
        proxy=ProxySettings(trusted=proxy.texts("trusted"), header=proxy.text("header"))
        if proxy is not None
        else None,
        public_url=(fields.optional_text("public_url") or "").rstrip("/") or None,
    )


def _secret(fields: Fields, name: str) -> SecretRef | None:
    reference = fields.optional_inner(name)
    return _reference(reference) if reference is not None else None


def _reference(fields: Fields) -> SecretRef:
    return SecretRef(SecretName(fields.text("secret")))
