"""What is read of a machine: from files as systems write them, and of other processes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.doctor import machine, nvidia, tuning
from harness.doctor.nvidia import Gpu

BURN = "import os\nwhile os.getppid() == {parent}: pass"


def written(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def test_clock_rates_are_read_of_all_cores(tmp_path: Path):
    system = written(
        tmp_path,
        {
            "cpu0/cpufreq/scaling_governor": "performance\n",
            "cpu11/cpufreq/scaling_governor": "schedutil\n",
            "cpu0/thermal_throttle/core_throttle_count": "2\n",
            "cpu11/thermal_throttle/core_throttle_count": "3\n",
            "cpufreq/boost": "1\n",
        },
    )
    assert machine.policies(system) == {"performance", "schedutil"}
    assert machine.slowed(system) == 5
    assert machine.boosts(system) is True
    assert machine.boosts(written(tmp_path, {"intel_pstate/no_turbo": "1\n"})) is False
    nothing = tmp_path / "nothing"
    assert (machine.policies(nothing), machine.slowed(nothing)) == (frozenset(), None)
    assert machine.boosts(nothing) is None


@pytest.mark.parametrize(
    ("files", "own", "cores"),
    [
        ({"cpu.max": "150000 100000"}, "0::/\n", 1.5),
        ({"cpu.max": "max 100000", "a/b/cpu.max": "300000 100000"}, "0::/a/b\n", 3.0),
        ({"a/cpu.max": "200000 100000", "a/b/cpu.max": "max 100000"}, "0::/a/b\n", 2.0),
        (
            {"cpu/x/cpu.cfs_quota_us": "50000", "cpu/x/cpu.cfs_period_us": "100000"},
            "4:memory:/y\n3:cpu,cpuacct:/x\n0::/\n",
            0.5,
        ),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, "3:cpu:/\n", None),
        ({}, "0::/gone\n", None),
    ],
)
def test_the_smallest_quota_of_the_groups_around_counts(
    tmp_path: Path, files: dict[str, str], own: str, cores: float | None
):
    groups = written(tmp_path / "groups", files)
    assert machine.quota(groups, written(tmp_path, {"own": own}) / "own") == cores


def test_a_busy_process_is_counted_and_not_named():
    before = machine.this_machine()
    with subprocess.Popen([sys.executable, "-c", BURN.format(parent=os.getpid())]) as burner:
        try:
            # A crowded machine may not give it a fifth of a core at once.
            found = (machine.this_machine() for _ in range(30))
            assert any(each.busy > 0 for each in found)
        finally:
            burner.kill()
    assert before.cores >= 1
    assert before.memory_bytes > before.available_bytes > 0
    assert str(burner.pid) not in repr(before)


def test_variables_of_other_libraries_are_left_alone():
    environment = {"OMP_NUM_THREADS": "2", "KMP_AFFINITY": "compact", "SECRET": "x", "PATH": "/bin"}
    assert set(machine.variables(environment)) == {"OMP_NUM_THREADS", "KMP_AFFINITY"}


def test_a_gpu_is_read_as_its_driver_tells(monkeypatch: pytest.MonkeyPatch):
    told = {
        None: "0, 0x0000000000000001, Enabled\n[N/A], 0x0000000000000048, Disabled",
        "0": "",
        "1": "71\n72",
    }
    monkeypatch.setattr(nvidia, "query", lambda fields, index=None, of="": told[index])
    assert nvidia.gpus() == (
        Gpu(0.0, slowed=False, persists=True, processes=0),  # slow since it is idle: no trouble
        Gpu(None, slowed=True, persists=False, processes=2),
    )


def test_pyperfs_advice_is_taken_but_for_what_is_looked_at_anyway():
    told = """System state
============

CPU: use 2 logical CPUs: 0-1

Advices
=======

Perf event: Set max sample rate to 1
Turbo Boost (intel_pstate): Disable Turbo Boost to get more reliable CPU frequency
Linux scheduler: Use isolcpus=<cpu list> kernel parameter to isolate CPUs

Warnings
========

Turbo Boost (MSR): Try to load the msr kernel module
"""
    found = list(tuning.advised(told))
    assert [each.subject for each in found] == ["pyperf on Perf event", "pyperf on Linux scheduler"]
    assert found[1].seen == "Use isolcpus=<cpu list> kernel parameter to isolate CPUs"
    assert all(each.effect and each.remedy for each in found)
