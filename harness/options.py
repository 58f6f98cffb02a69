"""The command line's options, with their help and examples."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import harness
from harness.config import WORDS, listed, split_words, whole
from harness.errors import UnknownName, UsageError
from harness.exports.formats import FAIL, FORMATS
from harness.gate.config import GATE_WORDS

LISTED = ("baselines", "methods", "workloads", "studies", "suites", "claims")
PLUGIN = {"plugin": WORDS["plugin"]}
DATA = {"data_dir": "the folder of the data sets"} | PLUGIN
PACK = {"out": "the file to write (default: one beside the run's folder, of its name)"} | PLUGIN
REPRODUCE = {
    "out": "the folder to write to, new or empty (default: a new one under results/)",
    "with": "a run to compare with, instead of measuring again",
} | {word: WORDS[word] for word in ("budget", "data_dir", "plugin", "engine", "address", "memory")}
COMPARE = {"out": "a folder for a page of the comparison (default: none is written)"} | PLUGIN
FOUND = {"into": "a file whose table between the two marks is replaced (default: print it)"}
EXPORT = (
    {
        "format": f"one of {', '.join(FORMATS)}",
        "out": "the file to write, or the folder for format=asv (default: beside the records)",
    }
    | FAIL
    | PLUGIN
)
JSON = "print JSON"
RUN = "a run folder or a pack"
Command = Callable[[argparse.Namespace], int]

EXAMPLES = """examples:
  python -m harness run suite=smoke
  python -m harness run suite=paper pairs=batched-5w1s seeds=3 rounds=6 threads=2
  python -m harness run suite=mine.toml plugin=my_method.py out=runs/first
  python -m harness run resume=results/paper-20260102-030405
  python -m harness list methods
  python -m harness check batched_maml
  python -m harness data data_dir=DATA
  python -m harness doctor --json
  python -m harness report results/paper-20260102-030405
  python -m harness report history.jsonl
  python -m harness explain results/paper-20260102-030405
  python -m harness explain results/paper-20260102-030405 batched-5w1s step_time
  python -m harness pack results/paper-20260102-030405 out=paper.zip
  python -m harness explain paper.zip
  python -m harness reproduce paper.zip budget=15m
  python -m harness reproduce paper.zip with=results/paper-20260304-050607 --json
  python -m harness compare runs/before runs/after
  python -m harness compare runs/first runs/second runs/third out=compared
  python -m harness export results/paper-20260102-030405 format=junit fail=none,reversed,invalid
  python -m harness export results/paper-20260102-030405 format=parquet out=paper.parquet
  python -m harness found results/reference/*/*/claims.json into=README.md
  python -m harness gate base=main
  python -m harness gate base=v1 head=HEAD pairs=batched-sinusoid threshold=0.1 --json
  python -m harness gate against=results/paper-20260102-030405 junit=gate.xml
"""


def read_options(
    arguments: Sequence[str] | None, commands: Mapping[str, Command]
) -> argparse.Namespace:
    """Return the options given, with the function of the command in `command`."""
    parser = _parser(commands)
    asked = list(sys.argv[1:] if arguments is None else arguments)
    if asked[:1] == ["help"]:  # `help` and `help COMMAND`, as many programs have them
        asked = [*asked[1:], "--help"]
    options, rest = parser.parse_known_args(asked)
    if any(word.startswith("-") for word in rest) or (rest and "words" not in options):
        parser.error(f"unknown arguments: {' '.join(rest)}")
    if rest:  # words may stand behind an option, where argparse no longer looks for them
        options.words += rest
    return options


def _parser(commands: Mapping[str, Command]) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="python -m harness",
        description=harness.__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=harness.__version__)
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)

    def command(name: str, words: Mapping[str, str]) -> argparse.ArgumentParser:
        about = commands[name].__doc__
        examples = "".join(f"{x}\n" for x in EXAMPLES.splitlines() if f" harness {name} " in x)
        width = max(map(len, words), default=0) + 3
        known = "".join(f"  {key + '=':<{width}}{what}\n" for key, what in words.items())
        sub = subparsers.add_parser(
            name,
            help=about,
            description=about,
            epilog="\n".join(
                f"{title}:\n{lines}"
                for title, lines in (("key=value options", known), ("examples", examples))
                if lines
            ),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.set_defaults(command=commands[name])
        return sub

    command("run", WORDS).add_argument("words", nargs="*", default=[], metavar="key=value")
    listing = command("list", PLUGIN)
    kinds = f"what to list: {', '.join(LISTED)} (default: all); or key=value"
    listing.add_argument("words", nargs="*", default=[], metavar="kind", help=kinds)
    listing.add_argument("--json", action="store_true", help=JSON)
    checking = command("check", PLUGIN)
    checking.add_argument("name", help="the name of a method or a baseline")
    checking.add_argument("words", nargs="*", default=[], metavar="key=value")
    checking.add_argument(
        "--examples", type=_examples, default=100, help="how many random problems (default: 100)"
    )
    checking.add_argument("--json", action="store_true", help=JSON)
    looking = command("data", DATA)
    looking.add_argument("words", nargs="*", default=[], metavar="key=value")
    looking.add_argument("--json", action="store_true", help=JSON)
    command("probe", {}).add_argument("--json", action="store_true", help=JSON)
    command("doctor", {}).add_argument("--json", action="store_true", help=JSON)
    reporting = command("report", PLUGIN)
    reporting.add_argument(
        "run", type=Path, help="a run folder, a pack, or a file made by history="
    )
    reporting.add_argument("words", nargs="*", default=[], metavar="key=value")
    reporting.add_argument("--json", action="store_true", help=JSON)
    explaining = command("explain", PLUGIN)
    explaining.add_argument("run", type=Path, help=RUN)
    explaining.add_argument(
        "words",
        nargs="*",
        default=[],
        metavar="pair measure",
        help="a pair of the run and a measure of it (default: all verdicts); or key=value",
    )
    explaining.add_argument("--json", action="store_true", help=JSON)
    packing = command("pack", PACK)
    packing.add_argument("run", type=Path, help="a run folder")
    packing.add_argument("words", nargs="*", default=[], metavar="key=value")
    reproducing = command("reproduce", REPRODUCE)
    reproducing.add_argument("run", type=Path, help=RUN)
    reproducing.add_argument("words", nargs="*", default=[], metavar="key=value")
    reproducing.add_argument("--json", action="store_true", help=JSON)
    comparing = command("compare", COMPARE)
    comparing.add_argument(
        "words",
        nargs="*",
        default=[],
        metavar="run",
        help="run folders or packs, which are compared with the first; or key=value",
    )
    comparing.add_argument("--json", action="store_true", help=JSON)
    exporting = command("export", EXPORT)
    exporting.add_argument("run", type=Path, help=RUN)
    exporting.add_argument("words", nargs="*", default=[], metavar="key=value")
    finding = command("found", FOUND)
    what = "the claims.json of runs, or their folders; or key=value"
    finding.add_argument("words", nargs="*", default=[], metavar="run", help=what)
    gating = command("gate", GATE_WORDS)
    gating.add_argument("words", nargs="*", default=[], metavar="key=value")
    gating.add_argument("--json", action="store_true", help=JSON)
    gating.add_argument("--bisect", action="store_true", help="use exit codes for `git bisect run`")
    return parser


def _examples(word: str) -> int:
    return whole("--examples", word)


class _Parser(argparse.ArgumentParser):
    """Argparse, with errors in the harness's own words."""

    def error(self, message: str) -> Any:
        print(f"error: {message}. See: {self.prog} --help", file=sys.stderr)
        raise SystemExit(UsageError.exit_code)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            raise UnknownName(str(action.metavar).lower(), value, action.choices)


def plugins_in(words: list[str]) -> tuple[str, ...]:
    """Return the plugins that a command's words name, where these are all that it takes."""
    return listed("plugin", split_words(words, PLUGIN))
