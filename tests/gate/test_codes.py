"""An error that kept a gate from measuring is never taken for a commit that is worse."""

from __future__ import annotations

import pytest

from harness.errors import NOTHING, REGRESSED, HarnessError, NothingMeasured, UsageError
from harness.gate.findings import Revision
from harness.gate.trees import BrokenTree
from harness.gate.two_trees import bisect_code

REVISION = Revision("v1", None, None, None, dirty=False)


def test_what_could_not_be_measured_is_no_regression() -> None:
    assert NothingMeasured("no worker could be started").exit_code == NOTHING


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NothingMeasured("no worker could be started"), 125),
        (BrokenTree(REVISION, UsageError("m.py, line 1: not valid Python")), 125),
        (UsageError("base=nowhere"), 128),
        (RuntimeError("a bug"), 128),
    ],
)
def test_bisect_skips_what_could_not_be_measured_and_stops_at_the_rest(
    error: HarnessError, code: int
) -> None:
    assert bisect_code(error) == code != REGRESSED
