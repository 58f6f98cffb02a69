"""Every word that a verdict may have is explained, and has a tone."""

from __future__ import annotations

from harness.judge.verdicts import Word
from harness.report.tables.verdict_table import MEANINGS, TONES


def test_every_word_has_a_meaning_and_a_tone():
    assert set(MEANINGS) == set(TONES) == set(Word)
