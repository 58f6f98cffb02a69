from __future__ import annotations

import pytest

from harness.measure.progress import between


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (0, 0, "about 0 s"),
        (0.4, 0.4, "about 0 s"),
        (59.4, 59.4, "about 59 s"),
        (59.6, 61, "about 1 min"),
        (40.9, 54.2, "40 to 55 s"),
        (40, 70, "40 s to 2 min"),
        (610, 830, "10 to 14 min"),
        (610, 611, "about 10 min"),
        (2400, 3900, "40 min to 1 h 5 min"),
        (300, 3900, "5 min to 1 h 5 min"),
        (3660, 7260, "1 h 1 min to 2 h 1 min"),
        (100_000, 100_000, "about 27 h 47 min"),
    ],
)
def test_a_duration_is_said_as_people_do(low, high, words):
    assert between(low, high) == words
