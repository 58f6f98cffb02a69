"""The long form: it plans, says what is missing, and a pair of it runs on a made set."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from harness.config import RunConfig
from harness.declare.claims import load_claims
from harness.declare.suite import Suite, read_suite, resolve
from harness.measure.plan import plan
from harness.measure.preparation import CLAIMS, SUITES
from harness.registry import Registry
from suites.image_sets.omniglot import PARTS
from suites.published_settings import published_settings
from tests.measure.test_run import harness

from . import image_layouts as made

FULL = SUITES / "full.toml"


@pytest.fixture(scope="module")
def suite() -> Suite:
    return read_suite(FULL)


def test_it_plans_every_claim_over_three_seeds_at_least(suite: Suite) -> None:
    registry, published = Registry().whole(), load_claims(CLAIMS)
    held = resolve(suite, registry, published)
    assert held == published
    assert len({claim.paper for claim in held.values()}) == 5
    blocks = plan(suite, RunConfig(device="cuda"), registry)
    assert {block.device for block in blocks} == {"cuda"}
    seeds: dict[str, set[int]] = {}
    for block in blocks:
        if registry.passes[block.measured].rhythm == "seeds":
            seeds.setdefault(block.pair.name, set()).add(block.seed)
    assert all(len(of_pair) >= 3 for of_pair in seeds.values())


def test_every_published_accuracy_has_its_training_at_the_published_length(suite: Suite) -> None:
    """Finn et al. stopped at 40,000 steps on Omniglot; longer is far enough to tell."""
    known = {
        (one.name, one.data, one.ways, one.shots): one.iterations
        for one in published_settings()
        if one.accuracy is not None
    }
    recipe_of = {"learn2learn_maml": "learn2learn", "reference_maml": "maml"}
    trained = {
        (recipe_of[pair.baseline], s["data"], s["ways"], s["shots"]): pair
        for pair in suite.pair
        if pair.workload == "images" and "curve" in pair.passes and pair.baseline in recipe_of
        for s in [pair.settings]
    }
    assert trained.keys() == known.keys()
    for experiment, pair in trained.items():
        assert pair.settings.get("recipe", "learn2learn") == experiment[0]
        assert suite.protocol_of(pair).curve_steps >= known[experiment]


def shortened(folder: Path, **changes: str) -> str:
    """Write the suite with a few steps for thousands and no verdicts, and return its word."""
    short = {
        'name = "full"\n': 'name = "full"\nverdicts = false\n',
        "[protocol]\n": "[protocol]\ncheck_examples = 1\nwarmup_s = 0.1\nintervals = 1\n",
        "curve_every = 1000\n": "curve_every = 1\n",
        "curve_tasks = 200\n": "curve_tasks = 2\n",
        "test_tasks = 1000\n": "test_tasks = 4\n",
    }
    text = FULL.read_text()
    for long, other in (short | changes).items():
        assert long in text
        text = text.replace(long, other)
    (folder / "full.toml").write_text(text)
    return f"suite={folder / 'full.toml'}"


def test_without_data_it_says_before_it_starts_what_will_be_skipped_and_why(
    tmp_path: Path,
) -> None:
    lacking = {"maml-omniglot-5w1s": "Omniglot", "sama-trec": "wrench=trec"}
    lacking |= {"sama-cifar10-imbalance-100": "CIFAR-10"}
    suite = shortened(tmp_path, **{'passes = ["check", ': "passes = ["})
    ran = harness("run", suite, f"pairs={','.join(lacking)}", "rounds=1", f"out={tmp_path / 'run'}")
    assert ran.returncode == 4, ran.stderr  # nothing was measured
    before, after = re.split(r"\d+ blocks, ", ran.stdout + ran.stderr, maxsplit=1)
    for name, word in lacking.items():
        assert re.search(rf"  {name}: .*; will be skipped: .*{word}", before), before
        assert re.search(rf"{name}: skipped: .*{word}", after), after


def test_a_pair_runs_on_a_made_set_and_is_not_trained_far_enough_to_tell(tmp_path: Path) -> None:
    drawings = {
        f"{part}/Greek/character{character:03}/{n:04}.png": made.drawing(100 * character + n)
        for part in PARTS
        for character in range(80)
        for n in range(made.DRAWINGS)
    }
    made.omniglot_zips(tmp_path / "data" / "omniglot", drawings)
    suite = shortened(
        tmp_path,
        **{
            "seeds = 3\n": "seeds = 1\n",
            "curve_steps = 60000\n": "curve_steps = 2\n",
            'recipe = "maml" }': 'recipe = "maml", meta_batch = 1 }',
        },
    )
    words = [suite, f"data_dir={tmp_path / 'data'}", "threads=1", "pairs=maml-omniglot-5w1s"]
    words.append("rounds=1")
    ran = harness("run", *words, f"out={tmp_path / 'run'}")
    assert ran.returncode == 0, ran.stderr
    told = json.loads((tmp_path / "run" / "claims.json").read_text())
    (found,) = told["reference_convergence"]
    assert found["outcome"] == "not trained far enough to tell"
    assert (found["steps"], found["published"]["steps"]) == (2, 40000)
    assert found["data"].startswith("omniglot@")
