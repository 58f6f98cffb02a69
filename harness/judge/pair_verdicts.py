"""The verdicts on the claims that a pair is held to: one for every reading of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.declare.claims import Claim, Reading
from harness.declare.measures import TARGETS
from harness.declare.suite import Member
from harness.judge.checks import all_paid, failed, unknown
from harness.judge.judgement import Best, Choice, PairJudgement, Quality, Ratio, Verdict
from harness.judge.noise import Noise, timing
from harness.judge.ratios import withhold
from harness.judge.verdicts import POSITIVE, Decision, Word, decide, decide_gain
from harness.studies.variants.judge import Selector

# A ratio that is but a bound, since some runs of a member never got there, can't carry these words.
NEEDS_THERE: dict[Member, frozenset[Word]] = {
    "method": POSITIVE,
    "baseline": frozenset({Word.SMALLER, Word.NONE, Word.REVERSED}),
}

# What the two ratios of a chosen variant may be called, of which the weaker word counts.
STRONGEST_FIRST = (Word.MET, Word.CONSISTENT, Word.SMALLER, Word.INCONCLUSIVE, Word.NONE)


def pair_verdicts(
    judged: PairJudgement,
    ratios: Sequence[Ratio],
    claims: Sequence[Claim],
    noise: Noise,
    late: frozenset[Member],
    quality_at: Callable[[float], Quality | None],
    lacking: Callable[[Claim], str | None],
    unstudied: Callable[[str], str | None],
    selector: Selector | None = None,
) -> tuple[Verdict, ...]:
    """Judge every reading of every claim by what the pair measured.

    A claim's own margin decides whether quality was kept for it. `late` are the members of which
    some seeds never reached the target. `unstudied` says why a measure of variants has nothing.
    """
    by_measure = {ratio.measure: ratio for ratio in ratios}
    found = []
    for claim in claims:
        missing, quality = lacking(claim), quality_at(claim.margin)
        for reading in claim.readings:
            ratio, own = by_measure.get(reading.measure), None
            choice, best, absent = None, None, missing
            steps = reading.inner_steps
            if selector is not None and steps is not None:
                unseen = _not_looked_at(steps, selector.study.steps)
                absent = ", ".join(filter(None, (missing, unseen))) or None
                if unseen is None:
                    ratio, own = selector.read(reading.measure, steps, claim.margin)
                    ratio = withhold(ratio, failed(judged.debts))
                    choice, best = selector.choice(claim.margin, steps), selector.best(steps)
            if reading.row.at_steps and (ratio is None or ratio.interval is None):
                nothing = Ratio(reading.quantity, "", None, None, None, 0)
                ratio = withhold(ratio or nothing, unstudied(reading.measure))
            shown = ratio.interval if ratio is not None and absent is None else None
            timed = choice if reading.measure == "chosen_time" and shown is not None else None
            if reading.row.nature == "gain":
                decision = _of_whom(_decide_gain(judged, reading, ratio, absent), best)
            else:
                kept = own or quality
                decision = _decide(judged, reading, ratio, noise, late, kept, absent)
                if timed is not None:
                    part = _decide(judged, reading, _part(timed), noise, late, kept, absent)
                    decision = _credited(decision, part, timed)
            if selector is not None and steps is not None and decision.word in POSITIVE:
                decision = _grounded(decision, selector.out_of_training(steps, claim.margin))
            found.append(
                Verdict(
                    claim=claim.name,
                    reading=reading.name,
                    text=reading.text,
                    measure=reading.quantity,
                    published=reading.value,
                    pair=judged.pair.name,
                    method=judged.pair.method,
                    word=str(decision.word),
                    reason=decision.reason,
                    ratio=shown,
                    algorithm="rival" if judged.pair.rival else claim.algorithm,
                    trust=reading.trust,
                    quality=own,
                    own_ratio=timed.own_ratio if timed is not None else None,
                )
            )
    return tuple(found)


def _not_looked_at(steps: int, seen: Sequence[int]) -> str | None:
    """Say that nothing was seen of a number of inner steps, and what to set so that it is."""
    if steps in seen:
        return None
    return (
        f"adaptation at {steps} inner steps (looked at: {', '.join(map(str, seen))}; add {steps} "
        "to variant_steps in the suite's protocol)"
    )


def _decide_gain(
    judged: PairJudgement, reading: Reading, ratio: Ratio | None, missing: str | None
) -> Decision:
    gain = ratio.interval if ratio is not None else None
    decision = decide_gain(
        gain,
        reading.value,
        seeds=ratio.rounds if ratio is not None else 0,
        equivalence_ok=all_paid(judged.debts),
        missing=missing,
    )
    why = ratio.reason if ratio is not None and gain is None else None
    return _because(decision, why) if decision.word is Word.INCONCLUSIVE and why else decision


def _decide(
    judged: PairJudgement,
    reading: Reading,
    ratio: Ratio | None,
    noise: Noise,
    late: frozenset[Member],
    quality: Quality | None,
    missing: str | None,
) -> Decision:
    interval = ratio.interval if ratio is not None else None
    equivalence = all_paid(judged.debts)
    # No clock plays a part in steps and bytes, so neither does its noise.
    timed = reading.row.nature == "clock"
    same_steps = judged.quality is not None and judged.quality.inherited
    decision = decide(
        interval,
        reading.value,
        noise_floor=noise.floor_of(reading.quantity) if timed else 0.0,
        aa_ok=noise.ok if timed else True,
        rounds=ratio.rounds if ratio is not None else 0,
        equivalence_ok=equivalence,
        quality_ok=quality.not_worse if quality is not None else None,
        missing=missing,
        counted=reading.row.nature == "count" or (reading.row.nature == "steps" and same_steps),
    )
    if decision.word is Word.INCONCLUSIVE and interval is None:
        why = ratio.reason if ratio is not None else None
        return _because(decision, why or f"no pass of the pair measures {reading.measure}")
    if decision.word is Word.INCONCLUSIVE and equivalence is None:
        return _because(decision, unknown(judged.debts))
    if decision.word is Word.INCONCLUSIVE and timed and (other := _other_noise(reading, noise)):
        return _because(decision, other)
    if decision.word is Word.INVALID and quality is not None and quality.not_worse is False:
        return _because(decision, quality.reason)
    if reading.row in TARGETS:
        return _bounded(decision, late)
    return decision


def _other_noise(reading: Reading, noise: Noise) -> str | None:
    """Say that the noise is known of times that were taken otherwise, if that is so."""
    if not noise.floors or noise.floor_of(reading.quantity) is not None:
        return None
    return (
        f"what A/A pairs timed was {' and '.join(noise.floors)}, this is {timing(reading.quantity)}"
    )


def _part(choice: Choice) -> Ratio:
    """Return the full variant's time over the chosen one's as a ratio like any other."""
    own = choice.own_ratio
    return Ratio("chosen_time", "s", None, None, own, own.n if own is not None else 0)


def _bounded(decision: Decision, late: frozenset[Member]) -> Decision:
    """Take back a word that rests on the side on which the ratio is but a bound."""
    for member, words in NEEDS_THERE.items():
        if member in late and decision.word in words:
            return Decision(
                Word.INCONCLUSIVE,
                f"{decision.reason} But some seeds of the {member} never reached the target, and "
                "count only as far as they were trained.",
            )
    return decision


def _credited(decision: Decision, part: Decision, choice: Choice) -> Decision:
    """Give the weaker word of a chosen variant's whole ratio and of its part, and say which it is.

    The whole ratio is held against a baseline that is another implementation, the part against the
    method's own full variant. A part below 1 is no gain, and no more: "reversed" would say that the
    method is slower than its baseline.
    """
    if part.word is Word.REVERSED:
        part = Decision(Word.NONE, part.reason)
    if not {decision.word, part.word} <= set(STRONGEST_FIRST):
        return decision
    told = (
        f"{decision.reason} Variant {choice.variant} was chosen, and its part, against the "
        "method's own full one,"
    )
    if STRONGEST_FIRST.index(part.word) > STRONGEST_FIRST.index(decision.word):
        return Decision(
            part.word,
            f"{told} decides: {part.reason[0].lower()}{part.reason[1:].rstrip('.')}. The rest is "
            "the implementation's.",
        )
    if choice.own_ratio is None or decision.word not in POSITIVE:
        return decision
    ends = f"{choice.own_ratio.low:.3g} to {choice.own_ratio.high:.3g}"
    too = " too" if part.word is decision.word else ""
    return Decision(
        decision.word,
        f"{told} is {choice.own_ratio.estimate:.3g} ({ends}), which would be {part.word!s}{too}: "
        "the whole ratio decides.",
    )


def _grounded(decision: Decision, off: str | None) -> Decision:
    """Take back a gain where what it is held against is worse than it need be."""
    return decision if off is None else Decision(Word.INCONCLUSIVE, f"{decision.reason} But {off}.")


def _of_whom(decision: Decision, best: Best | None) -> Decision:
    """Tell of which variants a gain in quality is, where seeds differ about the best."""
    if best is None or set(best.own) == {best.variant}:
        return decision
    named = ", ".join(best.own)
    return _because(decision, f"for each seed the other seeds' best variant is judged: {named}")


def _because(decision: Decision, why: str) -> Decision:
    return Decision(decision.word, f"{decision.reason} {why[0].upper()}{why[1:].rstrip('.')}.")
