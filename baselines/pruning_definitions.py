"""What pruning is defined as: example after example, with none of the learners' code.

Every score is the mean of what some looks see of an example; the share with the highest is kept.
The gradient owed is that of the mean cross-entropy of the first examples of the batch's order that
were kept.

    by_error     looks at early models, for the length of softmax(outputs) - label
    by_gradient  looks at early models, for the length of the gradient by all of their weights
    by_weight    looks at a bilevel learner in the second half of its training, for the weight that
                 its meta network gives to the example's loss
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from baselines.pruning import PruningState
from harness.declare.learner import Gradient, Params
from harness.seeds import derive
from suites.pruning import Pruning, PruningBatch
from suites.reweighting import Labelled

Look = Callable[[Any, Labelled, int], Tensor]
"""From a model, all examples and the number of one of them to what a score sees of it."""


def by_error(learner: Any, state: PruningState, batch: PruningBatch) -> Gradient:
    def look(model: nn.Module, examples: Labelled, row: int) -> Tensor:
        error = model(examples.inputs[row : row + 1]).softmax(1)[0].detach()
        error[examples.labels[row]] -= 1
        length: Tensor = error.square().sum().sqrt()
        return length

    return _by_early_models(learner, state, batch, look)


def by_gradient(learner: Any, state: PruningState, batch: PruningBatch) -> Gradient:
    def look(model: nn.Module, examples: Labelled, row: int) -> Tensor:
        loss = cross_entropy(model(examples.inputs[row : row + 1]), examples.labels[row : row + 1])
        grads = torch.autograd.grad(loss, list(model.parameters()))
        length: Tensor = torch.cat([g.flatten() for g in grads]).norm()
        return length

    return _by_early_models(learner, state, batch, look)


def by_weight(learner: Any, state: PruningState, batch: PruningBatch) -> Gradient:
    workload: Pruning = learner.workload
    bilevel = learner.weighing()
    steps = workload.meta_steps
    half = (steps + 1) // 2
    left = {step: steps - 1 - step for step in range(steps)}
    looks = {step for step in left if left[step] < half and left[step] % max(1, half // 20) == 0}
    trained, seen = bilevel.init(state.seed), []
    for step in range(steps):
        trained, _ = bilevel.step(trained, bilevel.workload.train_batch(state.seed, step))
        if step in looks:
            network = _loaded(workload.whole.base_network, trained.base.params)
            weigher = _loaded(workload.whole.meta_network, trained.meta.params)
            with torch.no_grad():
                outputs = network(batch.examples.inputs)
                losses = cross_entropy(outputs, batch.examples.labels, reduction="none")
                seen.append([float(weigher(loss.view(1, 1))) for loss in losses])
    return _owed(workload, state, batch, torch.tensor(seen, dtype=torch.float64).mean(0))


def _by_early_models(
    learner: Any, state: PruningState, batch: PruningBatch, look: Look
) -> Gradient:
    workload: Pruning = learner.workload
    rows = range(len(batch.examples.labels))
    seen = [
        torch.stack([look(model, batch.examples, row) for row in rows])
        for model in _early(workload, state.seed)
    ]
    scores = torch.stack(seen).mean(0)
    return _owed(workload, state, batch, -scores if learner.least else scores)


def _early(workload: Pruning, seed: int) -> Iterator[nn.Module]:
    """Yield networks that torch's own Adam has trained for a few steps."""
    whole = workload.whole
    for number in range(workload.early_models):
        start, _ = whole.initial_base(derive(seed, "early", number))
        model = _loaded(whole.base_network, start)
        optimizer = torch.optim.Adam(model.parameters(), workload.lr)
        for step in range(number * workload.early_steps, (number + 1) * workload.early_steps):
            shown = whole.base_batch(seed, step)
            optimizer.zero_grad()
            cross_entropy(model(shown.inputs), shown.labels).backward()
            optimizer.step()
        yield model


def _loaded(make: Callable[[], nn.Module], params: Params) -> nn.Module:
    with torch.device("meta"):  # so that nothing is drawn from the global generator
        network = make()
    network.load_state_dict({name: p.clone() for name, p in params.items()}, assign=True)
    return network.requires_grad_()


def _owed(workload: Pruning, state: PruningState, batch: PruningBatch, scores: Tensor) -> Gradient:
    ranked = sorted(range(len(scores)), key=lambda row: -float(scores[row]))
    kept = set(ranked[: max(1, round(workload.kept * len(ranked)))])
    rows = [row for row in batch.order.tolist() if row in kept][: workload.batch_size]
    model = _loaded(workload.whole.base_network, state.base.params)
    loss = cross_entropy(model(batch.examples.inputs[rows]), batch.examples.labels[rows])
    grads = torch.autograd.grad(loss, list(model.parameters()))
    return Gradient(loss.detach(), dict(zip(state.base.params, grads, strict=True)))
