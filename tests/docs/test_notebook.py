"""A notebook's first lines, as the guide has them, on a committed run."""

from __future__ import annotations

import json
import re

from tests.test_readme import README, ROOT

GUIDE = (ROOT / "docs" / "notebook.md").read_text()
RUN = ROOT / "results" / "reference" / "epyc-2-cores" / "paper"


def test_the_readme_leads_there():
    assert "](docs/notebook.md)" in README


def test_a_notebooks_first_lines_show_medians_and_verdicts(monkeypatch):
    found = re.search(r"<!-- example: notebook.py -->\n```python\n(.*?)```", GUIDE, re.DOTALL)
    assert found is not None
    assert len([line for line in found[1].splitlines() if line]) == 5
    monkeypatch.chdir(ROOT)
    names: dict = {}
    exec(found[1], names)
    medians = names["medians"]
    assert list(medians.columns) == ["baseline", "method", "twin"]
    assert set(medians.index) == {
        pair.name for pair in names["run"].manifest.suite.pair if "step" in pair.passes
    }
    assert (medians > 0).all(axis=None)
    told = json.loads((RUN / "claims.json").read_text())["verdicts"]
    assert sorted(names["verdicts"]) == sorted((v["claim"], v["pair"], v["word"]) for v in told)
