"""What other tools read of a run is in the shape that their documentation gives."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

import harness.exports.parquet
from harness.cli import main
from harness.errors import UsageError
from harness.exports.formats import FORMATS, Exported
from harness.judge.verdicts import Word
from harness.registry import Registry
from harness.results import Results
from tests.judge.builders import AA, PAIR, changed, claim, manifest, whole
from tests.records.made import FIXTURE

PROBES = {"git_commit": "0123456789abcdef", "cpu": "A processor", "usable_cores": 2}
PROBES |= {"python": "3.11.9", "os": "Linux", "machine": "x86_64", "torch": "2.0"}


def results(records: list | None = None, **about: object) -> Results:
    records = whole() if records is None else records
    plan = manifest(records, **({"probes": PROBES} | about))
    return Results(Path("run"), plan, records, Registry().whole())


@pytest.fixture(scope="module")
def run() -> Results:
    return results()


@pytest.fixture(scope="module")
def withheld() -> Results:
    return results(changed(whole(), {"passed": False}, measured="check", member="method"))


def exported(name: str, run: Results, options: Mapping[str, str] = {}) -> Exported:
    return FORMATS[name].load()(run, options)


def table(name: str, run: Results) -> dict:
    return json.loads(exported(name, run).files[""])


class TestBencher:
    def test_has_ratios_with_bounds_and_the_values_of_both_members(self, run):
        told = table("bencher", run)
        ratio = told["pair"]["step_time"]
        assert ratio["lower_value"] <= ratio["value"] <= ratio["upper_value"]
        members = [
            told[f"pair/{member}"]["step_time"]["value"] for member in ("baseline", "method")
        ]
        assert members[0] / members[1] == pytest.approx(ratio["value"], rel=0.01)

    def test_is_what_its_schema_asks_for(self, run):
        """bencher.dev/bmf.json: benchmarks of measures, each with a value and perhaps bounds."""
        for measures in table("bencher", run).values():
            assert measures
            for name, metric in measures.items():
                assert 0 < len(name) <= 64
                assert "value" in metric
                assert set(metric) <= {"value", "lower_value", "upper_value"}
                assert all(type(value) in (int, float) for value in metric.values())


class TestAsv:
    @pytest.fixture
    def files(self, run) -> dict:
        return {name: json.loads(each) for name, each in exported("asv", run).files.items()}

    def test_is_a_results_folder(self, files):
        assert set(files) == {
            "benchmarks.json",
            "A-processor-2-cores/machine.json",
            "A-processor-2-cores/01234567-existing-py3.11.json",
        }
        assert files["benchmarks.json"].pop("version") == 2
        results = files["A-processor-2-cores/01234567-existing-py3.11.json"]
        assert results["version"] == 2
        assert results["params"]["machine"] == "A-processor-2-cores"
        assert {"commit_hash", "env_name", "date", "params", "python", "requirements"} <= set(
            results
        )

    def test_describes_every_result_and_each_parameter_has_one(self, files):
        benchmarks = files["benchmarks.json"]
        found = files["A-processor-2-cores/01234567-existing-py3.11.json"]
        for name, values in found["results"].items():
            told = dict(zip(found["result_columns"], values, strict=True))
            assert told["version"] == benchmarks[name]["version"]
            assert told["params"] == benchmarks[name]["params"] == [["'baseline'", "'method'"]]
            assert len(told["result"]) == len(told["samples"]) == 2
        times = dict(zip(found["result_columns"], found["results"]["pair.step_time"], strict=True))
        assert benchmarks["pair.step_time"]["type"] == "time"
        assert [len(each) for each in times["samples"]] == times["stats_repeat"] == [12, 12]
        assert times["stats_q_25"][0] < times["result"][0] < times["stats_q_75"][0]

    def test_a_pair_with_other_settings_is_another_version(self, files):
        other = results(pairs=(dataclasses.replace(PAIR, settings={"ways": 9}), AA))
        benchmarks = json.loads(exported("asv", other).files["benchmarks.json"])
        name = "pair.step_time"
        assert benchmarks[name]["version"] != files["benchmarks.json"][name]["version"]

    def test_needs_a_commit(self):
        with pytest.raises(UsageError, match="keeps results by commit"):
            exported("asv", results(probes={}))


class TestJunit:
    def outcomes(self, run: Results, options: Mapping[str, str] = {}) -> tuple[Xml.Element, int]:
        found = exported("junit", run, options)
        (suite,) = Xml.fromstring(found.files[""])
        return suite, found.exit_code

    def test_a_claim_that_held_passes(self, run):
        suite, code = self.outcomes(run)
        (case,) = suite.findall("testcase")
        assert (suite.get("tests"), suite.get("failures"), code) == ("1", "0", 0)
        assert (case.get("classname"), case.get("name")) == ("twice.pair", "only")
        assert "met: " in (case.findtext("system-out") or "")

    def test_a_claim_that_did_not_fails_with_its_reason(self):
        suite, code = self.outcomes(results(claims=(claim(value=9.0),)))
        failure = suite.find("testcase/failure")
        assert code == 1
        assert failure is not None
        assert failure.get("type") == "smaller"
        assert "less than the published 9.000" in (failure.get("message") or "")

    def test_which_words_fail_is_the_users_choice(self):
        less = results(claims=(claim(value=9.0),))
        assert self.outcomes(less, {"fail": "none,reversed"})[1] == 0
        assert self.outcomes(results(), {"fail": "met"})[1] == 1
        with pytest.raises(UsageError, match="unknown word 'meet' .did you mean 'met'"):
            self.outcomes(less, {"fail": "meet"})

    def test_what_is_undecided_is_skipped_and_does_not_pass(self):
        suite, code = self.outcomes(results(whole(rounds=1)))
        assert (suite.get("skipped"), code) == ("1", 3)
        assert self.outcomes(results(whole(rounds=1)), {"fail": str(Word.INCONCLUSIVE)})[1] == 1

    def test_a_rival_neither_passes_nor_fails(self):
        rival = dataclasses.replace(PAIR, rival=True)
        suite, code = self.outcomes(results(pairs=(rival, AA), claims=(claim(value=9.0),)))
        assert (suite.get("skipped"), suite.get("errors"), code) == ("1", "1", 4)

    def test_a_run_without_claims_is_not_green(self):
        alone = dataclasses.replace(PAIR, claims=())
        suite, code = self.outcomes(results(pairs=(alone, AA), claims=()))
        assert (suite.get("errors"), code) == ("1", 4)


class TestParquet:
    def test_has_benchopts_columns(self, run):
        """benchopt's guide: what each row is of, how long it took, and what was reached."""
        frame = harness.exports.parquet.benchopt_frame(run)
        known = {"objective_name", "solver_name", "data_name", "idx_rep", "stop_val", "time"}
        assert known | {"objective_value", "sampling_strategy"} <= set(frame.columns)
        own = frame.query("p_obj_pair == 'pair' and p_obj_measure == 'seconds'")
        assert set(own["solver_name"]) == {"plain", "fast"}
        assert set(own["data_name"]) == {"toys"}
        assert sorted(set(own["idx_rep"])) == list(range(12))
        assert sorted(set(own["stop_val"])) == [1, 2, 3]
        assert (own["time"] == own["objective_value"]).all()
        assert frame.query("p_obj_unit == 'bytes'")["time"].isna().all()

    def test_is_read_back_as_it_was(self, run):
        pytest.importorskip("pyarrow", reason="pyarrow is an extra")
        import pandas as pd

        content = exported("parquet", run).files[""]
        read = pd.read_parquet(io.BytesIO(content))
        pd.testing.assert_frame_equal(
            read, harness.exports.parquet.benchopt_frame(run), check_dtype=False
        )
        assert exported("parquet", run).files[""] == content

    def test_says_how_a_missing_pyarrow_is_installed(self, run, monkeypatch):
        monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
        with pytest.raises(UsageError, match=r"needs pyarrow.*pip install"):
            exported("parquet", run)


@pytest.mark.parametrize("name", ["asv", "bencher", "pyperf"])
def test_what_is_withheld_is_in_no_export(name, withheld):
    text = "".join(each.decode() for each in exported(name, withheld).files.values())
    assert '"aa' in text
    assert '"pair' not in text
    assert '"pair/' not in text


class TestCommand:
    def test_writes_beside_the_records_or_where_it_is_told(self, tmp_path, capsys):
        target = tmp_path / "made" / "metrics.json"
        assert main(["export", str(FIXTURE), "format=bencher", f"out={target}"]) == 0
        assert capsys.readouterr().out == f"bencher: {target}\n"
        assert json.loads(target.read_text())

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            ([], "export needs a format. Write format=NAME: asv: "),
            (["format=junot"], "unknown format 'junot' (did you mean 'junit'?)"),
            (["format=asv", "fail=none"], "takes no fail=. Leave it out, or use format=junit"),
            (["format=bencher", "out=."], "out=.: . is a folder. Name a file."),
        ],
    )
    def test_refuses_what_it_cannot_do(self, words, said, capsys):
        assert main(["export", str(FIXTURE), *words]) == 2
        assert said in capsys.readouterr().err
