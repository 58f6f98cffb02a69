"""All measured values as a parquet file with the columns that benchopt gives its results.

objective_name, solver_name, data_name   the pass, the learner and the workload, with settings
objective_value                          the value; p_obj_measure and p_obj_unit say of what
idx_rep, stop_val                        the repetition (a seed in a round), the place within it
time                                     the value once more where a clock gave it, or unknown

What benchopt has no column for stands in parameters: p_obj_* of what is measured, p_solver_* and
p_dataset_* of on whom and on what.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

from harness.declare.pair import MEMBERS, TWIN, with_settings, workload_words
from harness.errors import Absent, UsageError
from harness.exports.formats import Exported
from harness.results import Results

if TYPE_CHECKING:
    import pandas as pd

INSTALL = "pip install 'meta-acceleration-harness[parquet]', or: pip install pyarrow"
UNPLANNED = "not of the run's plan"
PROBES = {
    "platform": "os",
    "platform-architecture": "machine",
    "system-processor": "cpu",
    "system-cpus": "usable_cores",
    "version-cuda": "cuda",
    "version-torch": "torch",
    "benchmark-git-tag": "git_commit",
}


def as_parquet(run: Results, options: Mapping[str, str]) -> Exported:
    """Return the file; it needs pyarrow, which is an extra."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise Absent(
            f"format=parquet needs pyarrow, which is not installed. Install it with: {INSTALL}"
        ) from None
    table = pyarrow.Table.from_pandas(benchopt_frame(run), preserve_index=False)
    content = io.BytesIO()
    pyarrow.parquet.write_table(table, content)
    return Exported({"": content.getvalue()})


def benchopt_frame(run: Results) -> pd.DataFrame:
    """Return the run's frame under the names that benchopt uses, one row a measured value."""
    import pandas as pd

    frame = run.frame()
    if frame.empty:
        raise UsageError("nothing can be exported: the run has no values that may be shown.")
    who = {
        (pair.name, member): (
            with_settings(pair.learner(member), dict(pair.learner_settings(member))),
            workload_words(pair),
        )
        for pair in run.manifest.suite.pair
        for member in (*MEMBERS, TWIN)
    }
    keys = zip(frame["pair"], frame["member"], strict=True)
    learners, workloads = zip(*(who.get(key, (UNPLANNED, UNPLANNED)) for key in keys), strict=True)
    series = [frame[name] for name in ("pair", "member", "pass", "point", "measure")]
    # A repetition is known by its seed and round, and counted within what it repeats.
    repetition = frame["seed"] * (1 + frame["round"].max()) + frame["round"]
    return pd.DataFrame(
        {
            "objective_name": frame["pass"].astype(str),
            "solver_name": learners,
            "data_name": workloads,
            "p_obj_pair": frame["pair"].astype(str),
            "p_obj_measure": frame["measure"].astype(str),
            "p_obj_unit": frame["unit"].astype(str),
            "p_obj_point": frame["point"].astype(str),
            "p_solver_member": frame["member"].astype(str),
            "p_dataset_seed": frame["seed"],
            "p_dataset_round": frame["round"],
            "idx_rep": repetition.groupby(series, observed=True).rank("dense").astype(int) - 1,
            "stop_val": frame.groupby([*series, repetition], observed=True).cumcount() + 1,
            "sampling_strategy": "run_once",
            "time": frame["value"].where(frame["unit"].astype(str) == "s"),
            "objective_value": frame["value"],
            **{name: str(run.manifest.probes.get(probe)) for name, probe in PROBES.items()},
        }
    )
