"""README's picture: what the demo printed, and nothing that is fetched from elsewhere."""

import re
from xml.etree import ElementTree as ET

import pytest

from docs.generate.picture import picture
from tests.support.documents import ROOT, blocks_of, missing

PRINTED = """\
   starting NATS

== A commit bumps <it> & all
   committed fbb7c1e3f625
   step  publish-script/deploy
   $ reconciler get hosts
     HOST  RELEASE
   ok  backend-01 runs 0.43.0
"""


def texts(svg: str) -> list[str]:
    return ["".join(found.itertext()) for found in ET.fromstring(svg).iter() if "text" in found.tag]


def test_it_shows_the_scenes_and_what_was_claimed() -> None:
    assert texts(picture(PRINTED)) == [
        "$ make demo",
        "== A commit bumps <it> & all",
        "committed fbb7c1e3f625",
        "ok  backend-01 runs 0.43.0",
    ]


def test_a_demo_that_came_to_no_scene_is_no_picture() -> None:
    with pytest.raises(ValueError, match="no scene"):
        picture("   starting NATS\n")


def test_the_one_in_readme_is_small_and_needs_nothing_else() -> None:
    svg = (ROOT / "docs/demo.svg").read_text("utf-8")

    assert len(svg) < 16_000
    assert re.findall(r"https?://[^\"]+|url\(|href|/(?:tmp|home|work|root)/", svg) == [
        "http://www.w3.org/2000/svg"
    ]
    assert "prefers-color-scheme:dark" in svg


def test_it_shows_what_readme_says_that_the_demo_prints() -> None:
    """Commits and times, which are others each time, are left out."""
    varying = re.compile(r"\b(?:[0-9a-f]{12}|\d+(?:\.\d+)? m?s)\b")
    (block,) = (it for it in blocks_of(ROOT / "README.md") if it.language == "text")
    shown = [varying.sub("...", line) for line in block.text.splitlines()]

    assert missing(shown, "\n".join(texts((ROOT / "docs/demo.svg").read_text("utf-8")))) is None
