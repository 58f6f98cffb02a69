"""What a claim needs and a run lacks is named."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from harness.judge.judge import judge
from tests.judge.builders import (
    AA,
    PAIR,
    ROUNDS,
    SEEDS,
    changed,
    checks,
    claim,
    judged,
    manifest,
    only_verdict,
    record,
    timed,
    warnings_of,
    whole,
    without,
)


class TestAbsence:
    def test_of_gpus_is_named(self) -> None:
        verdict = only_verdict(whole(), claims=(claim(needs=("gpus=4",)),))
        assert verdict.word == "not testable here"
        assert "gpus=4 (measured on cpu)" in verdict.reason
        assert verdict.ratio is None

    @pytest.mark.parametrize(("gpus", "word"), [(1, "not testable here"), (4, "met")])
    def test_of_gpus_is_counted_by_the_probes(self, gpus: int, word: str) -> None:
        about = {"device": "cuda", "probes": {"gpus": gpus}}
        assert only_verdict(whole(), claims=(claim(needs=("gpus=4",)),), **about).word == word

    @pytest.mark.parametrize(("ranks", "word"), [(1, "not testable here"), (2, "met")])
    def test_of_ranks_is_counted_by_the_pair(self, ranks: int, word: str) -> None:
        pair = dataclasses.replace(PAIR, ranks=ranks)
        about = {"claims": (claim(needs=("ranks=2",)),), "threads": 2}
        verdict = only_verdict(whole(pair), pairs=(pair, AA), **about)
        assert verdict.word == word
        assert ("ranks=2 (found: 1)" in verdict.reason) == (ranks == 1)

    @pytest.mark.parametrize("rival", [False, True])
    @pytest.mark.parametrize(
        ("about", "found"),
        [({"threads": 1}, 1), ({"threads": 4, "probes": {"gpus": 0, "usable_cores": 1}}, 1)],
    )
    def test_of_cores_for_the_ranks_leaves_nothing_to_be_tested(
        self, about: Any, found: int, rival: bool
    ) -> None:
        pair = dataclasses.replace(PAIR, ranks=2, rival=rival)
        verdict = only_verdict(whole(pair), pairs=(pair, AA), **about)
        assert verdict.word == "not testable here"
        assert f"a core for each of 2 ranks (found: {found})" in verdict.reason

    def test_of_what_nobody_probed_is_unknown(self) -> None:
        verdict = only_verdict(whole(), claims=(claim(needs=("tpus=1",)),))
        assert "tpus=1 (found: unknown)" in verdict.reason

    def test_of_what_a_claim_needs_is_no_matter_to_a_rival(self) -> None:
        rival = dataclasses.replace(PAIR, rival=True)
        verdict = only_verdict(whole(), pairs=(rival, AA), claims=(claim(needs=("ranks=2",)),))
        assert (verdict.word, verdict.algorithm) == ("met", "rival")

    def test_of_a_peer_leaves_nothing_to_test_and_the_reason(self) -> None:
        reason = "plain is not installed. Install it with: python -m baselines.install plain"
        lost = {"status": "skipped", "reason": reason, "seconds": None, "passed": None}
        records = changed(whole(), lost, pair="pair", member="baseline")
        judgement = judged(records)
        found = judgement.pairs[0]
        assert found.verdicts[0].word == "not testable here"
        assert reason.rstrip(".") in found.verdicts[0].reason
        assert all(failure.status == "skipped" for failure in found.failures)
        assert any(
            "pair pair could not be measured here" in said for said in warnings_of(judgement)
        )

    def test_of_planned_blocks_is_counted(self) -> None:
        records = without(whole(), measured="step", pair="pair", seed=2)
        judgement = judge(manifest(whole()), records)
        assert judgement.pairs[0].missing_blocks == 2 * ROUNDS
        assert judgement.pairs[1].missing_blocks == 0
        assert warnings_of(judgement) == (
            "8 blocks of the plan missing in the records: the run is unfinished",
        )

    def test_of_a_block_from_the_plan_keeps_its_record_out(self) -> None:
        planned = checks(PAIR) + timed(PAIR, noise=0.0)
        stray = record(PAIR, "step", "method", seed=9, seconds=(99.0,))
        partner = record(PAIR, "step", "baseline", seed=9, seconds=(1.0,))
        judgement = judge(manifest(planned, claims=(claim(),)), [*planned, stray, partner])
        assert judgement.pairs[0].ratios[0].rounds == len(SEEDS) * ROUNDS
        assert any(
            "2 blocks that the records hold but the plan does not" in w
            for w in warnings_of(judgement)
        )
