"""What the harness's own passes say: speed, accuracy, gradients, noise, and how it was measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.judge.judgement import Judgement
from harness.records.manifest import Manifest
from harness.records.record import Record
from harness.report.abstract import own_cost
from harness.report.curves import learning_curves
from harness.report.forest import speed_ups
from harness.report.gradient import distance_table
from harness.report.pair_tables import failure_table, noise_table, pair_table, quality_table
from harness.report.rounds import step_times
from harness.report.run_tables import machine_table, member_table, protocol_table
from harness.report.section import ACCURACY, SPEED, Part


def parts(manifest: Manifest, records: Sequence[Record], judgement: Judgement) -> Iterator[Part]:
    """Yield what is said of every run, whatever was studied in it."""
    figures = (*speed_ups(judgement), *step_times(judgement, records, manifest.plan))
    yield Part(SPEED, 10, figures, (pair_table(judgement),))
    curves = tuple(learning_curves(judgement, records))
    yield Part(ACCURACY, 32, curves, (quality_table(judgement),))
    yield Part("Gradients", 50, tables=(distance_table(judgement),))
    yield Part(
        "Noise, and what is missing",
        60,
        tables=(noise_table(judgement), failure_table(judgement)),
        text=own_cost(judgement),
    )
    how = (
        member_table(manifest, records),
        protocol_table(manifest),
        machine_table(manifest, records),
    )
    yield Part("How it was measured", 70, tables=how)
