"""What makes a record of variants useless: a file can hold what no measurement gives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, pairwise

from harness.records.record import Record

LARGEST = 1e100
SHORTEST_S, LONGEST_S = 1e-15, 1e9


def flaw_of_qualities(record: Record) -> str | None:
    if found := _flaw_of_names(record):
        return found
    if not _fits(record, record.variant_valid) or not _fits(record, record.variant_test):
        return "its record lacks the quality of some variant at some number of steps"
    tested = [tasks for row in record.variant_test or () for tasks in row]
    if not all(tested) or len({len(tasks) for tasks in tested}) > 1:
        return "its record does not hold the same test tasks of every variant"
    values = chain(*(record.variant_valid or ()), *tested)
    if not _between(values, -LARGEST, LARGEST):
        return "its record holds a quality that is no measurement"
    if record.metric is None or record.higher_is_better is None:
        return "its record does not say what quality means"
    if record.variant_trained_at is not None and not 0 < record.variant_trained_at < LARGEST:
        return "its record tells of a training at inner steps that nobody takes"
    return None


def flaw_of_times(record: Record) -> str | None:
    if found := _flaw_of_names(record):
        return found
    if not _fits(record, record.variant_seconds) or not _fits(record, record.variant_batch_seconds):
        return "its record lacks the time of some variant at some number of steps"
    calls = [calls for row in record.variant_seconds or () for calls in row]
    if not all(calls):
        return "its record holds a variant that was never called"
    values = chain(*calls, *(record.variant_batch_seconds or ()))
    if not _between(values, SHORTEST_S, LONGEST_S):
        return "its record holds seconds which no clock gives"
    return None


def flaw_of_counts(record: Record) -> str | None:
    if found := _flaw_of_names(record):
        return found
    if not _fits(record, record.variant_flops):
        return "its record lacks the operations of some variant at some number of steps"
    if not _between(chain(*(record.variant_flops or ())), -1, LARGEST):
        return "its record holds operations which nothing counts"
    return None


def _flaw_of_names(record: Record) -> str | None:
    names, steps = record.variants, record.variant_steps
    if not names or not steps or len(set(names)) < len(names):
        return "its record does not name its variants, each once, and their numbers of steps"
    if len(record.variant_known_as or ()) != len(names) or record.variant_full not in names:
        return "its record does not say what its variants are known as, and which is full"
    if steps[0] < 1 or any(after <= before for before, after in pairwise(steps)):
        return "the numbers of inner steps in its record do not go upwards"
    return None


def _fits(record: Record, table: Sequence[Sequence[object]] | None) -> bool:
    rows, columns = len(record.variants or ()), len(record.variant_steps or ())
    return [len(row) for row in table or ()] == [columns] * rows


def _between(values: Iterable[float], low: float, high: float) -> bool:
    """Say whether all lie between; comparisons with NaN are false."""
    return all(low < value < high for value in values)
