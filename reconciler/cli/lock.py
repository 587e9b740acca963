"""One controller a state folder: two of the same name would take the lease from each other."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from reconciler.errors import UsageError

try:
    import fcntl
except ImportError:  # Windows: the lease alone has to do
    fcntl = None  # type: ignore[assignment]


@contextmanager
def only_one(state_dir: Path) -> Iterator[None]:
    """Hold *state_dir* for this process; the lock goes with it, however it ends.

    Raises:
        UsageError: another process holds it.
    """
    descriptor = os.open(state_dir / "controller.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if fcntl is not None:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                message = f"{state_dir}: another controller uses it; set controller.state_dir"
                raise UsageError(message) from error
        yield
    finally:
        os.close(descriptor)
