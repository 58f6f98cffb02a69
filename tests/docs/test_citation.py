"""What the project says of itself to who cites it is what the package says."""

from __future__ import annotations

from pathlib import Path

import yaml

import harness

ROOT = Path(__file__).parents[2]


def test_the_citation_names_the_version_and_the_licence_of_the_package():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert cited["version"] == harness.__version__
    assert cited["license"] == "MIT"
    assert (ROOT / "LICENSE").read_text().startswith("MIT License")
