"""`check` of learners that are right, that talk, and that leave."""

from __future__ import annotations

import json

import pytest

from harness.cli import main
from tests.cli.own import METHOD

CHATTY = """
import sys
from baselines.reference_maml import ReferenceMaml
from harness.declare.learner import Gradient
from harness.registry import method

print("loading")

@method("chatty")
class Chatty(ReferenceMaml):
    \"\"\"Talks.\"\"\"

    def meta_gradient(self, state, batch):
        print("working")
        return super().meta_gradient(state, batch)

@method("renamed")
class Renamed(ReferenceMaml):
    \"\"\"Calls its gradient otherwise.\"\"\"

    def meta_gradient(self, state, batch):
        loss, grads = super().meta_gradient(state, batch)
        return Gradient(loss, {f"module.{name}": each for name, each in grads.items()})

@method("leaves")
class Leaves(ReferenceMaml):
    \"\"\"Exits.\"\"\"

    def meta_gradient(self, state, batch):
        sys.exit(0)
"""


class TestChecking:
    @pytest.fixture
    def check(self, here):
        (here / "chatty.py").write_text(CHATTY)

        def check(name: str, *options: str) -> int:
            return main(["check", name, "plugin=chatty.py", "--examples", "3", *options])

        return check

    def test_answers_machines_with_nothing_but_an_object(self, check, capsys):
        assert check("chatty", "--json") == 0
        shown = capsys.readouterr()
        assert json.loads(shown.out)["passed"] is True
        assert "loading" in shown.err
        assert "working" in shown.err

    def test_tells_the_largest_error_in_either_precision(self, check, capsys):
        check("chatty", "--json")
        found = json.loads(capsys.readouterr().out)["errors"]
        assert found["float64"] < 1e-12 < found["float32"]
        check("chatty")
        words = f"largest errors: {found['float64']:.3g} in float64, "
        assert words in capsys.readouterr().out

    def test_does_not_guess_an_angle_that_there_is_not(self, check, capsys):
        assert check("renamed") == 1
        assert "lowest cosine unknown" in capsys.readouterr().out
        assert check("renamed", "--json") == 1
        assert json.loads(capsys.readouterr().out)["cosine"] is None

    def test_fails_where_the_learner_exits(self, check, capsys):
        assert check("leaves") == 1
        assert "leaves raised SystemExit: 0, on: " in capsys.readouterr().err

    def test_fails_where_the_plugin_exits(self, here, refused):
        (here / "my.py").write_text("raise SystemExit(0)\n" + METHOD.format(name="gone"))
        assert "importing it failed: SystemExit: 0." in refused("check", "gone", "plugin=my.py")
