"""Training by command, the result that it writes, and the one that is kept in the project."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from baselines import hand_tuned, rnn_optimizer_training
from baselines.rnn import run_learned
from baselines.rnn_optimizer_result import QUALITIES, Comparison, Trained, read_weights, result_of
from suites.learned_optimization import Run
from suites.quadratics import Quadratics

KEPT = Path(__file__).parents[2] / rnn_optimizer_training.OUT
SMALL = "--seeds 2 --epochs 3 --epoch 1 --watched 2 --tuned-on 10 --tested-on 4"


@pytest.fixture(autouse=True, scope="module")
def few_rates() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hand_tuned, "RATES", hand_tuned.RATES[::8])
        yield


@pytest.fixture(scope="module")
def small(few_rates: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("result") / "small"
    assert rnn_optimizer_training.main([*SMALL.split(), "--out", str(out)]) == 0
    return out


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
    return found


def workload_of(result: dict[str, Any]) -> Quadratics:
    return Quadratics(**result["settings"])


def made_up(losses: list[float]) -> Comparison:
    """Return a test in which everyone had these losses, a function each."""
    run = Run(torch.zeros(len(losses), 1), torch.tensor([losses, losses]).T.contiguous())
    tuned = hand_tuned.Tuned(hand_tuned.RATES[0], (1.0,) * len(hand_tuned.RATES))
    return Comparison(
        run,
        {rival: dict.fromkeys(QUALITIES, run) for rival in hand_tuned.RIVALS},
        {rival: dict.fromkeys(QUALITIES, tuned) for rival in hand_tuned.RIVALS},
    )


def test_the_weights_kept_are_those_of_the_best_epoch(small: Path) -> None:
    result, weights = read(small), read_weights(small.with_suffix(".npz"))
    workload = workload_of(result)
    for seed, seen in result["seeds"].items():
        assert len(seen["validation"]) == 3
        assert seen["kept_validation"] == min(seen["validation"])
        epoch = seen["validation"].index(seen["kept_validation"])
        assert seen["kept_epoch"] == epoch + 1
        functions = workload.eval_batch(int(seed), "valid", 2 * epoch, 2)
        again = run_learned(workload, weights[int(seed)], functions).summed.mean()
        assert float(again) == pytest.approx(seen["kept_validation"], rel=1e-4)


def test_the_test_is_on_functions_that_nothing_was_chosen_by(small: Path) -> None:
    result, weights = read(small), read_weights(small.with_suffix(".npz"))
    workload = workload_of(result)
    run = run_learned(workload, weights[0], workload.eval_batch(0, "test", 0, 4))
    assert float(run.summed.mean()) == pytest.approx(result["seeds"]["0"]["test"]["summed"], 1e-4)
    assert float(run.final.mean()) == pytest.approx(result["seeds"]["0"]["test"]["final"], 1e-4)


def test_the_result_names_the_command_that_made_it(small: Path) -> None:
    assert read(small)["command"] == f"python -m baselines.rnn_optimizer_training {SMALL}"


def test_training_again_gives_the_same_result(small: Path, tmp_path: Path) -> None:
    words = SMALL.replace("--seeds 2", "--seeds 1").split()
    assert rnn_optimizer_training.main([*words, "--out", str(tmp_path / "again")]) == 0
    again, first = read(tmp_path / "again"), read(small)
    assert again["seeds"]["0"] == first["seeds"]["0"]


def test_a_size_below_one_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ["--epochs", "0", "--out", str(tmp_path / "none")]
    assert rnn_optimizer_training.main(words) == 2
    assert "error: epochs = 0: must be at least 1." in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_training_that_diverges_says_when(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def lost(*_: object) -> Run:
        return Run(torch.zeros(1, 1), torch.full((1, 2), torch.nan))

    monkeypatch.setattr(rnn_optimizer_training, "run_learned", lost)
    assert rnn_optimizer_training.main([*SMALL.split(), "--out", str(tmp_path / "none")]) == 1
    assert "error: seed 0: the loss diverged in epoch 1." in capsys.readouterr().err


def test_a_rival_that_diverged_on_some_function_has_no_mean() -> None:
    trained = {0: Trained((2.0, 1.0), {})}
    finite = made_up([1.0, 2.0, 4.0])
    diverged = dataclasses.replace(
        finite, rivals=finite.rivals | {"sgd": made_up([1.0, math.inf, math.nan]).rivals["sgd"]}
    )
    result = result_of({}, Quadratics(), trained, {0: diverged})
    assert result["rivals"]["sgd"]["final"]["test"]["mean"] is None
    assert result["rivals"]["sgd"]["final"]["minus_learned"]["mean"] is None
    assert result["mean_losses"]["sgd"] == [None, None]
    assert result["rivals"]["adam"]["final"]["test"]["mean"] == pytest.approx(7 / 3, rel=1e-4)
    assert result["rivals"]["adam"]["final"]["test"]["median"] == 2
    assert result["rivals"]["adam"]["final"]["test"]["over_seeds"] is None
    assert result["rivals"]["adam"]["final"]["rate_at_edge_of_search"] is True
    json.dumps(result, allow_nan=False)


def test_leads_are_paired_by_function_and_seed() -> None:
    learned, rival = made_up([1.0, 2.0]), made_up([4.0, 3.0])
    tested = {
        seed: dataclasses.replace(learned, rivals=rival.rivals, searches=rival.searches)
        for seed in (0, 1)
    }
    trained = {seed: Trained((1.0,), {}) for seed in tested}
    found = result_of({}, Quadratics(), trained, tested)["rivals"]["adam"]["final"]
    assert found["minus_learned"]["mean"] == 2
    assert found["minus_learned"]["over_seeds"] == [2, 2]
    assert found["share_where_learned_is_better"] == 1


def test_the_kept_result_is_of_the_command_s_defaults() -> None:
    result = read(KEPT)
    assert result["training"] == dataclasses.asdict(rnn_optimizer_training.Training())
    assert set(result["settings"]) == {
        f.name for f in dataclasses.fields(Quadratics) if f.name != "place"
    }


def test_the_kept_weights_reach_what_the_kept_result_says() -> None:
    result, weights = read(KEPT), read_weights(KEPT.with_suffix(".npz"))
    workload = workload_of(result)
    for seed, seen in result["seeds"].items():
        functions = workload.eval_batch(int(seed), "test", 0, result["training"]["tested_on"])
        run = run_learned(workload, weights[int(seed)], functions)
        assert float(run.summed.mean()) == pytest.approx(seen["test"]["summed"], rel=1e-3)
        assert float(run.final.mean()) == pytest.approx(seen["test"]["final"], rel=1e-2)


def test_the_kept_result_has_the_rivals_tuned_inside_the_search() -> None:
    for rival in read(KEPT)["rivals"].values():
        for found in rival.values():
            assert not found["rate_at_edge_of_search"]


def test_the_learned_optimizer_beats_every_rival_over_seeds_and_functions() -> None:
    for rival in read(KEPT)["rivals"].values():
        for over in ("over_functions", "over_seeds"):
            assert rival["summed"]["minus_learned"][over][0] > 0
