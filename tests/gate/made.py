"""Records of a subject on both trees of a gate."""

from __future__ import annotations

from typing import Any

from harness.declare.pair import Pair
from harness.declare.passes import Seen
from harness.records.record import Record
from tests.records.made import flat_record

SUBJECT = Pair("m on w", "m", "m", "w", "the tree", ("check", "trajectory", "curve"))


def record(measured: Any, member: Any = "method", seed: int = 0, **seen: Any) -> Record[Seen]:
    about: dict[str, Any] = {
        "block": f"{SUBJECT.name}/{measured}/{member}/seed{seed}/round0",
        "pair": SUBJECT.name,
        "measured": measured,
        "member": member,
        "learner": "m",
        "workload": "w",
        "settings": "",
        "learner_settings": "",
        "seed": seed,
        "round": 0,
        "status": "ok",
    }
    return flat_record(**about | seen)
