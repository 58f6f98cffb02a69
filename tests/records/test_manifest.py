"""A manifest holds the plan and the surroundings, and comes back as it was."""

from __future__ import annotations

import json

import pytest

from harness.declare.pair import Pair
from harness.declare.suite import Suite
from harness.errors import StoreError
from harness.records.manifest import manifest_from
from harness.records.record import SCHEMA
from tests.records.made import CLAIM, PAIR, make_manifest

MANIFEST = make_manifest()


def changed(**changes):
    table = json.loads(MANIFEST.to_json()) | changes
    return json.dumps({key: value for key, value in table.items() if value is not ...})


@pytest.mark.parametrize("encode", [str, str.encode])
def test_a_manifest_comes_back_with_its_suite_and_claims(encode):
    read = manifest_from(encode(MANIFEST.to_json()), "here")
    assert read == MANIFEST
    assert read.suite.pair == (PAIR,)
    assert read.claims == (CLAIM,)


def test_what_is_not_plain_in_a_suite_comes_back_too():
    pair = Pair("p", "a", "b", "w", "é", settings={"i": 1, "f": 1.0, "s": "x", "b": True})
    manifest = make_manifest(suite=Suite("s", "S", (pair,)), seeds=(3, 1), plugins=("mine.py",))
    settings = manifest_from(manifest.to_json(), "here").suite.pair[0].settings
    assert manifest_from(manifest.to_json(), "here") == manifest
    assert [type(value) for value in settings.values()] == [int, float, str, bool]


def test_it_is_written_for_people_to_read():
    assert MANIFEST.to_json().startswith('{\n "command": "python -m harness run suite=toys",\n')
    assert MANIFEST.to_json().endswith("}\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "here: not valid JSON"),
        (MANIFEST.to_json()[:-3], "here: not valid JSON"),
        (b"\xff\xfe\xfd", "here: not valid JSON"),
        ("[" * 100_000, "here: not valid JSON"),
        ("[1]", "here: a manifest must be an object, not list"),
        (changed(plan=...), r"here: missing plan\."),
        (changed(plam=[]), r"here: unknown setting 'plam' \(did you mean 'plan'\?\)"),
        (changed(seeds=["0"]), "here: setting seeds = .* must be a list of whole numbers"),
        (changed(device="cuda:one"), "here: device = 'cuda:one' must be cpu, cuda or cuda:N"),
        (changed(threads=0), "here: threads = 0 must be from 1 to 1,024"),
        (changed(jobs=0), "here: jobs = 0 must be from 1 to 1,024"),
        (changed(suite={}), r"here, suite: missing name, summary, pair\."),
        (changed(claims=[{}]), r"here, claims 1: missing name"),
    ],
)
def test_a_damaged_manifest_is_refused_with_its_place(text, message):
    with pytest.raises(StoreError, match=message) as refused:
        manifest_from(text, "here")
    assert str(refused.value).endswith("The file is damaged: restore it, or measure again.")


def test_a_newer_schema_asks_for_a_newer_harness():
    with pytest.raises(StoreError, match=r"schema 4 is not the schema 3 .*Upgrade the harness"):
        manifest_from(changed(schema=SCHEMA + 1, something_new=1), "here")
