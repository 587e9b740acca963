"""SHA-256 in the spellings of kanade, of git's people and of the deploy scripts."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.digest import Digest

HEX = "ba2ed6b4d2b44be7b5d5b5c0a0c3ce0d0c0e1a3a0d1a9a5e7f4b8c7d6e5f4a3b"


def test_the_empty_text_has_the_digest_that_everybody_knows() -> None:
    digest = Digest.of(b"")

    assert digest.hex == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert digest.kanade == "SHA-256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU="
    assert (str(digest), digest.short) == (digest.hex, "e3b0c44298fc")


@pytest.mark.parametrize(
    "text",
    [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "SHA-256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=",
        "SHA-256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU",
    ],
    ids=["hex", "padded", "unpadded"],
)
def test_every_spelling_is_read_as_the_same(text: str) -> None:
    assert Digest.parse(text) == Digest.of(b"")


@given(st.binary(max_size=50))
def test_what_is_spelled_is_read_back(content: bytes) -> None:
    digest = Digest.of(content)

    assert Digest.parse(digest.hex) == digest
    assert Digest.parse(digest.kanade) == digest
    assert Digest.parse(digest.kanade.rstrip("=")) == digest


@pytest.mark.parametrize(
    "text",
    [
        "",
        HEX[:-1],
        HEX + "0",
        HEX.upper(),
        HEX[:-1] + "g",
        HEX + "\n",
        " " + HEX,
        "\u0661" + HEX[1:],
        "sha256:" + HEX,
        "SHA-256=",
        "SHA-256=" + HEX,
        "sha-256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=",
        "SHA-256=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
        "SHA-256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuF=",
        "SHA-256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "SHA-256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFUU",
    ],
)
def test_anything_else_is_refused_and_quoted(text: str) -> None:
    with pytest.raises(ValueError, match="not a sha256"):
        Digest.parse(text)


def test_a_digest_is_kept_in_the_spelling_that_scripts_compare() -> None:
    with pytest.raises(ValueError, match="64 lowercase hex digits"):
        Digest(HEX.upper())

    encoded = base64.urlsafe_b64encode(bytes.fromhex(HEX)).decode()
    assert Digest.parse(f"SHA-256={encoded}").hex == HEX
