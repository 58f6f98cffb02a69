"""The record: what one block saw, as a flat object whose every field has a type and a unit.

Unknown is null, never 0. Records of an older schema are read through a fixture-guarded path;
records of a newer one are refused with a word about upgrading.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import harness
from harness.declare.equivalence import Held
from harness.declare.settings import build
from harness.declare.suite import Member, Pass
from harness.errors import StoreError, UsageError

SCHEMA = 1
DAMAGED = "It is damaged: restore it, or measure anew."

Status = Literal["ok", "failed", "timeout", "skipped", "not finite", "out of memory", "died"]


def _in(unit: str, default: Any = None) -> Any:
    return field(default=default, metadata={"unit": unit})


@dataclass(frozen=True)
class Record:
    """One block's record. Fields that the block's pass does not measure stay null."""

    # What was run.
    block: str
    pair: str
    measured: Pass
    member: Member
    learner: str
    workload: str
    settings: str  # of the workload, as words
    learner_settings: str
    seed: int  # the repetition; the seed that tasks are drawn with is derived from it
    round: int
    status: Status
    schema: int = SCHEMA
    reason: str | None = None
    data: str | None = None
    metric: str | None = None
    higher_is_better: bool | None = None
    held_out_shared: bool | None = None  # whether every seed has the same held-out examples
    device: str | None = None
    dtype: str | None = None
    samples: int | None = _in("samples")  # of a step
    parameters: int | None = None  # of the model whose memory is looked at
    threads: int | None = None  # of each process
    processes: int | None = None  # the ranks that shared the work
    communicator: str | None = None  # what they talked to each other with
    fast_paths: str | None = None  # what really ran, as words

    # step, adaptation: seconds of one step, one value an interval. Of ranks: of the slowest; what
    # the one that waited least stood waiting for sums, which is what the sums cost, the rest being
    # computing; and what the ranks waited beyond that on average, for others that had more to do
    seconds: tuple[float, ...] | None = _in("s")
    allreduce_seconds: tuple[float, ...] | None = _in("s")
    imbalance_seconds: tuple[float, ...] | None = _in("s")
    steps_per_interval: int | None = _in("steps")
    warmup_seconds: tuple[float, ...] | None = _in("s")
    warmup_s: float | None = _in("s")
    warmup_steady: bool | None = None  # whether two halves of the warm-up agreed
    compile_s: float | None = _in("s")

    # memory: of ranks, of the one that held most
    peak_bytes: int | None = _in("bytes")  # above live_bytes, during a step
    live_bytes: int | None = _in("bytes")  # of state and data at its start
    reserved_bytes: int | None = _in("bytes")  # CUDA alone
    resident_bytes: int | None = _in("bytes")

    # growth: the peak above the bytes at its start, of a step with so many inner steps
    growth_steps: tuple[int, ...] | None = _in("steps")
    growth_bytes: tuple[int, ...] | None = _in("bytes")

    # scaling: the fields of step, and of operations what concerns all-reduces; the tasks of a step
    # that all ranks shared, and the seconds of bare all-reduces of so many bytes
    tasks: int | None = _in("tasks")
    wire_bytes: tuple[int, ...] | None = _in("bytes")
    wire_seconds: tuple[float, ...] | None = _in("s")

    # operations: of all ranks together, since work that is done twice is not saved; and of the rank
    # that did most. What a rank put on the wire in all-reduces is counted for each rank alone
    flops: int | None = _in("operations")
    backward_passes: int | None = _in("calls")
    adaptation_flops: int | None = _in("operations")  # of adapting to a batch, where that is timed
    rank_flops: int | None = _in("operations")
    allreduce_calls: int | None = _in("calls")
    allreduce_bytes: int | None = _in("bytes")

    # variants, variant_times, operations: of each variant, at each number of inner steps
    variants: tuple[str, ...] | None = None
    variant_known_as: tuple[str, ...] | None = None  # as others have published it, or empty
    variant_full: str | None = None  # the one that leaves nothing out
    variant_steps: tuple[int, ...] | None = _in("steps")
    variant_trained_at: int | None = _in("steps")  # the inner steps of their training
    variant_valid: tuple[tuple[float, ...], ...] | None = None  # mean over validation tasks
    variant_test: tuple[tuple[tuple[float, ...], ...], ...] | None = None  # of every test task
    variant_seconds: tuple[tuple[tuple[float, ...], ...], ...] | None = _in("s")  # of every call
    variant_batch: int | None = _in("tasks")
    variant_batch_seconds: tuple[tuple[float, ...], ...] | None = _in("s")
    variant_flops: tuple[tuple[int, ...], ...] | None = _in("operations")  # one task's adaptation

    # curve, trajectory
    curve_steps: tuple[int, ...] | None = _in("steps")
    curve_quality: tuple[float, ...] | None = None  # mean over validation tasks, at curve_steps
    test_quality: tuple[float, ...] | None = None  # of every test task
    train_seconds: float | None = _in("s")
    losses: tuple[float, ...] | None = None
    fingerprint: tuple[float, ...] | None = None  # of the weights, after every step

    # check
    equivalence: str | None = None  # Exact, InTheLimit, Approximate
    passed: bool | None = None
    worst: float | None = None  # the largest part of its tolerance that any example used
    worst_error: float | None = None
    tolerance: float | None = None
    worst_case: str | None = None
    held: Held | None = None  # what worst_error is
    cosine: float | None = None  # least cosine to the oracle's gradient
    distance: float | None = None  # largest relative error against the oracle's gradient
    examples: int | None = None

    # the block itself
    wall_s: float | None = _in("s")
    measured_s: float | None = _in("s")  # inside measured intervals
    load: float | None = None  # load average over one minute, at the start
    steal: float | None = None  # share of CPU time taken by other machines, during the block
    temperature: float | None = _in("°C")
    gpu_processes: int | None = None
    started: str | None = None  # UTC

    def to_line(self) -> str:
        return json.dumps(dataclasses.asdict(self), ensure_ascii=False, allow_nan=False) + "\n"


def record_from(line: str | bytes, where: str) -> Record:
    """Read one line, or say what is wrong with it and where."""
    try:
        table = json.loads(line)
    except ValueError as error:
        raise StoreError(f"{where}: not valid JSON ({error}). {DAMAGED}") from None
    if not isinstance(table, dict):
        raise StoreError(
            f"{where}: a record must be an object, not {type(table).__name__}. {DAMAGED}"
        )
    require_schema(table, where)
    try:
        return build(Record, table, where)
    except UsageError as error:
        raise StoreError(f"{error} {DAMAGED}") from None


def require_schema(table: Mapping[str, Any], where: str, known: int = SCHEMA) -> None:
    """Refuse what another version of the harness wrote in a way that this one can't read."""
    schema = table.get("schema")
    if schema != known or isinstance(schema, bool):
        newer = isinstance(schema, int) and schema > known
        raise StoreError(
            f"{where}: schema {schema!r} is not the schema {known} that this version "
            f"({harness.__version__}) reads. "
            + ("Upgrade the harness to read it." if newer else DAMAGED)
        )


def unit_of(name: str) -> str | None:
    """Return the unit of a record's field."""
    return next(f.metadata.get("unit") for f in dataclasses.fields(Record) if f.name == name)
