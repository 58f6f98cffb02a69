"""Whatever the network, the rates and the patterns: masking finished gradients gives the same."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from harness.declare.problem import Problem
from harness.declare.tree import all_finite, relative_error
from methods.lambda_patterns import (
    LambdaPatterns,
    naive_masked_adaptation,
    naive_masked_gradient,
)
from methods.update_pattern import every_pattern
from suites.maml_problems import MamlProblems

problems = MamlProblems.strategy()


@st.composite
def learners(draw: st.DrawFn) -> tuple[LambdaPatterns, Problem]:
    """Draw a problem, and patterns of its network's groups for up to as many steps as it takes."""
    problem = draw(problems)
    groups = LambdaPatterns(problem.workload).groups
    patterns = st.lists(
        st.sampled_from([*every_pattern(len(groups)), "maml", "anil", "boil"]),
        min_size=1,
        max_size=problem.workload.inner_steps,
    )
    in_training = draw(st.booleans(), label="in_training")
    return LambdaPatterns(problem.workload, "/".join(draw(patterns)), in_training), problem


@settings(deadline=None, max_examples=60)
@given(learners())
def test_adaptation_and_gradient_are_the_naive_ones(drawn: tuple[LambdaPatterns, Problem]) -> None:
    learner, problem = drawn
    state, batch = learner.init(problem.seed), problem.workload.train_batch(problem.seed, 0)
    tolerance = 1e-9 * problem.inner_steps

    owed = naive_masked_gradient(learner, state, batch)
    assume(all_finite(owed))
    found = learner.meta_gradient(state, batch)
    assert relative_error(found.grads, owed.grads) < tolerance
    assert relative_error({"loss": found.loss}, {"loss": owed.loss}) < tolerance

    params = {name: p.clone().requires_grad_() for name, p in state.params.items()}
    for adapted, task in zip(learner.adapt(state, batch), batch, strict=True):
        naive = naive_masked_adaptation(learner, params, task)
        assert adapted.keys() == naive.keys()
        assert relative_error(adapted, {n: p.detach() for n, p in naive.items()}) < tolerance
