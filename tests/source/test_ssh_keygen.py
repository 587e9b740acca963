"""Signatures by real keys: who has signed what, and who has not."""

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.errors import SignatureRefused, UsageError
from reconciler.model.approval import Approval, Gate, Override
from reconciler.model.identity import Fingerprint, ReleaseName
from reconciler.model.pruning import PruneApproval
from reconciler.source.ssh_keygen import SshSeals, sign, verify
from tests.support.builders import NOON

MIKA, AKI = "mika@example.com", "aki@example.com"


@dataclass(frozen=True)
class Key:
    """A key pair without a passphrase."""

    file: Path

    @property
    def public(self) -> str:
        return self.file.with_suffix(".pub").read_text().rsplit(" ", 1)[0]

    @property
    def fingerprint(self) -> str:
        words = ["ssh-keygen", "-l", "-f", str(self.file)]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()[1]


@pytest.fixture
def key(tmp_path: Path) -> Callable[[str], Key]:
    def make(name: str) -> Key:
        words = [
            "ssh-keygen",
            "-q",
            "-t",
            "ed25519",
            "-N",
            "",
            "-C",
            name,
            "-f",
            str(tmp_path / name),
        ]
        subprocess.run(words, check=True)
        return Key(tmp_path / name)

    return make


def approval(by: str = MIKA, reason: str = "seen on the bench") -> Approval:
    return Approval(
        release=ReleaseName("tool"),
        fingerprint=Fingerprint("f" * 64),
        approver=by,
        at=NOON,
        reason=reason,
    )


def signers(folder: Path, *lines: str) -> Path:
    file = folder / "allowed_signers"
    file.write_text("".join(f"{line}\n" for line in lines))
    return file


async def test_a_word_that_its_person_has_signed_names_the_key(
    key: Callable[[str], Key], tmp_path: Path
) -> None:
    mika = key("mika")
    file = signers(tmp_path, f"{MIKA} {mika.public}")
    word = replace(approval(), signature=sign(approval(), str(mika.file)))

    assert await SshSeals(file).signer(word) == mika.fingerprint


def test_every_part_of_a_word_is_signed(key: Callable[[str], Key], tmp_path: Path) -> None:
    mika = key("mika")
    file = signers(tmp_path, f"{MIKA},{AKI} {mika.public}")
    override = Override(
        release=ReleaseName("tool"),
        fingerprint=Fingerprint("f" * 64),
        gate=Gate.WINDOW,
        approver=MIKA,
        at=NOON,
        until=NOON + timedelta(hours=1),
        reason="the data centre moves",
    )
    longer = replace(override, signature=sign(override, str(mika.file)))
    assert verify(longer, file)
    word = replace(approval(), signature=sign(approval(), str(mika.file)))

    for forged in (
        replace(word, release=ReleaseName("other")),
        replace(word, fingerprint=Fingerprint("e" * 64)),
        replace(word, approver=AKI),
        replace(word, at=NOON + timedelta(days=1)),
        replace(word, reason="whatever"),
        replace(longer, until=NOON + timedelta(days=1)),
        replace(longer, signature=word.signature),
    ):
        with pytest.raises(SignatureRefused, match="its signature is over something else"):
            verify(forged, file)


def test_a_word_on_a_prune_is_over_what_would_be_deleted(
    key: Callable[[str], Key], tmp_path: Path
) -> None:
    mika = key("mika")
    file = signers(tmp_path, f"{MIKA} {mika.public}")
    bare = PruneApproval(items=("package tool/1.0.0 (stored as 7)",), approver=MIKA, at=NOON)
    word = replace(bare, signature=sign(bare, str(mika.file)))

    assert verify(word, file) == mika.fingerprint
    with pytest.raises(SignatureRefused, match="its signature is over something else"):
        verify(replace(word, items=(*word.items, "job install-tool 1.0.0")), file)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("aki@example.com {mika}", "no key of this person in allowed_signers has signed it"),
        ("mika@example.com {other}", "no key of this person in allowed_signers has signed it"),
        ('mika@example.com namespaces="git" {mika}', "no key of this person in allowed_signers"),
        ('mika@example.com valid-before="20200101" {mika}', "no key of this person in allowed_"),
    ],
    ids=["another person's", "another key", "for git alone", "no longer"],
)
def test_a_key_that_is_not_the_persons_counts_for_nothing(
    key: Callable[[str], Key], tmp_path: Path, line: str, why: str
) -> None:
    mika, other = key("mika"), key("other")
    file = signers(tmp_path, line.format(mika=mika.public, other=other.public))
    word = replace(approval(), signature=sign(approval(), str(mika.file)))

    with pytest.raises(SignatureRefused, match=why):
        verify(word, file)


@pytest.mark.parametrize(
    ("signature", "why"),
    [
        ("", "it is not signed: approve with --key FILE"),
        ("nonsense", "its signature is no signature"),
        ("x" * 20_000, "its signature is no signature"),
    ],
    ids=["none", "nonsense", "endless"],
)
def test_what_is_no_signature_counts_for_nothing(
    key: Callable[[str], Key], tmp_path: Path, signature: str, why: str
) -> None:
    file = signers(tmp_path, f"{MIKA} {key('mika').public}")

    with pytest.raises(SignatureRefused, match=why):
        verify(replace(approval(), signature=signature), file)


def test_a_list_of_signers_that_is_not_there_lets_nobody_through(
    key: Callable[[str], Key], tmp_path: Path
) -> None:
    word = replace(approval(), signature=sign(approval(), str(key("mika").file)))
    missing = tmp_path / "nowhere"

    assert SshSeals(missing).edition() == "unreadable: No such file or directory"
    with pytest.raises(SignatureRefused, match=r"nowhere cannot be read: mend approval.allowed_s"):
        verify(word, missing)


def test_another_list_of_signers_has_another_edition(tmp_path: Path) -> None:
    seals = SshSeals(signers(tmp_path, "mika@example.com ssh-ed25519 AAAA"))
    first = seals.edition()

    assert seals.edition() == first
    signers(tmp_path, "mika@example.com ssh-ed25519 BBBB")
    assert seals.edition() != first


@pytest.mark.parametrize("key_text", ["/nowhere/id_ed25519", "key::ssh-ed25519 AAAA nobody"])
def test_a_key_that_cannot_sign_is_told(key_text: str) -> None:
    with pytest.raises(UsageError, match=r"cannot sign with this key: .*; name another by --key"):
        sign(approval(), key_text)
