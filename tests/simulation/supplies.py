"""The rules of what hosts fetch: read back before a command needs it, there while it is wanted."""

from collections.abc import Callable
from dataclasses import dataclass, field

from reconciler.model.attempt import Attempt
from reconciler.model.digest import Digest
from reconciler.model.identity import JobId, ObjectRef
from tests.simulation.deeds import Deeds
from tests.simulation.facts import wanted_digest
from tests.simulation.storm import Life
from tests.support.fake_world import World


@dataclass(kw_only=True)
class Supplies:
    """Watches both object stores."""

    world: World
    deeds: Deeds
    read_back: set[tuple[ObjectRef, Digest]] = field(default_factory=set)
    """Which packages and scripts a controller has read as a host would, and found right."""
    needed: Callable[[], set[str]] = set
    """Returns the versions that a host runs, or that the last commit asks for."""

    jobs: list[tuple[float, set[JobId]]] = field(default_factory=list)
    """Which jobs each commit has, and since when."""

    def asks_for_jobs(self, now: float, jobs: set[JobId]) -> None:
        """A commit has these jobs."""
        self.jobs.append((now, jobs))

    def deletes_job(self, job: object, life: Life) -> None:
        """A controller has deleted a job: none of the commits that it may go by has it."""
        last = max((at for at, _ in self.jobs if at < life.git_at), default=0.0)
        if all(job in jobs for at, jobs in self.jobs if at >= last):
            self.deeds.trace.blame(f"job {job} is deleted, and is wanted")

    def forgets(self, version: str) -> None:
        """The leader has dropped the record of a version."""
        if version in self.needed():
            self.deeds.trace.blame(f"the record of {version} is dropped, and a host runs it")

    def reads_back(self, subject: object) -> None:
        """A controller has read an object to its end, and it is right."""
        assert isinstance(subject, tuple)
        self.read_back.add(subject)

    def deletes(self, ref: object, life: Life) -> None:
        """A controller has deleted an object."""
        assert isinstance(ref, ObjectRef)
        self.read_back = {(one, digest) for one, digest in self.read_back if one != ref}
        on_their_way = {str(sent.order.version) for sent in self.deeds.outstanding()}
        if ref.version in self.needed() | on_their_way:
            self.deeds.trace.blame(f"{ref} is deleted, and is wanted")
        kept = {record.version for record in self.world.own.records.values()}
        if life.is_leader() and ref.version in kept:
            self.deeds.trace.blame(f"{ref} is deleted, and its release may be gone back to")

    def are_used(self, attempt: Attempt, *, all_was_lost: bool) -> None:
        """All that a host will fetch was read back since it is there.

        Two things are taken by their digest alone: what somebody else has put there, as far as
        anybody still knows, which is all of it once the inventory is lost; and what we put back
        ourselves in the place of what was read back before.
        """
        own, package = self.world.own, ObjectRef(attempt.package, attempt.version)
        fetched = [(package, wanted_digest(attempt.version), own.packages)]
        if attempt.script is not None and attempt.script_sha256 is not None:
            fetched.append((attempt.script, Digest(attempt.script_sha256), own.scripts))
        for ref, digest, owned in fetched:
            is_nobodys = ref not in owned and all_was_lost
            if not is_nobodys and (ref, digest) not in self.read_back:
                host = attempt.wish.host
                self.deeds.trace.blame(f"{host} is sent {ref}, which was never read back")
