"""A history's entries linked from base to commit, and what changed along each chain of them.

One series is one measure of one subject on one class of machine. What is compared is only ever what
one job measured side by side, head over base. A chain multiplies such ratios, so it needs each base
to be the commit before, measured with the same software. Where that is not so the chain ends and
another begins: what happened between is not known, and neither a line nor a change is drawn there.

A commit that was measured several times against the same base counts once, with all of its
measurements: their mean, each weighted by its precision, and with a larger error where they
disagree (Birge's ratio). To take the last would let a job be repeated until it pleases. A count is
the last one measured; if others differ, a note says so.

A time's error is the larger of its interval's longer side and the noise floor of its job, for both
are luck and the smaller one more so, and never below the scatter of the series.

A gate that stops as soon as it may pass is likelier to stop where luck made head fast. So a ratio
leans to the fast side: simulated, by 0.15 % of a time whose rounds scatter by 3 %, and by 0.5 %
where they scatter by 6 %. That is far inside its error, but a long chain of such gates sinks. So a
gate whose findings are kept sees thirteen rounds at least, which leaves below 0.01 % and 0.2 %.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from statistics import NormalDist

from harness.history.changepoints import Change, Step, factor, find_changes, scatter, threshold
from harness.history.entries import Entry, Probe
from harness.records.seen import LARGEST

# Probes that are not of the machine. A kernel is replaced too often to end a chain for.
SOFTWARE = ("python", "torch", "blas", "cuda")
IGNORED = ("os",)

# What lies beyond these was not measured, whatever a file says.
LARGEST_RATIO, SMALLEST_ERROR = 1e4, 1e-9

LEAST_ROUNDS = 6  # five rounds of one sign come by chance in 1 of 16 cases

SHORT = 8  # of a commit's hash

NOISE_ERROR = 0.025
"""A noise floor is an end of A/A's interval of 95 % (harness.judge.statistics)."""


@dataclass(frozen=True)
class Link:
    """A commit measured against its base, once or several times."""

    base: str
    commit: str
    committed: str | None
    base_value: float | None
    head_value: float | None
    counted: bool
    ratio: float
    error: float  # standard error of the ratio's logarithm; 0 where the values are counts
    entries: tuple[Entry, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """What the gates said."""
        return tuple(dict.fromkeys(entry.word for entry in self.entries))


@dataclass(frozen=True)
class Chain:
    """Links that follow one another, why they did not follow the chain before, and the changes."""

    links: tuple[Link, ...]
    changes: tuple[Change, ...]

    @property
    def levels(self) -> tuple[float, ...]:
        """The value of every commit as a multiple of the first base's, which stands before them.

        Of times that is the product of the ratios, whose error grows with every link.
        """
        logarithms = accumulate((math.log(link.ratio) for link in self.links), initial=0.0)
        return tuple(map(factor, logarithms))

    def bounds(self, steps: int) -> tuple[tuple[float, float], ...]:
        """Return bounds of every level, which hold like those of changes: all of them together.

        So a level whose bounds exclude 1 has a change before it. `steps` are those of the series.
        """
        variances = accumulate((link.error**2 for link in self.links), initial=0.0)
        reaches = (
            factor(math.sqrt(variance) * threshold(length, steps)) if length else 1.0
            for length, variance in enumerate(variances)
        )
        return tuple(
            (level / reach, level * reach)
            for level, reach in zip(self.levels, reaches, strict=True)
        )


@dataclass(frozen=True)
class Series:
    """One measure of one subject on one class of machine, in chains."""

    subject: str
    measure: str
    unit: str | None
    counted: bool
    machine: tuple[tuple[str, Probe], ...]
    chains: tuple[Chain, ...]
    unusable: tuple[tuple[Entry, str], ...] = ()  # what is in no chain, and why
    notes: tuple[str, ...] = ()

    @property
    def commits(self) -> int:
        return sum(len(chain.links) for chain in self.chains)

    @property
    def found(self) -> tuple[tuple[Chain, Change], ...]:
        return tuple((chain, change) for chain in self.chains for change in chain.changes)


@dataclass(eq=False)
class _Bound:
    """A link while it is put in order, with the one that goes before it and the one after."""

    link: Link
    software: tuple[Probe, ...]
    before: _Bound | None = None
    after: _Bound | None = None

    def onwards(self) -> Iterator[_Bound]:
        at: _Bound | None = self
        while at is not None:
            yield at
            at = at.after

    def may_follow(self, other: _Bound) -> bool:
        """Say whether the commit between counts alike in both, and no ring would form."""
        if self.link.counted and other.link.head_value != self.link.base_value:
            return False
        return other.after is None and other not in self.onwards()


def series_of(entries: Iterable[Entry]) -> tuple[Series, ...]:
    """Return the series of a history, in the order in which each was first measured."""
    groups: dict[tuple[object, ...], list[Entry]] = {}
    for entry in entries:
        key = (entry.subject, entry.measure, entry.unit, entry.counted, machine_of(entry))
        groups.setdefault(key, []).append(entry)
    return tuple(_series(group) for group in groups.values())


def machine_of(entry: Entry) -> tuple[tuple[str, Probe], ...]:
    """Return what names the class of machine, without what may differ on one machine."""
    left_out = (*SOFTWARE, *IGNORED)
    return tuple(sorted((k, v) for k, v in entry.machine.items() if k not in left_out))


def _series(entries: Sequence[Entry]) -> Series:
    first = entries[0]
    unusable = []
    together: dict[tuple[object, ...], list[Entry]] = {}
    for entry in entries:
        if reason := _useless(entry):
            unusable.append((entry, reason))
        else:
            key = (entry.base, entry.commit, _software(entry))
            together.setdefault(key, []).append(entry)
    links = [_Bound(_link(group), _software(group[0])) for group in together.values()]
    paths = _paths(links)
    if first.counted:
        found = tuple(map(_count_changes, paths))
    else:
        steps = [[Step(math.log(link.ratio), link.error) for link in path] for path in paths]
        found = find_changes(steps)
        least = scatter([step for path in steps for step in path])
        paths = [tuple(replace(x, error=max(x.error, least)) for x in path) for path in paths]
    return Series(
        subject=first.subject,
        measure=first.measure,
        unit=first.unit,
        counted=first.counted,
        machine=machine_of(first),
        chains=tuple(Chain(*each) for each in zip(paths, found, strict=True)),
        unusable=tuple(unusable),
        notes=tuple(_unrepeatable(links)) if first.counted else (),
    )


def _useless(entry: Entry) -> str | None:
    """Say why an entry is not a link."""
    if entry.base_value is None or entry.head_value is None:
        return entry.reason or "it was not measured on both sides"
    if entry.counted:
        ends = (entry.base_value, entry.head_value)
        return None if min(ends) >= 1 and max(ends) < LARGEST else "its counts give no ratio"
    if entry.ratio is None or entry.base_value <= 0:
        return entry.reason or "its ratio is unknown"
    if not 1 / LARGEST_RATIO < entry.ratio < LARGEST_RATIO:
        return f"its ratio of {entry.ratio:.3g} cannot be one of times"
    if entry.rounds is None or entry.rounds < LEAST_ROUNDS:
        return f"it has {entry.rounds or 0} of the {LEAST_ROUNDS} rounds that an interval needs"
    if None in (entry.noise_floor, entry.low_error, entry.high_error):
        return "its noise floor is unknown"
    if not SMALLEST_ERROR < _error(entry) < math.log(LARGEST_RATIO):
        return "the width of its interval cannot be one of times"
    return None


def _link(entries: Sequence[Entry]) -> Link:
    last = entries[-1]
    if last.counted:
        assert last.head_value is not None
        assert last.base_value is not None
        ratio, error = last.head_value / last.base_value, 0.0
    else:
        weights = [1 / _error(entry) ** 2 for entry in entries]
        logarithms = [math.log(entry.ratio or 1) for entry in entries]
        mean = sum(w * x for w, x in zip(weights, logarithms, strict=True)) / sum(weights)
        squares = sum(w * (x - mean) ** 2 for w, x in zip(weights, logarithms, strict=True))
        birge = math.sqrt(max(1.0, squares / max(1, len(entries) - 1)))
        ratio, error = math.exp(mean), birge / math.sqrt(sum(weights))
    return Link(
        base=last.base,
        commit=last.commit,
        committed=last.committed,
        base_value=last.base_value,
        head_value=last.head_value,
        counted=last.counted,
        ratio=ratio,
        error=error,
        entries=tuple(entries),
    )


def _error(entry: Entry) -> float:
    assert entry.ratio is not None
    assert entry.low is not None
    assert entry.high is not None
    return max(
        math.log(entry.ratio / entry.low) / _deviations(entry.low_error),
        math.log(entry.high / entry.ratio) / _deviations(entry.high_error),
        math.log1p(entry.noise_floor or 0.0) / _deviations(NOISE_ERROR),
    )


def _deviations(error: float | None) -> float:
    """Return how many standard errors away a bound is that is wrong this often."""
    return -NormalDist().inv_cdf(error or NOISE_ERROR)


def _software(entry: Entry) -> tuple[Probe, ...]:
    return tuple(entry.machine.get(name) for name in SOFTWARE)


def _paths(links: Sequence[_Bound]) -> list[tuple[Link, ...]]:
    """Put the links in paths, each behind the first that leads to its base and leads nowhere yet.

    Of commits with the same base one goes on with the base's path, and the others begin paths of
    their own. The paths, and whatever has to be chosen, are in the order of the file.
    """
    leading: dict[tuple[str, tuple[Probe, ...]], list[_Bound]] = {}
    for bound in links:
        leading.setdefault((bound.link.commit, bound.software), []).append(bound)
    for bound in links:
        for other in leading.get((bound.link.base, bound.software), ()):
            if bound.may_follow(other):
                other.after, bound.before = bound, other
                break
    return [tuple(each.link for each in bound.onwards()) for bound in links if bound.before is None]


def _count_changes(links: Sequence[Link]) -> tuple[Change, ...]:
    """Return every change of a count: it repeats exactly, so any is one."""
    return tuple(
        Change(place, place, link.ratio, link.ratio, link.ratio)
        for place, link in enumerate(links)
        if link.ratio != 1
    )


def _unrepeatable(links: Iterable[_Bound]) -> Iterator[str]:
    """Name the commits that a count was not the same of each time."""
    values: dict[tuple[str, tuple[Probe, ...]], set[float]] = {}
    for bound in links:
        for entry in bound.link.entries:
            for commit, value in (entry.base, entry.base_value), (entry.commit, entry.head_value):
                values.setdefault((commit, bound.software), set()).add(value or 0.0)
    for (commit, _), found in values.items():
        if len(found) > 1:
            counts = " and as ".join(f"{value:.15g}" for value in sorted(found))
            yield (
                f"{commit[:SHORT]} was counted as {counts}, although a count repeats with the same "
                "software on the same class of machine"
            )
