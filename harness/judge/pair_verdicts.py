"""The verdicts on the claims that a pair is held to: one for every reading of each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from harness.declare.claims import Claim, Reading
from harness.declare.pair import Member
from harness.declare.point import Point
from harness.judge.checks import all_passed, unknown
from harness.judge.judgement import PairJudgement, Quality, Ratio, Verdict
from harness.judge.noise.pair_noise import Noise, timing
from harness.judge.pair_study import Answer, PairStudy, Part
from harness.judge.quality.convergence import Convergence
from harness.judge.ratios import nothing
from harness.judge.verdicts import (
    POSITIVE,
    Decision,
    Rule,
    Word,
    decide,
    decide_gain,
    not_measured,
)

# A ratio that is but a bound, since some runs of a member never got there, can't carry these words.
NEEDS_THERE: dict[Member, frozenset[Word]] = {
    "method": POSITIVE,
    "baseline": frozenset({Word.SMALLER, Word.NONE, Word.REVERSED}),
}

# What a whole ratio and its part may be called, of which the weaker word counts.
STRONGEST_FIRST = (Word.MET, Word.CONSISTENT, Word.SMALLER, Word.INCONCLUSIVE, Word.NONE)


def pair_verdicts(
    judged: PairJudgement,
    ratios: Sequence[Ratio],
    claims: Sequence[Claim],
    noise: Noise,
    studies: Sequence[PairStudy],
    quality_at: Callable[[float], Quality | None],
    lacking: Callable[[Claim], str | None],
    convergence_at: Callable[[Point], Convergence | None],
) -> tuple[Verdict, ...]:
    """Judge every reading of every claim by what the pair measured.

    A claim's own margin decides whether quality was kept for it.
    """
    found = []
    for claim in claims:
        missing, quality = lacking(claim), quality_at(claim.margin)
        for reading in claim.readings:
            for answer in _answers(judged, ratios, reading, studies, claim.margin):
                ratio = answer.ratio if missing is None else nothing(reading.quantity, None)
                part = answer.part.ratio.interval if answer.part and ratio.interval else None
                kept = answer.quality or quality
                decision = _on_baseline(
                    _decided(judged, reading, answer, noise, kept, missing),
                    convergence_at(answer.ratio.point),
                )
                found.append(
                    Verdict(
                        claim=claim.name,
                        reading=reading.name,
                        text=reading.text,
                        measure=reading.quantity,
                        published=reading.value,
                        pair=judged.pair.name,
                        method=judged.pair.method,
                        word=decision.word,
                        reason=decision.reason,
                        ratio=ratio.interval,
                        algorithm="rival" if judged.pair.rival else claim.algorithm,
                        trust=reading.trust,
                        quality=answer.quality,
                        own_ratio=part,
                        conditions=answer.conditions,
                        point=answer.ratio.point,
                        rule=str(decision.rule),
                        noise_floor=_floor(reading, noise),
                        rounds=ratio.rounds,
                        observed=ratio.observed,
                        unused=ratio.unused,
                        source=ratio.source,
                        derived=ratio.derived,
                    )
                )
    return tuple(found)


def _answers(
    judged: PairJudgement,
    ratios: Sequence[Ratio],
    reading: Reading,
    studies: Sequence[PairStudy],
    margin: float,
) -> Iterator[Answer]:
    """Yield what a study answers, or else what the spine measured.

    A pair that was measured at its own settings is judged there, and else at each of its points.
    """
    if judged.withheld is not None:
        yield Answer(nothing(reading.quantity, judged.withheld))
        return
    for each in studies:
        if answers := each.answers(reading, margin):
            yield from answers
            return
    measured = [ratio for ratio in ratios if ratio.measure == reading.measure]
    own = [ratio for ratio in measured if not ratio.point]
    yield from map(Answer, own or measured or [nothing(reading.quantity, None)])


def _decided(
    judged: PairJudgement,
    reading: Reading,
    answer: Answer,
    noise: Noise,
    quality: Quality | None,
    missing: str | None,
) -> Decision:
    if missing is None and answer.unlooked is not None:
        return not_measured(answer.unlooked)
    if reading.row.nature == "gain":
        decision = _decide_gain(judged, reading, answer.ratio, missing)
    else:
        decision = _decide(judged, reading, answer, answer.ratio, noise, quality, missing)
        if answer.part is not None and answer.ratio.interval is not None and missing is None:
            of_part = answer.part.ratio
            part = _decide(judged, reading, answer, of_part, noise, quality, missing)
            decision = _credited(decision, part, answer.part)
    if answer.remark is not None:
        decision = _because(decision, answer.remark)
    if answer.unproven is not None and decision.word in POSITIVE:
        reason = f"{decision.reason} But {answer.unproven}."
        return Decision(Word.INCONCLUSIVE, reason, Rule.UNPROVEN)
    return decision


def _on_baseline(decision: Decision, found: Convergence | None) -> Decision:
    """Take back whatever was said of a baseline that is not what was published."""
    unjudged = decision.word in (Word.NOT_TESTABLE, Word.NOT_MEASURED)
    if found is None or not found.invalid or unjudged:
        return decision
    reason = f"The baseline is not what was published: {found.reason}."
    return Decision(Word.INVALID, reason, Rule.BASELINE)


def _decide_gain(
    judged: PairJudgement, reading: Reading, ratio: Ratio, missing: str | None
) -> Decision:
    gain = ratio.interval
    decision = decide_gain(
        gain,
        reading.value,
        seeds=ratio.rounds,
        equivalence_ok=all_passed(judged.checks),
        missing=missing,
    )
    why = ratio.reason if gain is None else None
    return _because(decision, why) if decision.word is Word.INCONCLUSIVE and why else decision


def _decide(
    judged: PairJudgement,
    reading: Reading,
    answer: Answer,
    ratio: Ratio,
    noise: Noise,
    quality: Quality | None,
    missing: str | None,
) -> Decision:
    interval, equivalence = ratio.interval, all_passed(judged.checks)
    # How far training goes well is itself a matter of quality: nothing more is asked for.
    kept = quality.not_worse if quality is not None else None
    kept = True if reading.row.nature == "range" else kept
    timed = reading.row.nature == "clock"
    decision = decide(
        interval,
        reading.value,
        noise_floor=_floor(reading, noise),
        aa_ok=noise.ok if timed else True,
        rounds=ratio.rounds,
        equivalence_ok=equivalence,
        quality_ok=kept,
        missing=missing,
        counted=reading.row.nature == "count" or answer.counted,
        unit=_unit(reading),
    )
    if decision.word is Word.INCONCLUSIVE and judged.withheld is not None:
        return _because(decision, unknown(judged.checks))
    if decision.word is Word.INCONCLUSIVE and interval is None:
        return _because(decision, ratio.reason or f"no pass of the pair measures {reading.measure}")
    if decision.word is Word.INCONCLUSIVE and equivalence is None:
        return _because(decision, unknown(judged.checks))
    if decision.word is Word.INCONCLUSIVE and timed and (other := _other_noise(reading, noise)):
        return _because(decision, other)
    if decision.word is Word.INVALID and quality is not None and quality.not_worse is False:
        return _because(decision, quality.reason)
    return _bounded(decision, answer)


def _unit(reading: Reading) -> str:
    """Say what an interval of the measure is over."""
    if reading.row.nature == "count":
        return "counts"
    return "rounds" if reading.row.in_rounds else "seeds"


def _floor(reading: Reading, noise: Noise) -> float | None:
    """Return the noise floor; no clock plays a part in steps and bytes, so neither does noise."""
    return noise.floor_of(reading.quantity) if reading.row.nature == "clock" else 0.0


def _other_noise(reading: Reading, noise: Noise) -> str | None:
    """Say that the noise is known of times that were taken otherwise, if that is so."""
    if not noise.floors or noise.floor_of(reading.quantity) is not None:
        return None
    return (
        f"A/A pairs timed {' and '.join(noise.floors)}, but this times {timing(reading.quantity)}"
    )


def _bounded(decision: Decision, answer: Answer) -> Decision:
    """Take back a word that rests on the side on which the ratio is but a bound."""
    for member, words in NEEDS_THERE.items():
        if member in answer.late and decision.word in words:
            why = answer.why_late.get(
                member,
                f"some seeds of the {member} never reached the target: they count with the steps "
                "they were trained for",
            )
            return Decision(Word.INCONCLUSIVE, f"{decision.reason} But {why}.", Rule.BOUND)
    return decision


def _credited(decision: Decision, part: Decision, of: Part) -> Decision:
    """Give the weaker word of a whole ratio and of its part, and say which it is.

    The whole ratio is held against a baseline that is another implementation, the part against the
    method's own, with nothing left out. A part below 1 is no gain, and no more: "reversed" would
    say that the method is slower than its baseline.
    """
    if part.word is Word.REVERSED:
        part = Decision(Word.NONE, part.reason, part.rule)
    if not {decision.word, part.word} <= set(STRONGEST_FIRST):
        return decision
    told = f"{decision.reason} {of.told}"
    if STRONGEST_FIRST.index(part.word) > STRONGEST_FIRST.index(decision.word):
        return Decision(
            part.word,
            f"{told} decides: {part.reason[0].lower()}{part.reason[1:].rstrip('.')}. The rest "
            "comes from the implementation.",
            part.rule,
        )
    if of.ratio.interval is None or decision.word not in POSITIVE:
        return decision
    ends = f"{of.ratio.interval.low:.3g} to {of.ratio.interval.high:.3g}"
    too = " too" if part.word is decision.word else ""
    return Decision(
        decision.word,
        f"{told} is {of.ratio.interval.estimate:.3g} ({ends}), which would be {part.word!s}{too}: "
        "the whole ratio decides.",
        decision.rule,
    )


def _because(decision: Decision, why: str) -> Decision:
    reason = f"{decision.reason} {why[0].upper()}{why[1:].rstrip('.')}."
    return Decision(decision.word, reason, decision.rule)
