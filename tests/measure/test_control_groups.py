"""The memory that is left: the machine's, or what a control group allows."""

from __future__ import annotations

from pathlib import Path

import psutil

from harness.measure.control_groups import memory_left

MIB = 2**20


def group(folder: Path, most: str, taken: int, droppable: int = 0) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "memory.max").write_text(f"{most}\n")
    (folder / "memory.current").write_text(f"{taken}\n")
    (folder / "memory.stat").write_text(
        f"anon 7\ninactive_file {droppable // 2}\nactive_file {droppable // 2}\n"
    )


def test_of_nested_groups_the_tightest_counts_and_pages_of_files_are_free(tmp_path: Path):
    own, groups = tmp_path / "own", tmp_path / "groups"
    own.write_text("0::/job/step\n")
    group(groups / "job", str(100 * MIB), 70 * MIB, droppable=20 * MIB)
    group(groups / "job" / "step", "max", 60 * MIB)
    assert memory_left(groups, own) == 50 * MIB
    group(groups / "job" / "step", str(64 * MIB), 65 * MIB)
    assert memory_left(groups, own) == 0


def test_groups_of_the_first_version_count_too(tmp_path: Path):
    own, groups = tmp_path / "own", tmp_path / "groups"
    own.write_text("5:cpu,cpuacct:/x\n4:memory:/job\n")
    job = groups / "memory" / "job"
    job.mkdir(parents=True)
    (job / "memory.limit_in_bytes").write_text(f"{40 * MIB}\n")
    (job / "memory.usage_in_bytes").write_text(f"{30 * MIB}\n")
    (job / "memory.stat").write_text(f"total_inactive_file {5 * MIB}\n")
    assert memory_left(groups, own) == 15 * MIB


def test_without_groups_it_is_the_machine_s(tmp_path: Path):
    left = memory_left(tmp_path / "none", tmp_path / "none")
    assert 0 < left <= psutil.virtual_memory().total
