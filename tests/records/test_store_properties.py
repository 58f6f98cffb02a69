"""Wherever a kill tears the records, all whole ones are kept and the rest is set aside."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from harness.records.store import RECORDS, TORN, Store
from tests.records.made import RECORDS as ANY_RECORD
from tests.records.made import make_manifest, make_record

WHOLE = [make_record(number) for number in range(3)]
LINES = [record.to_line().encode() for record in WHOLE]
TEXT = b"".join(LINES)


@settings(max_examples=60)
@given(st.integers(0, len(TEXT)))
def test_a_run_torn_anywhere_goes_on_after_its_last_whole_record(cut):
    with tempfile.TemporaryDirectory() as name:
        store = Store.create(Path(name), make_manifest())
        (store.folder / RECORDS).write_bytes(TEXT[:cut])
        kept = [record for n, record in enumerate(WHOLE) if len(b"".join(LINES[: n + 1])) <= cut]
        assert store.records() == kept
        with store.writing() as writer:
            writer.append(WHOLE[2])
        assert store.records() == [*kept, WHOLE[2]]
        torn = TEXT[:cut].rpartition(b"\n")[2]
        assert (store.folder / TORN).exists() == bool(torn) == bool(store.notes)
        if torn:
            assert (store.folder / TORN).read_bytes() == torn + b"\n"


@settings(max_examples=30)
@given(st.lists(ANY_RECORD, max_size=4))
def test_whatever_is_appended_is_read_in_its_order(records):
    with tempfile.TemporaryDirectory() as name:
        store = Store.create(Path(name), make_manifest())
        for record in records:
            with store.writing() as writer:
                writer.append(record)
        assert Store.open(store.folder).records() == records
