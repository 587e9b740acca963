"""`python -m tests.walk`: README's commands on a clean clone, in order; 1 where it is not so."""

import sys
import tempfile
from pathlib import Path

from tests.support.documents import ROOT
from tests.walk.place import Astray, Place
from tests.walk.readme import walk


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="kanade-walk-") as folder:
        place = Place(folder=Path(folder), source=ROOT)
        place.settle()
        try:
            walk(place)
        except Astray as error:
            sys.stdout.write(f"{error}\n")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
