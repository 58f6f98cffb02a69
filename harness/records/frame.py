"""The frame: records as a tidy table, one row a measured value.

Whatever field of a record says its unit is a measure; a field that holds several values gives a row
for each of them, in their order. The unit of a quality is its metric.
"""

from __future__ import annotations

import dataclasses
from array import array
from collections.abc import Iterator, Mapping, Sequence
from io import BytesIO
from typing import TYPE_CHECKING, Any

from harness.declare.passes import Seen
from harness.declare.point import words_of
from harness.records.record import Record
from harness.records.seen import METRIC

if TYPE_CHECKING:
    import pandas as pd

FILE = "measures.csv"
AT_ONCE = 10_000
"""Records whose rows are there at once while the file is written."""


def frame(records: Sequence[Record[Seen]]) -> pd.DataFrame:
    """Return all that the records measured; one that says why it measured nothing has no rows."""
    import numpy as np
    import pandas as pd

    every = [each for record in records for each in record.spread()]
    units = _units(every)
    # Words are the same in many rows, so what is kept of a row is its value, and of the rows that
    # a field gives their number, their record and their measure.
    values, rows, numbers = array("d"), array("q"), array("q")
    measures, units_of_rows = list[str](), list[str]()
    for number, record in enumerate(every):
        for of in (record, record.seen):
            for field, unit in units.get(type(of), {}).items():
                for measure, value in _named(field, getattr(of, field)):
                    before = len(values)
                    values.extend(_leaves(value))
                    rows.append(len(values) - before)
                    numbers.append(number)
                    measures.append(measure)
                    units_of_rows.append((record.metric or "") if unit == METRIC else unit)
    places = np.repeat(np.asarray(numbers), rows)

    def of_record(name: str) -> Any:
        return pd.Categorical([getattr(record, name) for record in every]).take(places)

    def of_field(texts: list[str]) -> Any:
        return pd.Categorical(texts).take(np.repeat(np.arange(len(texts)), rows))

    return pd.DataFrame(
        {
            "pair": of_record("pair"),
            "member": of_record("member"),
            "pass": of_record("measured"),
            "seed": np.array([record.seed for record in every], dtype=int)[places],
            "round": np.array([record.round for record in every], dtype=int)[places],
            "point": pd.Categorical([words_of(record.point) for record in every]).take(places),
            "measure": of_field(measures),
            "value": np.asarray(values),
            "unit": of_field(units_of_rows),
            "same_as": pd.Categorical([record.same_as or "" for record in every]).take(places),
        }
    )


def to_csv(records: Sequence[Record[Seen]]) -> bytes:
    """Return the frame as a file, the same for the same records."""
    file = BytesIO()
    for start in range(0, max(1, len(records)), AT_ONCE):
        some = frame(records[start : start + AT_ONCE])
        some.to_csv(file, index=False, header=start == 0, lineterminator="\n")
    return file.getvalue()


def _units(records: Sequence[Record[Seen]]) -> dict[type, dict[str, str]]:
    """Return the fields that have a unit, of a record and of all that passes saw."""
    classes = dict.fromkeys([Record, *(type(each.seen) for each in records)])
    return {
        cls: {
            field.name: field.metadata["unit"]
            for field in dataclasses.fields(cls)
            if "unit" in field.metadata
        }
        for cls in classes
        if dataclasses.is_dataclass(cls)
    }


def _named(field: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from ((f"{field}.{name}", part) for name, part in value.items())
    elif value is not None:
        yield field, value


def _leaves(value: Any) -> Iterator[float]:
    if isinstance(value, tuple):
        for part in value:
            yield from _leaves(part)
    else:
        yield value
