"""Names become components without importing any; collisions and faults name their owners."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from harness import registry
from harness.errors import ModuleMissing, PeerMissing, UnknownName, UsageError
from harness.registry import Registry

PLUGIN = '''
from harness.registry import {kind}

@{kind}("{name}")
class Mine:
    """What it is, in a line.

    And more.
    """

    answer = {answer}
'''


@pytest.fixture
def plugin(tmp_path):
    """Return a function that writes a plugin and returns its path as a word on the command line."""

    def write(text: str = "", file: str = "mine.py", kind="method", name="mine", answer=42) -> str:
        path = tmp_path / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(text or PLUGIN.format(kind=kind, name=name, answer=answer))
        return str(path)

    return write


@pytest.fixture
def announce(tmp_path, monkeypatch):
    """Return a function that installs a package which announces components."""

    def install(name: str, module: str, **files: str) -> None:
        about = tmp_path / f"{name}-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text(f"[{registry.ENTRY_POINTS}]\n{name} = {module}\n")
        for file, text in files.items():
            (tmp_path / f"{file}.py").write_text(text)
        monkeypatch.syspath_prepend(tmp_path)

    return install


class TestOwnComponents:
    def test_are_found_with_their_summaries(self):
        found = {entry.name: entry for entry in Registry().entries("baseline")}
        entry = found["reference_maml"]
        assert entry.summary.startswith("MAML (Finn et al. 2017) in plain PyTorch")
        assert entry.owner == "baselines/reference_maml.py"
        assert entry.target == "baselines.reference_maml:ReferenceMaml"

    def test_are_told_apart_by_kind(self):
        found = Registry()
        assert "batched_maml" in {entry.name for entry in found.entries("method")}
        assert "batched_maml" not in {entry.name for entry in found.entries("baseline")}
        assert "sinusoid" in {entry.name for entry in found.entries("workload")}
        assert found.entries("problems")

    def test_load_to_classes_that_know_their_name_and_kind(self):
        workload = Registry().find("sinusoid", "workload").load()
        assert (workload.name, workload.kind) == ("sinusoid", "workload")

    def test_all_have_a_summary_of_one_line(self):
        found = Registry()
        for kind in ("baseline", "method", "workload"):
            for entry in found.entries(kind):
                assert entry.summary, entry.name
                assert "\n" not in entry.summary

    def test_are_listed_in_the_order_of_their_names(self):
        names = [entry.name for entry in Registry().entries("workload")]
        assert names == sorted(names)


class TestAPeer:
    @pytest.fixture
    def peers(self, plugin):
        """Return a function that writes a plugin and returns the peers of its components."""

        def peers(text: str) -> list[str | None]:
            found = Registry((plugin("from harness.registry import method\n" + text),))
            mine = [e for e in found.entries("method") if e.owner == "mine.py"]
            return [entry.peer for entry in mine]

        return peers

    def test_is_read_from_the_class_that_names_it(self):
        found = {entry.name: entry.peer for entry in Registry().entries("baseline")}
        assert found["learn2learn_maml"] == "learn2learn"
        assert found["reference_maml"] is None

    def test_is_inherited_from_a_class_of_the_same_file(self):
        found = {entry.name: entry.peer for entry in Registry().entries("baseline")}
        assert found["betty_sama"] == "betty-ml"

    @pytest.mark.parametrize(
        ("body", "peer"),
        [
            ("    peer: ClassVar[str | None] = 'p'", "p"),
            ("    peer = 'p'", "p"),
            ("    peer: str", None),
            ("    peer = NAME", None),
            ("    other = 'p'", None),
            ("    def peer(self):\n        return 'p'", None),
        ],
    )
    def test_is_a_literal(self, peers, body, peer):
        assert peers(f"@method('mine')\nclass Mine:\n{body}\n") == [peer]

    def test_of_a_base_may_be_another_or_none(self, peers):
        base = "class Base:\n    peer = 'p'\n"
        for body, peer in (("pass", "p"), ("peer = 'q'", "q"), ("peer = None", None)):
            assert peers(f"{base}@method('mine')\nclass Mine(Base):\n    {body}\n") == [peer]

    def test_is_looked_for_in_no_circle(self, peers):
        text = "class Other(Mine): pass\n@method('mine')\nclass Mine(Other, Mine, x.Y): pass\n"
        assert peers(text) == [None]

    def test_has_the_version_that_is_installed(self, plugin, announce):
        announce("apeer", "no_such_package_at_all")
        text = "from harness.registry import method\n@method('m')\nclass M:\n    peer = '{}'\n"
        for peer, version in (("apeer", "1.0"), ("a-package-that-nobody-has", None)):
            entry = Registry((plugin(text.format(peer)),)).find("m", "method")
            assert (entry.peer, entry.peer_version) == (peer, version)


class TestAnUnknownName:
    def test_is_met_with_the_nearest_one_and_all_that_are_allowed(self):
        with pytest.raises(UnknownName) as refused:
            Registry().find("batchd_maml", "method", "baseline")
        message = str(refused.value)
        assert "unknown method or baseline 'batchd_maml' (did you mean 'batched_maml'?)" in message
        assert "reference_maml" in message
        assert "See: python -m harness list" in message

    def test_of_another_kind_is_unknown_too(self):
        with pytest.raises(UnknownName, match="unknown workload 'batched_maml'"):
            Registry().find("batched_maml", "workload")

    def test_is_told_of_the_entry_points_that_could_not_be_read(self, announce):
        announce("absentee", "no_such_package_at_all")
        with pytest.raises(UnknownName, match="Left out: entry point absentee"):
            Registry().find("no_such_method", "method")


class TestAPlugin:
    def test_is_found_by_its_file_and_loaded_from_it(self, plugin):
        entry = Registry((plugin(),)).find("mine", "method")
        assert (entry.summary, entry.owner) == ("What it is, in a line.", "mine.py")
        loaded = entry.load()
        assert (loaded.answer, loaded.name, loaded.kind) == (42, "mine", "method")
        assert entry.load() is loaded

    def test_may_name_its_decorator_through_the_module(self, plugin):
        text = 'import harness.registry as r\n@r.workload("mine")\nclass Mine: pass\n'
        assert Registry((plugin(text),)).find("mine", "workload").summary == ""

    def test_is_not_run_by_listing(self, plugin):
        text = "raise SystemExit('run')\n" + PLUGIN.format(kind="method", name="mine", answer=1)
        assert Registry((plugin(text),)).find("mine", "method").name == "mine"

    def test_may_hold_several_components(self, plugin):
        text = "".join(PLUGIN.format(kind="method", name=name, answer=1) for name in ("a1", "a2"))
        found = Registry((plugin(text),))
        assert {"a1", "a2"} <= {entry.name for entry in found.entries("method")}

    def test_of_the_same_file_name_in_another_folder_is_another(self, plugin):
        words = (
            plugin(name="first", answer=1),
            plugin(file="other/mine.py", name="second", answer=2),
        )
        found = Registry(words)
        answers = [found.find(name, "method").load().answer for name in ("first", "second")]
        assert answers == [1, 2]

    def test_may_lie_in_a_folder_with_a_colon(self, plugin):
        entry = Registry((plugin(file="a:b/mine.py"),)).find("mine", "method")
        assert entry.load().answer == 42

    def test_may_not_take_a_name_of_our_own(self, plugin):
        with pytest.raises(UsageError) as refused:
            Registry((plugin(name="batched_maml"),))
        assert "two components are named 'batched_maml'" in str(refused.value)
        assert "one in methods/batched_maml.py, one in mine.py" in str(refused.value)

    def test_may_not_take_a_baselines_name_for_a_method(self, plugin):
        with pytest.raises(UsageError, match="one in baselines/reference_maml.py, one in mine.py"):
            Registry((plugin(name="reference_maml"),))

    def test_may_not_take_another_plugins_name(self, plugin):
        with pytest.raises(UsageError, match=r"one in mine\.py, one in yours\.py\. Rename one"):
            Registry((plugin(), plugin(file="yours.py")))

    def test_may_share_a_name_with_something_of_another_kind(self, plugin):
        found = Registry((plugin(kind="workload", name="batched_maml"),))
        assert found.find("batched_maml", "workload").owner == "mine.py"
        assert found.find("batched_maml", "method").owner == "methods/batched_maml.py"


class TestAPluginThatCannotServe:
    @pytest.mark.parametrize("file", ["nowhere.py", "mine.txt", "."])
    def test_is_no_python_file(self, plugin, tmp_path, file):
        plugin("text", file="mine.txt")
        with pytest.raises(UsageError, match=r"no such Python file\. Give the path of a \.py file"):
            Registry((str(tmp_path / file),))

    def test_is_not_valid_python(self, plugin):
        with pytest.raises(UsageError, match=r"^mine\.py, line 3: not valid Python: "):
            Registry((plugin("\n@method('mine')\nclass Mine(:\n"),))

    def test_is_not_text(self, plugin, tmp_path):
        (tmp_path / "mine.py").write_bytes(b"@method('mine')\xff")
        with pytest.raises(UsageError, match=r"^mine\.py: cannot be read"):
            Registry((str(tmp_path / "mine.py"),))

    @pytest.mark.parametrize(
        "text",
        [
            "x = 1\n",
            "def method(name): return name\nmethod('mine')\n",
            "class Outer:\n    @method('mine')\n    class Inner: pass\n",
            "@method('mine')\ndef function(): pass\n",
        ],
    )
    def test_has_no_component(self, plugin, text):
        with pytest.raises(UsageError, match="it has no component. Put @baseline, @method"):
            Registry((plugin(text),))

    @pytest.mark.parametrize(
        "arguments", ["NAME", "f'mine'", "3", "''", "'a', 'b'", "name='mine'", "*names", ""]
    )
    def test_has_a_name_that_reading_does_not_tell(self, plugin, arguments):
        with pytest.raises(UsageError, match=r"line 2: @method takes one literal name.*\. Write"):
            Registry((plugin(f"@method({arguments})\nclass Mine: pass\n"),))

    @pytest.mark.parametrize(
        ("fault", "error"),
        [("1 / 0", "ZeroDivisionError: division by zero"), ("exit(0)", "SystemExit: 0")],
    )
    def test_fails_whenever_it_is_imported_and_says_whose_fault_it_is(self, plugin, fault, error):
        text = f"from sys import exit\n{fault}\n" + PLUGIN.format(kind="method", name="m", answer=1)
        entry = Registry((plugin(text),)).find("m", "method")
        modules = set(sys.modules)
        for _ in range(2):
            with pytest.raises(UsageError) as refused:
                entry.load()
            assert str(refused.value) == (
                f"mine.py: importing it failed: {error}. Correct the file, or leave out 'm'."
            )
        assert set(sys.modules) == modules

    def test_may_delete_the_class_that_its_source_shows(self, plugin):
        text = PLUGIN.format(kind="method", name="m", answer=1)
        (name,) = re.findall(r"class (\w+)", text)
        entry = Registry((plugin(f"{text}\ndel {name}\n"),)).find("m", "method")
        with pytest.raises(UsageError, match=f"after its import, it has no class {name} for 'm'"):
            entry.load()

    @pytest.mark.parametrize(
        ("raising", "error"),
        [("PeerMissing('betty-ml')", PeerMissing), ("MemoryError", MemoryError)],
    )
    def test_lacks_something_that_has_an_error_of_its_own(self, plugin, raising, error):
        text = "from harness.errors import PeerMissing\n" + f"raise {raising}\n"
        text += PLUGIN.format(kind="method", name="m", answer=1)
        entry = Registry((plugin(text),)).find("m", "method")
        with pytest.raises(error):
            entry.load()

    def test_lacks_a_module_whose_package_only_its_author_knows(self, plugin):
        text = "import a_package_that_nobody_has\n"
        text += PLUGIN.format(kind="method", name="m", answer=1)
        entry = Registry((plugin(text),)).find("m", "method")
        with pytest.raises(ModuleMissing) as absent:
            entry.load()
        assert str(absent.value) == (
            "module a_package_that_nobody_has, which mine.py imports, is not installed. "
            "Install the package that provides it."
        )


class TestAnInstalledPackage:
    TEXT = PLUGIN.format(kind="method", name="announced", answer=7)

    def test_announces_its_components(self, announce):
        announce("goodpackage", "announced_methods", announced_methods=self.TEXT)
        found = Registry()
        assert found.faults == []
        assert found.find("announced", "method").owner == "announced_methods"
        assert found.find("announced", "method").load().answer == 7

    def test_may_name_an_object_in_its_module(self, announce):
        announce("objectpackage", "announced_object:Mine", announced_object=self.TEXT)
        assert Registry().find("announced", "method").target == "announced_object:Mine"

    @pytest.mark.parametrize(
        ("module", "text", "fault"),
        [
            ("no_such_module_here", "", "has no Python file"),
            ("no_such_parent_here.part", "", "No module named 'no_such_parent_here'"),
            ("broken_syntax", "@method('x')\nclass X(:\n", "line 2: not valid Python"),
            (
                "taken_name",
                PLUGIN.format(kind="method", name="batched_maml", answer=1),
                "are named",
            ),
            ("sys", "", "module 'sys' has no Python file"),
            ("not a module", "", "not a module"),
        ],
    )
    def test_is_left_out_with_a_word_where_it_is_broken(self, announce, module, text, fault):
        announce("brokenpackage", module, **({module: text} if text else {}))
        found = Registry()
        assert len(found.faults) == 1
        assert found.faults[0].startswith(f"entry point brokenpackage = {module}: ")
        assert fault in found.faults[0]
        assert found.find("batched_maml", "method").owner == "methods/batched_maml.py"

    @pytest.mark.parametrize("raising", ["raise SystemExit(3)", "1 / 0", "import nothing_like_it"])
    def test_is_left_out_where_its_package_fails_or_exits(self, announce, tmp_path, raising):
        (tmp_path / "hostile_package").mkdir()
        (tmp_path / "hostile_package" / "__init__.py").write_text(raising)
        announce("hostile", "hostile_package.part")
        assert [fault[:20] for fault in Registry().faults] == ["entry point hostile "]


def test_the_registry_stays_small():
    assert len(Path(registry.__file__).read_text().splitlines()) < 150
