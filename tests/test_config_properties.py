"""Whatever is written after `run`, it becomes a valid configuration or a message."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.config import WORDS, RunConfig, run_config
from harness.errors import UsageError

VALUES = st.one_of(
    st.text(max_size=12),
    st.text("0123456789,.-+_ ", max_size=8),
    st.sampled_from(["cpu", "cuda:0", "smoke", "1,2", "3", "a.py"]),
)
KEYS = st.one_of(st.sampled_from(sorted(WORDS)), st.text(max_size=6))
LINES = st.lists(st.builds("{}={}".format, KEYS, VALUES) | st.text(max_size=8), max_size=4)


@given(LINES)
def test_words_are_read_or_refused_with_a_message(words):
    try:
        read = run_config(words)
    except UsageError:
        return
    assert isinstance(read, RunConfig)
    assert read.threads >= 1
    assert read.rounds is None or read.rounds >= 1
    assert read.seeds is None or (read.seeds and len(set(read.seeds)) == len(read.seeds))
    assert all(read.pairs)
    assert all(read.plugins)


@given(st.lists(st.integers(0, 2**31), min_size=1, max_size=5, unique=True))
def test_seeds_by_name_come_back_in_their_order(seeds):
    assert run_config([f"seeds={','.join(map(str, seeds))},"]).seeds == tuple(seeds)


@given(st.sampled_from(sorted(WORDS)), VALUES.filter(bool), VALUES.filter(bool))
def test_no_word_may_be_given_twice(key, first, second):
    with pytest.raises(UsageError, match=f"{key}= is given twice"):
        run_config([f"{key}={first}", f"{key}={second}"])
