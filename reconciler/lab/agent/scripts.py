"""A script's text: what the command carries, or an object whose digest the command names."""

from pathlib import Path

from nats.errors import Error as NatsError

from reconciler.lab import wire
from reconciler.lab.agent.command import Command
from reconciler.lab.agent.outbox import write_whole
from reconciler.lab.agent.process import CommandFailed
from reconciler.lab.objects import ObjectStore, whole

LIMIT_BYTES = 4 * 1024 * 1024


class Scripts:
    """The script objects, with a cache by digest."""

    def __init__(self, store: ObjectStore, folder: Path) -> None:
        self._store = store
        self._folder = folder

    async def text(self, command: Command) -> str:
        """Return the script of *command*.

        Raises:
            CommandFailed: the object is not there, or its bytes are not those that were meant.
        """
        key = command.script_object
        if command.script or key is None:
            return command.script
        wanted = command.script_object_sha256
        if wanted is None:
            raise CommandFailed(
                f"Command {command.request_id} has script_object={key} but no "
                "script_object_sha256 — wire builder bug"
            )
        content = self._cached(wanted)
        if content is None:
            content = await self._fetched(key, wanted)
            write_whole(self._folder / wanted, content)
        try:
            return content.decode()
        except UnicodeDecodeError as error:
            raise CommandFailed(f"script_object '{key}' bytes are not valid UTF-8") from error

    def _cached(self, wanted: str) -> bytes | None:
        path = self._folder / wanted
        content = path.read_bytes() if path.is_file() else b""
        return content if wire.sha256(content) == wanted else None

    async def _fetched(self, key: str, wanted: str) -> bytes:
        try:
            stored = await self._store.info(key)
            if stored is None or stored.deleted:
                raise CommandFailed(f"object_store.get {key}: object not found")
            if stored.size > LIMIT_BYTES:
                raise CommandFailed(
                    f"script_object '{key}' exceeds {LIMIT_BYTES} byte cap "
                    f"(broker reported size {stored.size})"
                )
            content = await whole(self._store.blocks(stored))
        except (NatsError, OSError) as error:
            raise CommandFailed(f"object_store.get {key}: {error}") from error
        actual = wire.sha256(content)
        if actual != wanted:
            raise CommandFailed(
                f"script_object '{key}' sha256 mismatch: expected={wanted} actual={actual} — "
                "operator likely re-uploaded mid-rollout, refusing to execute unverified bytes"
            )
        return content
