"""The first page: which claims held, one line each, in the order of the papers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.declare.claims import Claim
from harness.declare.measures import COMPARATIVES
from harness.judge.judgement import Judgement
from harness.judge.outcome import Beside, Group, Outcome, Span
from harness.judge.verdicts import Word
from harness.report.account import Account, Opened, opened
from harness.report.figures.claim_figure import ClaimFigure, claim_figures
from harness.report.section import Placed, placed
from harness.report.tables.table import Cell
from harness.report.tables.verdict_table import MEANINGS, published_cell, tone_of
from harness.report.units import count, ratio, signed, significant
from harness.report.words import capital, full_stop, listed, span

READ = {"abstract": "known from its abstract alone", "paper": "read in full", "": ""}


@dataclass(frozen=True)
class Tally:
    """All words that a claim got from one kind of method, and the range of what was measured."""

    who: str  # "" of the paper's own method
    words: tuple[Cell, ...]
    said: str


@dataclass(frozen=True)
class ClaimLine:
    """A claim as its source has it, what became of it, and the figure that shows it."""

    anchor: str
    claim: str
    quoted: bool
    paper: str
    source: str
    link: str
    note: str
    tallies: tuple[Tally, ...]
    figure: Placed | None
    opened: tuple[Opened, ...] = ()
    """Each verdict with all that it rests on, which a page folds away and a paper leaves out."""


def claim_lines(judgement: Judgement, known: Sequence[Account]) -> tuple[ClaimLine, ...]:
    """Return a line for every claim; none is left out, and none is moved for how it ended."""
    drawn = zip(judgement.claims, claim_figures(judgement.claims), strict=True)
    of_pairs: dict[str, list[Account]] = {}
    for account in known:
        of_pairs.setdefault(account.judged.pair.name, []).append(account)
    return tuple(_line(number, *each, of_pairs) for number, each in enumerate(drawn, 1))


def summary(judgement: Judgement) -> str:
    """Count the verdicts on the papers' own methods, and apart from them those on rivals."""
    own = _counted(outcome.own for outcome in judgement.claims)
    rivals = _counted(outcome.rivals for outcome in judgement.claims)
    if not own and not rivals:
        return "No published claim is judged here."
    text = f"{count(len(judgement.claims), 'published claim')} {_was(len(judgement.claims))} tested"
    parts = [
        f"{count(sum(found.values()), 'verdict')} on {what}: "
        + listed([f"{number} {word}" for word, number in found.items()])
        for found, what in ((own, "the papers' own methods"), (rivals, "rivals"))
        if found
    ]
    return f"{text}. {capital('; '.join(parts))}."


def legend(judgement: Judgement) -> str:
    """Say how the figures and the words of the first page are read."""
    words = _counted(group for each in judgement.claims for group in (each.own, each.rivals))
    meanings = "; ".join(f"{word}: {MEANINGS[word]}" for word in words)
    return (
        "How to read this: a point is the median ratio of baseline over method, its line the 95 % "
        "interval; right of 1 the method is better (quality: method minus baseline; right of 0). "
        "The upright tick is the published value or, where the source gives none, our threshold; "
        "the grey band is the pair's noise floor. Open points are rivals, judged by the same "
        f"value, and other algorithms. {full_stop(capital(meanings))}"
    )


def _counted(groups: Iterable[Group]) -> dict[Word, int]:
    """Count words, in the order in which they are explained."""
    found: dict[Word, int] = {}
    for group in groups:
        for word, number in group.words:
            found[word] = found.get(word, 0) + number
    return {word: found[word] for word in MEANINGS if word in found}


def _line(
    number: int,
    outcome: Outcome,
    figure: ClaimFigure | None,
    known: Mapping[str, Sequence[Account]],
) -> ClaimLine:
    claim = outcome.claim
    verdicts = (*outcome.own.verdicts, *outcome.rivals.verdicts)
    return ClaimLine(
        anchor=f"claim-{number}",
        claim=claim.quote or claim.sentence,
        quoted=bool(claim.quote),
        paper=claim.paper,
        source=claim.source,
        link=claim.link,
        note=_note(claim),
        tallies=tuple(_tallies(outcome)),
        figure=None if figure is None else placed(figure, f"{figure.kind}-{number}"),
        opened=tuple(
            opened(account, verdict)
            for verdict in verdicts
            for account in known.get(verdict.pair, ())
            if verdict in account.verdicts
        ),
    )


def _note(claim: Claim) -> str:
    built = "algorithm reconstructed" if claim.algorithm == "reconstructed" else "algorithm known"
    return capital("; ".join(filter(None, (built, READ[claim.read]))))


def _tallies(outcome: Outcome) -> Iterator[Tally]:
    if outcome.own.verdicts:
        few = dict.fromkeys(span(v.measure, v.ratio) for v in outcome.own.verdicts if v.ratio)
        texts = [text for text in few if text]
        brackets = [f"brackets: {text}, no interval" for text in texts]
        if len(texts) > 1:
            brackets = ["brackets: spans of too few rounds, no intervals"]
        parts = (_ranges(outcome.own.spans), _own_part(outcome.own), _asked(outcome.own), *brackets)
        said = "; ".join(filter(None, parts))
        yield Tally("", _words(outcome.own), said)
    if outcome.rivals.verdicts:
        yield Tally("Rivals", _words(outcome.rivals), _ranges(outcome.rivals.spans))
    if outcome.beside:
        yield Tally("Other algorithms", (), _beside(outcome))


def _own_part(group: Group) -> str:
    """Tell what of the ratios is the method's own, and not its implementation's."""
    parts = [v.own_ratio.estimate for v in group.verdicts if v.own_ratio is not None]
    if not parts:
        return ""
    ends = dict.fromkeys((ratio(min(parts)), ratio(max(parts))))
    return f"the method's own part, without its implementation's, is {' to '.join(ends)}"


def _asked(group: Group) -> str:
    """Name what was published or, where the source gives no figure, what is asked for."""
    cells = [published_cell(verdict) for verdict in group.verdicts]
    published = dict.fromkeys(cell.text for cell in cells if not cell.note)
    asked = dict.fromkeys(cell.note for cell in cells if cell.note)
    told = [f"published {listed(list(published))}"] if published else []
    return "; ".join([*told, *asked])


def _words(group: Group) -> tuple[Cell, ...]:
    return tuple(
        Cell(f"{number} {word}" if len(group.verdicts) > 1 else word, "", tone_of(word))
        for word, number in _counted([group]).items()
    )


def _ranges(spans: Iterable[Span]) -> str:
    return "; ".join(
        f"{_range(each)} {COMPARATIVES[each.scale]}"
        + (f", {count(each.conditions, 'condition')}" if each.conditions > 1 else "")
        for each in spans
    )


def _range(found: Span) -> str:
    write = _gain if found.scale == "gain" else ratio
    return " to ".join(dict.fromkeys((write(found.low), write(found.high))))


def _gain(gain: float) -> str:
    return signed(significant(gain), gain)


def _beside(outcome: Outcome) -> str:
    """Tell the range over all algorithms that the claim is about, and which were left out."""
    measured = list(dict.fromkeys(each.other for each in outcome.beside if each.ratio))
    absent = [name for name in _others(outcome.beside) if name not in measured]
    parts = []
    if measured:
        parts.append(f"{_ranges(outcome.beside_spans)} over {listed(measured)}, by costs alone")
    if absent:
        parts.append(f"not measured over {listed(absent)}")
    return "; ".join(parts)


def _others(beside: Iterable[Beside]) -> list[str]:
    return list(dict.fromkeys(each.other for each in beside))


def _was(number: int) -> str:
    return "was" if number == 1 else "were"
