"""What controllers log in a storm is read by nobody."""

from collections.abc import Iterator

import pytest
import structlog

from tests.simulation.stage import be_quiet


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    be_quiet()
    yield
    structlog.reset_defaults()
