"""Faults put into the source on purpose: the simulator is worth what it finds of them."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """A name, and what is replaced where; each text is there exactly once."""

    name: str
    replaced: tuple[tuple[str, str, str], ...]
    """The module's file, the text, and what takes its place."""
    scene: str = "storm"
    """Where it shows."""


def _mutant(name: str, file: str, old: str, new: str, *, scene: str = "storm") -> Mutant:
    return Mutant(name=name, replaced=((file, old, new),), scene=scene)


def _of_rollouts(name: str, file: str, old: str, new: str) -> Mutant:
    return _mutant(name, file, old, new, scene="rollouts")


_KEEP = "            await self._learn(delivery.report, desired)\n"
_ACKNOWLEDGE = "            await delivery.acknowledge()\n"

MUTANTS = (
    _mutant(
        "a command is sent before the journal has it",
        "apply/dispatch.py",
        "        await self.journal.record(intent)\n",
        "",
    ),
    _mutant(
        "each send has an id of its own",
        "kanade/command.py",
        "        request_id=attempt.wish_id,\n",
        "        request_id=f\"{attempt.wish_id}-{__import__('itertools').count}"
        "-{id(object())}-{__import__('asyncio').get_running_loop().time()}\",\n",
    ),
    _mutant(
        "a wish has no cause",
        "plan/wants.py",
        "        cause=cause,\n",
        '        cause="",\n',
    ),
    Mutant(
        name="nobody asks whether it still leads",
        replaced=(
            (
                "apply/dispatch.py",
                "        await self.lease.confirm(for_at_least=runner.answers_within)\n",
                "",
            ),
            (
                "apply/perform.py",
                "        await self._confirm_lease(way)\n        match step.action:",
                "        match step.action:",
            ),
        ),
    ),
    _mutant(
        "nobody looks what lies in a host's slot",
        "plan/host_gates.py",
        "    slot = scene.slot\n",
        "    slot = None\n",
    ),
    Mutant(
        name="an unanswered send over HTTP is sent again over NATS",
        replaced=(
            (
                "plan/resend.py",
                "is_there and attempt.via is Via.NATS and attempt",
                "is_there and attempt",
            ),
            (
                "apply/dispatch.py",
                "        intent = ways[attempt.via].runner.prepare(attempt, manifest)\n",
                "        intent = ways[Via.NATS].runner.prepare(attempt, manifest)\n",
            ),
            (
                "apply/dispatch.py",
                "        await self._send(attempt, ways)\n",
                "        await self._send(replace(attempt, via=Via.NATS), ways)\n",
            ),
        ),
    ),
    Mutant(
        name="what may be gone back to is deleted",
        replaced=(
            (
                "plan/needs.py",
                "    packages |= {ObjectRef(record.package, record.version) for record in kept}\n",
                "",
            ),
            (
                "plan/needs.py",
                "    versions |= {(record.release, record.version) for record in kept}\n",
                "",
            ),
        ),
        scene="rollouts",
    ),
    Mutant(
        name="what hosts run is deleted",
        replaced=(
            ("plan/needs.py", "    packages |= shown.packages\n", ""),
            (
                "plan/needs.py",
                "        digests=shown.digests | slots,\n",
                "        digests=frozenset(slots),\n",
            ),
        ),
        scene="rollouts",
    ),
    _mutant(
        "a job that is wanted is deleted",
        "plan/unwanted_jobs.py",
        "    wanted = {*desired.jobs, *(release.job.id for release in desired.releases)}\n",
        "    wanted = {*(release.job.id for release in desired.releases)}\n",
    ),
    _of_rollouts(
        "a host may be sent two commands",
        "plan/host_gates.py",
        "    if scene.busy is None:\n",
        "    if True:\n",
    ),
    Mutant(
        name="a host is sent to whether it is there or not",
        replaced=(
            (
                "plan/host_gates.py",
                "    match scene.state.presence:\n",
                "    match Presence.ONLINE:\n",
            ),
            (
                "apply/last_look.py",
                "        if self.fleet.presence(wish.host) is not Presence.ONLINE:\n",
                "        if False:\n",
            ),
        ),
    ),
    _mutant(
        "an unanswered send over HTTP is sent again at once",
        "plan/resend.py",
        "is_there and attempt.via is Via.NATS and attempt",
        "is_there and attempt",
    ),
    _mutant(
        "what is not known counts as absent",
        "plan/verdict.py",
        '        return with_probe(case, view, reason="NoEvidence")\n'
        '    message = "nobody knows what it runs, and the release has no probe job"\n',
        '        return pending(view, install(case, "", "NoEvidence", "nobody knows"))\n'
        '    message = "nobody knows what it runs, and the release has no probe job"\n',
    ),
    _mutant(
        "a report is acknowledged before it is kept",
        "passes.py",
        _KEEP + _ACKNOWLEDGE,
        _ACKNOWLEDGE + _KEEP,
    ),
    _mutant(
        "any number of hosts are changed at a time",
        "plan/dispatch.py",
        "        elif room <= 0:\n",
        "        elif False:\n",
    ),
    _mutant(
        "a run whose end is unknown is repeated without a look",
        "plan/verdict.py",
        "    if case.release.verify.probe is not None and not looked:\n",
        "    if False:\n",
    ),
    _mutant(
        "a package is not read back",
        "apply/perform.py",
        "            await way.packages.check(action.ref, action.digest)\n",
        "",
    ),
    _mutant(
        "what a crash has kept from being read back is used",
        "plan/publish.py",
        "    if owned is None or owned.checked:\n        return None\n",
        "    if True:\n        return None\n",
    ),
    _mutant(
        "a script is not read back",
        "apply/perform.py",
        "            await way.scripts.check(action.ref, action.digest)\n",
        "",
    ),
    _mutant(
        "a job changes while commands of it are on their way",
        "plan/supply.py",
        "    if until is not None:\n",
        "    if False:\n",
    ),
    _mutant(
        "a command is given up before its deadline",
        "plan/endings.py",
        "    return attempt.deadline_at + terms.clock_skew\n",
        "    return attempt.intended_at + terms.clock_skew\n",
    ),
    _mutant(
        "a run is given up while it may still go on",
        "plan/endings.py",
        "        return attempt.started_at + attempt.timeout + terms.clock_skew + terms.grace\n",
        "        return attempt.started_at + terms.grace\n",
    ),
    _mutant(
        "what is told late of our own run is taken for a stranger's",
        "observe/intake.py",
        "    if any(one is not None and report.request_id in one.earlier for one in attempts):\n",
        "    if False:\n",
    ),
    _of_rollouts(
        "a quarantine is not looked at",
        "plan/courses.py",
        "    bad = quarantine_in_force(release, observed)\n",
        "    bad = None\n",
    ),
    _of_rollouts(
        "one host more than allowed is changed at a time",
        "plan/dispatch.py",
        "        elif room <= 0:\n",
        "        elif room < 0:\n",
    ),
    _of_rollouts(
        "a window is not looked at",
        "plan/gates.py",
        "    if not shut or override_of(",
        "    if True or override_of(",
    ),
    Mutant(
        name="an approval of another fingerprint counts",
        replaced=(
            (
                "plan/approval.py",
                "        if (checked.signed.release, checked.signed.fingerprint) == of\n",
                "        if checked.signed.release == release.name\n",
            ),
            (
                "observe/signature_check.py",
                "            if (item.signed.release, item.signed.fingerprint) in wanted\n",
                "",
            ),
        ),
        scene="rollouts",
    ),
    Mutant(
        name="who approves twice counts twice",
        replaced=(
            (
                "plan/approval.py",
                "        name, key = checked.signed.approver, checked.key\n",
                "        name, key = str(checked.signed), checked.key\n",
            ),
            (
                "state/requests.py",
                "approval.fingerprint[:16], approval.approver)\n",
                "approval.fingerprint[:16], f'{approval.approver}{approval.at:%H%M%S}')\n",
            ),
            (
                "state/requests.py",
                "    return approval.release, approval.fingerprint, approval.approver\n",
                "    return approval.release, approval.fingerprint, str(approval.at)\n",
            ),
        ),
        scene="rollouts",
    ),
    _of_rollouts(
        "the next wave does not wait for the soak",
        "plan/waves.py",
        "            shut = waits or _holds_the_next(release, wave, state, now)\n",
        "            shut = None\n",
    ),
    _of_rollouts(
        "a failure holds nobody back",
        "plan/gates.py",
        "    return count > rollout.max_failures\n",
        "    return False\n",
    ),
    _of_rollouts(
        "any share of hosts may fail",
        "plan/gates.py",
        "        return count * 100 > rollout.max_failures_percent * total\n",
        "        return False\n",
    ),
    _of_rollouts(
        "a wave that names labels selects nobody",
        "plan/waves.py",
        "        or (bool(wave.labels) and known is not None and carries(known, wave.labels))\n",
        "        or (False and known is not None and carries(known, wave.labels))\n",
    ),
    _of_rollouts(
        "a wave that names groups selects nobody",
        "plan/waves.py",
        "        or bool(observed.hosts.get(host, UNSEEN).groups & wave.groups)\n",
        "        or bool(observed.hosts.get(host, UNSEEN).groups & frozenset())\n",
    ),
    _of_rollouts(
        "a wave is over while hosts of it are not",
        "plan/waves.py",
        "    if state.waiting:\n",
        "    if False:\n",
    ),
    Mutant(
        name="a freeze is not looked at",
        replaced=(
            (
                "plan/gates.py",
                "    if not freeze.frozen:\n        return None\n",
                "    if True:\n        return None\n",
            ),
            ("apply/last_look.py", "        if freeze.frozen:\n", "        if False:\n"),
        ),
        scene="rollouts",
    ),
    _of_rollouts(
        "nobody who was touched goes back",
        "plan/courses.py",
        "        return by_fingerprint.get(install.returns_to)\n",
        "        return None\n",
    ),
    Mutant(
        name="a service that is not well is no reason to stop",
        replaced=(
            (
                "plan/health.py",
                "    if _is_fresh(case, view):\n        return replace(",
                "    if False:\n        return replace(",
            ),
            ("plan/waves.py", "    if unwell is not None:\n", "    if False:\n"),
        ),
        scene="rollouts",
    ),
)
