"""What makes two releases the same wish, and the ids that follow from it."""

import hashlib
import json
import uuid
from collections.abc import Mapping

from reconciler.model.attempt import Wish
from reconciler.model.identity import Fingerprint, Json, WishId

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "kanade-reconciler")


def canonical(value: Json) -> bytes:
    """Return the one spelling of *value*: sorted keys, no spaces, UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode()


def fingerprint(parts: Mapping[str, Json]) -> Fingerprint:
    """Return the hash of *parts*, as 64 hex digits."""
    return Fingerprint(hashlib.sha256(canonical(dict(parts))).hexdigest())


def wish_id(wish: Wish) -> WishId:
    """Return the id of *wish*: the same for the same wish, for ever and on every machine."""
    spelled = canonical(
        [wish.release, wish.host, wish.fingerprint, str(wish.purpose), wish.cause]
    ).decode()
    return WishId(str(uuid.uuid5(_NAMESPACE, spelled)))
