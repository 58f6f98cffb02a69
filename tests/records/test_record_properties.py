"""Any record survives its line; no line makes anything but a record or a message."""

from __future__ import annotations

import json

from hypothesis import example, given
from hypothesis import strategies as st

from harness.errors import StoreError
from harness.records.record import Record, record_from
from harness.records.seen import Curve
from tests.records.made import PASSES, RECORDS, make_record

LINE = make_record().to_line().encode()


@given(RECORDS)
@example(make_record(measured="curve").holding(Curve(watched={"rate": (0.5,), "none": ()})))
def test_any_record_comes_back_from_its_one_line(record):
    line = record.to_line()
    assert line.count("\n") == 1
    assert record_from(line.encode(), "here", PASSES) == record


@given(st.integers(0, len(LINE) - 3), st.binary(max_size=4))
def test_a_cut_line_is_never_read(end, tail):
    try:
        json.loads(LINE[:end] + tail)
    except ValueError:
        pass
    else:
        return
    try:
        record_from(LINE[:end] + tail, "here", PASSES)
    except StoreError as error:
        message = str(error)
    assert message.startswith("here: not valid JSON")


@given(st.binary(max_size=60) | st.text(max_size=60))
def test_any_line_is_a_record_or_a_message(line):
    try:
        read = record_from(line, "here", PASSES)
    except StoreError:
        return
    assert isinstance(read, Record)
