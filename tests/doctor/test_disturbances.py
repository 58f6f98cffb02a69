"""What is found of a machine, and whether it disturbs times."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from harness.doctor.disturbances import disturbances, line_of, unfit
from harness.doctor.finding import State
from harness.doctor.machine import Machine
from harness.doctor.nvidia import Gpu

GIB = 1 << 30
IDLE = Gpu(0.0, slowed=False, persists=True, processes=0)
QUIET = Machine(
    cores=4,
    logical_cores=4,
    load=0.1,
    niceness=-10,
    steal=0.0,
    policies=frozenset({"performance"}),
    boosts=False,
    slowed=0,
    siblings=False,
    memory_bytes=16 * GIB,
    available_bytes=12 * GIB,
    gpus=(IDLE,),
    variables={"OMP_NUM_THREADS": "4", "OMP_PROC_BIND": "false"},
)


def test_a_quiet_machine_is_fit_in_all_respects():
    assert {found.state for found in disturbances(QUIET)} == {State.FIT}
    assert unfit(QUIET) == {}
    assert line_of({}).startswith("nothing was found")


@pytest.mark.parametrize(
    ("changes", "subject", "seen"),
    [
        ({"load": 1.2}, "load", "1.2 on 4 cores"),
        ({"busy": 3}, "busy processes", "3"),
        ({"steal": 0.11}, "other virtual machines", "11 % of processor time"),
        ({"quota": 1.5}, "processor quota", "time of 1.5 cores, where 4 may be used"),
        ({"policies": {"powersave", "performance"}}, "clock rate policy", "performance, powersave"),
        ({"variables": {"OMP_PROC_BIND": "close"}}, "thread settings", "OMP_PROC_BIND is set"),
        ({"variables": {"OMP_DYNAMIC": "TRUE"}}, "thread settings", "OMP_DYNAMIC is set"),
        ({"variables": {"OMP_THREAD_LIMIT": "1"}}, "thread settings", "OMP_THREAD_LIMIT is set"),
        ({"variables": {"KMP_BLOCKTIME": "200"}}, "thread settings", "KMP_BLOCKTIME is set"),
        ({"available_bytes": GIB}, "memory", "1.0 of 16.0 GiB free"),
        ({"swapped_bytes": GIB}, "swap", "1,024 MiB in use"),
        (
            {"gpus": (dataclasses.replace(IDLE, processes=2, utilization=70.0),)},
            "GPU",
            "2 processes on it, busy 70 % of the time",
        ),
        (
            {"gpus": (IDLE, dataclasses.replace(IDLE, slowed=True))},
            "GPU 1",
            "its clock rate is lowered by heat or by its power limit",
        ),
    ],
)
def test_what_disturbs_times_is_found_with_its_effect_and_remedy(
    changes: dict[str, Any], subject: str, seen: str
):
    machine = dataclasses.replace(QUIET, **changes)
    (found,) = [each for each in disturbances(machine) if each.state is not State.FIT]
    assert (found.subject, found.state, found.seen) == (subject, State.UNFIT, seen)
    assert found.effect
    assert found.remedy
    assert unfit(machine) == {subject: seen}
    assert f"{subject}: {seen}" in line_of(unfit(machine))


@pytest.mark.parametrize("changes", [{"boosts": True}, {"slowed": 7}, {"siblings": True}])
def test_what_would_make_times_steadier_is_advice_alone(changes: dict[str, Any]):
    machine = dataclasses.replace(QUIET, **changes)
    (found,) = [each for each in disturbances(machine) if each.state is not State.FIT]
    assert found.state is State.ADVICE
    assert found.effect
    assert found.remedy
    assert unfit(machine) == {}


def test_what_a_system_does_not_say_is_unknown_and_never_fit():
    found = disturbances(Machine(2, 2))
    assert [each.subject for each in found if each.state is State.UNKNOWN] == [
        *("load", "other virtual machines", "clock rate policy"),
        *("turbo", "throttling", "logical cores"),
    ]
