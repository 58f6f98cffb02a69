"""The example run's fixtures, which the reports of studies are tested with as well."""

from tests.report.conftest import content, degenerate, run, svgs

__all__ = ["content", "degenerate", "run", "svgs"]
