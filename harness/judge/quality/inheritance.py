"""Whether a method's learning curve is the baseline's, so that it need not be trained again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from harness.declare.pair import MEMBERS, Pair
from harness.declare.passes import Pass, Seen
from harness.judge.checks import check_results
from harness.judge.evidence import Evidence, key
from harness.judge.judgement import Curves
from harness.records.record import Record
from harness.records.seen import TRAJECTORY, Trajectory

# Trajectories are taken in float64. learn2learn's MAML and the batched one, which sum in different
# orders, were measured to part by 6e-15 in the sinusoid's losses over 200 steps, and on glyphs by
# 2e-12 in the losses and 1e-8 in the fingerprint over 5 to 40 steps. The fingerprint parts by more
# because a convolution's bias in front of BatchNorm has a gradient of pure rounding, which Adam
# divides by its own size. The tolerance is a hundred times that. From the other side: an error of
# 1e-4 in the gradient moved the fingerprint by 2e-4 or more within 5 steps, and first-order
# gradients in place of second-order ones moved it by 0.2 or more.
TOLERANCE = 1e-6


def curves_equal(evidence: Evidence, pair: Pair, tolerance: float = TOLERANCE) -> Curves:
    """Compare the first steps of both members' training, in losses and in the state's fingerprint.

    A loss is compared in proportion to itself. A fingerprint is a random projection, which may pass
    through zero, so it is compared in proportion to its largest value along the trajectory.
    """
    baseline, method = (
        {key(record): seen for record, seen in evidence.usable(pair, TRAJECTORY, member)}
        for member in MEMBERS
    )
    for member, found in zip(MEMBERS, (baseline, method), strict=True):
        if not found:
            reason = evidence.why_absent(pair, TRAJECTORY, member)
            return Curves(None, 0, None, f"the trajectories were not compared: {reason}")
    shared = [each for each in baseline if each in method]
    if not shared:
        return Curves(None, 0, None, "the trajectories were not compared: they share no seed")
    steps = {len(found[each].losses) for each in shared for found in (baseline, method)}
    if len(steps) > 1:
        lengths = " and ".join(map(str, sorted(steps)))
        return Curves(False, 0, None, f"the trajectories differ in length: {lengths} steps")
    (length,) = steps
    worst = max(_difference(baseline[each], method[each]) for each in shared)
    equal = worst <= tolerance
    return Curves(
        equal,
        length,
        worst,
        f"over {length} step{'s' * (length != 1)} in float64 the losses and weights of both differ "
        f"by at most {worst:.1e}, {'within' if equal else 'beyond'} the {tolerance:.0e} allowed "
        "for rounding",
    )


def inherits(evidence: Evidence, pair: Pair) -> Curves | None:
    """Return the proof that the method has the baseline's learning curve, or None.

    It takes a method that declares itself Exact, a passed check, and equal trajectories.
    """
    checks = check_results(evidence, pair)
    if not checks or checks[1].equivalence != "Exact" or not checks[1].passed:
        return None
    curves = curves_equal(evidence, pair)
    return curves if curves.equal else None


def inherits_by(
    passes: Mapping[str, Pass[Seen]],
) -> Callable[[Sequence[Record[Seen]], Pair], str | None]:
    """Return what says why a pair's method inherits, by its checks' and trajectories' records."""

    def reason(records: Sequence[Record[Seen]], pair: Pair) -> str | None:
        proof = inherits(Evidence(None, records, passes), pair)
        return None if proof is None else proof.reason

    return reason


def _difference(baseline: Trajectory, method: Trajectory) -> float:
    losses = zip(baseline.losses, method.losses, strict=True)
    prints = list(zip(baseline.fingerprint, method.fingerprint, strict=True))
    size = max(max(abs(a), abs(b)) for a, b in prints)
    differences = [_relative(a, b, max(abs(a), abs(b))) for a, b in losses]
    return max(differences + [_relative(a, b, size) for a, b in prints])


def _relative(a: float, b: float, size: float) -> float:
    return abs(a / size - b / size) if size > 0 else 0.0
