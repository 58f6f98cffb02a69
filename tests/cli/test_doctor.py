"""`doctor`: what it says to people and to machines."""

from __future__ import annotations

import getpass
import json
import platform
import shutil

from harness.doctor.finding import State


def test_every_finding_says_what_it_does_and_how_to_mend_it(said):
    found = json.loads(said("doctor", "--json"))
    assert {"load", "swap", "compiler", "peers"} <= {each["subject"] for each in found}
    for each in found:
        grave = each["state"] in (State.UNFIT, State.LACKING, State.ADVICE)
        assert bool(each["effect"]) == bool(each["remedy"]) == grave, each


def test_people_are_told_without_names_of_the_machine_or_its_users(said, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setenv("OMP_PROC_BIND", "/home/somebody")
    told = said("doctor")
    assert "disturbs times:\n" in told
    assert "OMP_PROC_BIND is set" in told
    assert "keeps pairs from being measured:\n  compiler: no C++ compiler was found" in told
    for name in (platform.node(), getpass.getuser(), "somebody"):
        assert f" {name} " not in told
        assert f"/{name}" not in told
