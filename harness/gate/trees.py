"""The sides of a gate: trees that are measured in one job, each by its own code as a whole."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from harness.config import cores
from harness.declare.pair import TWIN, Member, Pair
from harness.declare.passes import Seen
from harness.declare.protocol import Protocol
from harness.errors import HarnessError, NothingMeasured, UsageError
from harness.gate.checkout import Repository
from harness.gate.config import WORKTREE, GateConfig
from harness.gate.findings import Revision
from harness.measure.block import Block
from harness.measure.engines.local import LocalEngine
from harness.measure.interleaving import Lane
from harness.measure.run import imports_of
from harness.records.record import Record
from harness.registry import ROOT, Registry

TURN_S = 0.02
"""Seconds of a turn: long beside a clock's tick, short beside a neighbour's comings and goings."""

NEEDED = Path("harness/measure/turns.py")

# What learners import no sooner than in their first step. In the server it costs seconds once, and
# not a second or more in every fresh process.
LATE_IMPORTS = ("numpy.random", "optree", "harness.measure.turns")


class TooOld(UsageError):
    """A tree has no code that could take part in a gate."""

    def __init__(self, revision: Revision) -> None:
        super().__init__(
            f"{revision.name}: this revision is too old to be measured by this gate: its "
            f"{NEEDED} is missing, or its workers don't understand ours. Name a later one."
        )


class BrokenTree(UsageError):
    """A tree whose files can't be read as code; another commit may be whole."""

    def __init__(self, revision: Revision, error: HarnessError) -> None:
        super().__init__(f"{revision.name}: {error}")


@dataclass(frozen=True)
class Side:
    """A tree, and the server that starts its workers."""

    member: Member
    """What it stands for in a subject."""
    root: Path
    revision: Revision
    engine: LocalEngine
    registry: Registry
    imports: tuple[str, ...]
    plugins: tuple[str, ...]
    config: GateConfig
    protocol: Protocol

    def block(self, subject: Pair, measured: str, seed: int = 0, round_: int = 0) -> Block:
        return Block(
            subject,
            measured,
            "method",  # a pair's baseline has no ranks
            seed,
            round_,
            self.protocol,
            self.config.threads,
            self.config.device,
            self.config.data_dir,
            self.plugins,
        )

    def lane(self, subject: Pair, measured: str, round_: int, turns: int) -> Lane:
        block = dataclasses.replace(
            self.block(subject, measured, round_=round_),
            protocol=dataclasses.replace(self.protocol, interval_s=TURN_S, intervals=turns),
            all_count=subject.ranks * self.config.threads > cores(),
        )
        return Lane(self.engine, block, self.imports, self.registry)

    def measure(self, block: Block) -> Record[Seen]:
        """Return what this tree makes of a block, as the member of the pair that it stands for."""
        record = Lane(self.engine, block, self.imports, self.registry).measure()
        stands_for = dataclasses.replace(block, member=self.member)
        return dataclasses.replace(record, member=self.member, block=stands_for.id)

    def sketch(self, subject: Pair) -> dict[str, Any] | None:
        """Return the subject's gradient in few numbers, in float64; None if there is none."""
        text = self.block(subject, "trajectory").to_json()
        call = "harness.measure.gradient:sketch"
        answer = self.engine.call(call, text, self.protocol.limit_s, self.imports)
        sketch: dict[str, Any] | None = json.loads(answer.text) if answer.text else None
        return sketch

    def misfit(self, subject: Pair) -> str:
        """Say why this tree does not know the subject, or nothing if it does."""
        try:
            self.registry.find(subject.method, "baseline", "method")
            self.registry.find(subject.workload, "workload")
        except UsageError as error:
            return str(error)
        text, call = self.block(subject, "step").to_json(), "harness.measure.worker:rehearse"
        return self.engine.call(call, text, self.protocol.limit_s, self.imports).text

    def probes(self) -> dict[str, Any]:
        call, device = "harness.measure.probes:probe_text", self.config.device
        answer = self.engine.call(call, device, self.protocol.limit_s, self.imports)
        if not answer.text:
            raise UsageError(
                f"{self.revision.name}: its workers cannot be started: {answer.died_of}. "
                "Check whether `python -m harness probe` works there."
            )
        probes: dict[str, Any] = json.loads(answer.text)
        return probes


class Sides(NamedTuple):
    """Both trees, and base once more in processes of its own."""

    base: Side
    head: Side
    again: Side

    def differing(self, files: Sequence[str]) -> list[str]:
        """Return those of the trees' files that are not the same in both, or not in both."""
        both = self.base.root, self.head.root
        return [file for file in files if len({_content(root / file) for root in both}) > 1]


def _content(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None


@contextmanager
def trees(config: GateConfig) -> Iterator[tuple[tuple[Path, Revision], tuple[Path, Revision]]]:
    """Check out what is to be measured and does not lie here; all is removed in the end."""
    repository = Repository(ROOT)
    assert config.base is not None
    base = repository.revision(config.base)
    head = (
        repository.working_tree() if config.head == WORKTREE else repository.revision(config.head)
    )
    with ExitStack() as stack:

        def tree(revision: Revision) -> Path:
            if revision.name == WORKTREE:
                return ROOT
            assert revision.commit is not None  # of a revision that git found
            return stack.enter_context(repository.checked_out(revision.commit))

        found = (tree(base), base), (tree(head), head)
        for path, revision in found:
            if not (path / NEEDED).is_file():
                raise TooOld(revision)
        yield found


@contextmanager
def sides(
    config: GateConfig,
    base: tuple[Path, Revision],
    head: tuple[Path, Revision],
    subjects: Sequence[Pair],
    protocol: Protocol,
) -> Iterator[Sides]:
    """Start a server for each side, all at once; base's second waits until it is needed."""
    with ExitStack() as stack:

        def side(member: Member, root: Path, revision: Revision) -> Side:
            plugins = tuple(_in_tree(plugin, root) for plugin in config.plugins)
            here = tuple(p for p in plugins if Path(p).is_file())
            try:
                registry = Registry(here, root)
            except UsageError as error:
                raise BrokenTree(revision, error) from None
            engine = stack.enter_context(LocalEngine(root))
            made = Side(member, root, revision, engine, registry, (), here, config, protocol)
            return dataclasses.replace(made, imports=_imports(made, subjects))

        every = Sides(side("baseline", *base), side("method", *head), side(TWIN, *base))
        passes = every.head.registry.passes
        timed = any(passes[name].clocked for subject in subjects for name in subject.passes)
        now = every if timed else every[:2]
        with ThreadPoolExecutor(len(now)) as threads:
            list(threads.map(_start, now))
        yield every


def _start(side: Side) -> None:
    try:
        side.engine.call("os.path:basename", "", side.protocol.limit_s, side.imports)
    except NothingMeasured as error:
        raise NothingMeasured(f"{side.revision.name}: {error}") from None
    except (KeyError, TypeError, ValueError):  # its server speaks another version's protocol
        raise TooOld(side.revision) from None


def _in_tree(plugin: str, root: Path) -> str:
    """Return a plugin's path in a tree: one that belongs to the project differs between them."""
    path = Path(plugin)
    return str(root / path.relative_to(ROOT)) if path.is_relative_to(ROOT) else plugin


def _imports(side: Side, subjects: Sequence[Pair]) -> tuple[str, ...]:
    found = dict.fromkeys(LATE_IMPORTS)
    for subject in subjects:
        try:
            found |= dict.fromkeys(imports_of(side.block(subject, "step"), side.registry))
        except UsageError:  # it is not in this tree
            continue
    return tuple(found)
