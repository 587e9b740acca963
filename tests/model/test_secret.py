"""A secret's value gets out by one door."""

import json
import pickle
from dataclasses import dataclass

import pytest

from reconciler.model.secret import Secret


@dataclass(frozen=True)
class Holder:
    secret: Secret


def test_it_does_not_show() -> None:
    secret = Secret("hunter2")

    for shown in (str(secret), repr(secret), f"{secret:>20}", f"{Holder(secret)}", f"{[secret]}"):
        assert "hunter2" not in shown
        assert "***" in shown


def test_it_is_written_nowhere() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(Secret("hunter2"))
    with pytest.raises(TypeError):
        json.dumps(Secret("hunter2"))
    with pytest.raises(TypeError):
        hash(Secret("hunter2"))


def test_two_of_the_same_value_are_equal() -> None:
    assert Secret("ä") == Secret("ä")
    assert Secret("ä") != Secret("a")
    assert Secret("a") != "a"
