"""The frame: records as a tidy table, one row a measured value.

Whatever field of a record says its unit is a measure; a field that holds several values gives a row
for each of them, in their order.
"""

from __future__ import annotations

import dataclasses
from array import array
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from harness.records.record import Record

if TYPE_CHECKING:
    import pandas as pd

FILE = "measures.csv"


def frame(records: Sequence[Record]) -> pd.DataFrame:
    """Return all that the records measured; one that says why it measured nothing has no rows."""
    import numpy as np
    import pandas as pd

    units = {
        each.name: each.metadata["unit"]
        for each in dataclasses.fields(Record)
        if "unit" in each.metadata
    }
    # Words are the same in many rows, so what is kept of a row is its value, and of the rows that
    # a field gives their number, their record and their measure.
    values, rows, numbers, measures = array("d"), array("q"), array("q"), list[str]()
    for number, record in enumerate(records):
        for measure in units:
            if (value := getattr(record, measure)) is not None:
                before = len(values)
                values.extend(_leaves(value))
                rows.append(len(values) - before)
                numbers.append(number)
                measures.append(measure)
    places = np.repeat(np.asarray(numbers), rows)

    def of_record(name: str) -> Any:
        return pd.Categorical([getattr(record, name) for record in records]).take(places)

    def of_field(texts: list[str]) -> Any:
        return pd.Categorical(texts).take(np.repeat(np.arange(len(texts)), rows))

    return pd.DataFrame(
        {
            "pair": of_record("pair"),
            "member": of_record("member"),
            "pass": of_record("measured"),
            "seed": np.array([record.seed for record in records], dtype=int)[places],
            "round": np.array([record.round for record in records], dtype=int)[places],
            "point": pd.Categorical([None] * len(values)),
            "measure": of_field(measures),
            "value": np.asarray(values),
            "unit": of_field([units[measure] for measure in measures]),
        }
    )


def to_csv(records: Sequence[Record]) -> bytes:
    """Return the frame as a file, the same for the same records."""
    text: str = frame(records).to_csv(index=False, lineterminator="\n")
    return text.encode()


def _leaves(value: Any) -> Iterator[float]:
    if isinstance(value, tuple):
        for part in value:
            yield from _leaves(part)
    else:
        yield value
