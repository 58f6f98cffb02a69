"""What disturbed a run stands on its first page."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from tests.judge.builders import (
    AA,
    PAIR,
    changed,
    judged,
    warnings_of,
    whole,
)


class TestDisturbance:
    def test_by_other_machines_is_on_the_first_page(self) -> None:
        records = changed(whole(), {"steal": 0.12}, pair="pair", measured="step", round=0)
        (said,) = warnings_of(judged(records))
        assert "more than 5 % of the CPU time in 6 of 48 timed blocks" in said
        assert "at most 12 %" in said

    def test_by_a_move_to_another_machine_of_the_class_is_on_the_first_page(self) -> None:
        first = changed(whole(), {"node": "a"})
        assert warnings_of(judged(first)) == ()
        (said,) = warnings_of(judged(changed(first, {"node": "b"}, pair="pair", round=1)))
        assert "pair was timed on 2 machines of one class" in said

    def test_of_many_warm_ups_is_on_the_first_page(self) -> None:
        few = changed(whole(), {"warmup_steady": False}, measured="step", round=0, seed=0)
        many = changed(few, {"warmup_steady": False}, measured="step", round=1)
        assert warnings_of(judged(few)) == ()
        (said,) = warnings_of(judged(many))
        assert "steady in 16 of 48 timed blocks" in said

    @pytest.mark.parametrize(
        ("threads", "usable", "cores"), [(1, 8, "1 core"), (8, 2, "2 cores"), (3, None, "3 cores")]
    )
    def test_of_ranks_by_each_other_is_on_the_first_page(
        self, threads: int, usable: int | None, cores: str
    ) -> None:
        pair = dataclasses.replace(PAIR, ranks=4)
        about = {"threads": threads, "probes": {"usable_cores": usable}, "pairs": (pair, AA)}
        (said,) = warnings_of(judged(whole(pair), **about))
        assert said.startswith(f"pair pair ran 4 ranks of one thread each on {cores}:")

    @pytest.mark.parametrize("about", [{"device": "cuda"}, {"threads": 4}])
    def test_of_ranks_is_none_where_each_has_a_device_or_a_core(self, about: Any) -> None:
        pair = dataclasses.replace(PAIR, ranks=4)
        assert warnings_of(judged(whole(pair), pairs=(pair, AA), **about)) == ()

    def test_is_no_matter_where_speed_is_not_judged(self) -> None:
        records = changed(whole(), {"warmup_steady": False, "steal": 0.5}, measured="step")
        assert len(warnings_of(judged(records))) == 2
        assert len(warnings_of(judged(records, verdicts=False))) == 1
