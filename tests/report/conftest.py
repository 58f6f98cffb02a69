"""The example run, ready to be reported, and runs of which little is left."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from harness.report.content import Content
from tests.report.composing import compose
from tests.report.example import Run, degenerate_runs, example_run


@pytest.fixture(scope="session")
def run() -> Run:
    return example_run()


@pytest.fixture(scope="session")
def content(run: Run) -> Content:
    return compose(run.manifest, run.records, run.judgement)


@pytest.fixture(scope="session")
def svgs(content: Content) -> dict[str, str]:
    return {figure.name: figure.svg() for figure in content.figures}


@dataclass(frozen=True)
class Report:
    """A run, what is to be said of it and its figures."""

    run: Run
    content: Content
    svgs: dict[str, str]


@pytest.fixture(
    scope="session",
    params=[
        "no verdicts",
        "all pairs failed",
        "one seed and one round",
        "nothing measured yet",
        "no pairs",
    ],
)
def degenerate(request: pytest.FixtureRequest) -> Report:
    run = degenerate_runs()[request.param]
    content = compose(run.manifest, run.records, run.judgement)
    return Report(run, content, {figure.name: figure.svg() for figure in content.figures})
