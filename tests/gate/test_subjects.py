"""A subject of a gate is a learner beside itself."""

from __future__ import annotations

import dataclasses

from tests.gate.made import SUBJECT


def test_a_subject_is_itself_on_either_side():
    pair = dataclasses.replace(SUBJECT, settings={"a": 1}).pair()
    assert pair.is_aa
    assert pair.name == "m on w (a=1)"
