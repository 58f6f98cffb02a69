"""The words of `gate`, and what is refused with a word about what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.gate.config import gate_config


def test_a_base_is_all_that_a_gate_needs():
    config = gate_config(["base=main"])
    assert (config.base, config.head, config.suite) == ("main", "worktree", "gate")
    assert (config.threshold, config.limit_s, config.threads) == (0.05, 300, 1)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "compares with one thing"),
        (["base=a", "against=b"], "compares with one thing"),
        (["against=b", "threads=2"], "leave out threads"),
        (["against=b", "limit_s=60"], "own plan: leave out limit_s"),
        (["bas=main"], "did you mean 'base'"),
        (["base=main", "threshold=5%"], "Write threshold=0.05"),
        (["base=main", "threshold=0"], "from 0.001 to 1"),
        (["base=main", "threshold=1.05"], "Write threshold=0.05 for 5 %"),
        (["base=main", "limit_s=0"], "from 1 to"),
        (["base=main", "device=gpu"], "Write device=cpu"),
        (["base=main", "data_dir=/nowhere/at/all"], "no such folder"),
    ],
)
def test_what_makes_no_gate_is_refused(words: list[str], said: str):
    with pytest.raises(UsageError, match=said):
        gate_config(words)


def test_plugins_are_found_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    config = gate_config(["base=main", "plugin=a.py,b/c.py"])
    assert config.plugins == (str(tmp_path / "a.py"), str(tmp_path / "b" / "c.py"))
