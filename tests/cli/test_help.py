"""Help and listings: what there is, for people and for machines, without torch."""

from __future__ import annotations

import importlib.metadata
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import harness
from harness.cli import COMMANDS, main
from harness.config import WORDS
from harness.options import LISTED
from tests.cli.own import METHOD
from tests.command import ROOT
from tests.command import harness as run_harness


class TestHelp:
    def test_shows_every_command_and_examples(self, capsys):
        with pytest.raises(SystemExit) as leaving:
            main(["--help"])
        assert leaving.value.code == 0
        text = capsys.readouterr().out
        for command in COMMANDS:
            assert re.search(rf"\n    {command}\s", text)
            assert f"  python -m harness {command} " in text or command == "probe"

    def test_shows_every_word_of_run_with_its_default(self, capsys):
        with pytest.raises(SystemExit):
            main(["run", "--help"])
        text = capsys.readouterr().out
        for word, meaning in WORDS.items():
            assert f"  {word}=" in text
            assert meaning in text
        assert text.count("(default: ") == len(WORDS) - 2  # not of resume= and plugin=

    @pytest.mark.parametrize("command", COMMANDS)
    def test_is_there_for_every_command(self, command, capsys):
        with pytest.raises(SystemExit) as leaving:
            main([command, "--help"])
        assert leaving.value.code == 0
        assert f"python -m harness {command}" in capsys.readouterr().out

    @pytest.mark.parametrize(
        ("asked", "usage"),
        [(["help"], "python -m harness"), (["help", "run"], "python -m harness run")],
    )
    def test_is_a_command_too(self, asked, usage, capsys):
        with pytest.raises(SystemExit) as leaving:
            main(asked)
        assert leaving.value.code == 0
        assert capsys.readouterr().out.startswith(f"usage: {usage} [-h]")

    def test_knows_the_version(self, capsys):
        with pytest.raises(SystemExit):
            main(["--version"])
        assert capsys.readouterr().out.strip() == harness.__version__


class TestListing:
    def test_is_an_object_of_names_and_summaries_for_machines(self, said):
        listing = json.loads(said("list", "--json"))
        assert list(listing) == list(LISTED)
        for entries in listing.values():
            assert entries
            for entry in entries:
                assert {"name", "summary"} <= set(entry)
                assert entry["name"]
                assert entry["summary"]
                assert "\n" not in entry["summary"]
        names = {kind: [entry["name"] for entry in entries] for kind, entries in listing.items()}
        assert "learn2learn_maml" in names["baselines"]
        assert "batched_maml" in names["methods"]
        assert "glyphs_5w1s" in names["workloads"]
        assert {"paper", "smoke"} <= set(names["suites"])
        assert "qmaml-half-the-time" in names["claims"]

    def test_shows_the_same_to_people(self, said):
        listing, text = json.loads(said("list", "--json")), said("list")
        assert [
            line[:-1] for line in text.splitlines() if line.endswith(":") and line[0] != " "
        ] == [*LISTED]
        for entries in listing.values():
            for entry in entries:
                assert any(
                    line.split()[0] == entry["name"] and f" {entry['summary']}" in line
                    for line in text.splitlines()
                ), entry

    def test_says_which_peers_are_installed(self, here, said):
        peers = "    peer = '{}'\n"
        (here / "mine.py").write_text(
            METHOD.format(name="lacking")
            + peers.format("a-package-that-nobody-has")
            + METHOD.format(name="having").partition("\n\n")[2]
            + peers.format("torch")
        )
        methods = json.loads(said("list", "methods", "plugin=mine.py", "--json"))["methods"]
        found = {entry["name"]: entry for entry in methods}
        version = importlib.metadata.version("torch")
        assert found["lacking"].items() >= {
            ("peer", "a-package-that-nobody-has"),
            ("installed", None),
        }
        assert found["having"].items() >= {("peer", "torch"), ("installed", version)}
        assert set(found["batched_maml"]) == {"name", "summary"}
        text = said("list", "methods", "plugin=mine.py")
        assert f"My own method. [torch {version}]\n" in text
        assert "My own method. [a-package-that-nobody-has is not installed]\n" in text

    def test_says_how_a_missing_peer_of_ours_is_installed(self, said, monkeypatch):
        def nothing_is_installed(name: str) -> str:
            raise importlib.metadata.PackageNotFoundError(name)

        monkeypatch.setattr(importlib.metadata, "version", nothing_is_installed)
        text = said("list", "baselines")
        assert text.count("is not installed: python -m baselines.install ") == text.count(" [")
        for peer in ("learn2learn", "torchmeta", "higher", "torchopt", "betty-ml"):
            assert f" [{peer} is not installed: python -m baselines.install {peer}]\n" in text

    def test_may_be_of_one_kind_or_some(self, said):
        assert list(json.loads(said("list", "methods", "--json"))) == ["methods"]
        assert list(json.loads(said("list", "--json", "suites", "claims"))) == ["suites", "claims"]
        assert said("list", "methods").startswith("methods:\n  alfa ")

    @pytest.mark.parametrize(
        "arguments",
        [
            ("list", "methods", "plugin=mine.py", "--json"),
            ("list", "--json", "plugin=mine.py", "methods"),
            ("list", "methods", "--json", "plugin=mine.py"),
            ("list", "--json", "plugin=mine.py"),
        ],
    )
    def test_takes_a_plugin_wherever_it_stands(self, here, said, arguments):
        listed = json.loads(said(*arguments))["methods"]
        assert {"name": "mine", "summary": "My own method."} in listed

    def test_survives_what_an_installed_package_breaks(self, here):
        about = here / "broken-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text("[harness.components]\nbroken = no_such_thing\n")
        done = run_harness("list", env={"PYTHONPATH": f"{ROOT}{os.pathsep}{here}"})
        assert done.returncode == 0
        assert "  batched_maml " in done.stdout
        assert done.stderr.startswith("warning: entry point broken = no_such_thing: ")

    def test_meets_an_unknown_kind_with_the_nearest(self, refused):
        assert refused("list", "metods") == (
            "unknown kind 'metods' (did you mean 'methods'?). Allowed: baselines, claims, "
            "methods, studies, suites, workloads. Leave it out to list all."
        )

    def test_knows_no_word_but_plugin(self, refused):
        assert "unknown option 'suite'" in refused("list", "suite=smoke")

    def test_ends_quietly_when_nobody_reads_on(self):
        reader = subprocess.Popen(
            [sys.executable, "-m", "harness", "list"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
        )
        assert reader.stdout is not None
        assert reader.stderr is not None
        reader.stdout.close()
        assert reader.stderr.read() == b""
        reader.stderr.close()
        assert reader.wait(60) == 141

    def test_says_so_when_its_output_cannot_be_written(self):
        if not Path("/dev/full").exists():
            pytest.skip("there is no /dev/full here")
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [sys.executable, "-m", "harness", "list"],
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                cwd=ROOT,
                check=False,
            )
        assert done.returncode == 2
        assert done.stderr == "error: [Errno 28] No space left on device\n"
