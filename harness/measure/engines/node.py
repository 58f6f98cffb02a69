"""A node: what a machine of a cluster runs for the engine of another one."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from functools import cache

from harness.declare.passes import resolved
from harness.errors import HarnessError
from harness.measure.engines.engine import Engine
from harness.measure.engines.local import LocalEngine
from harness.team.fingerprint import fingerprint

CALL = "harness.measure.engines.node:call"


@dataclass(frozen=True)
class Request:
    """A "module:function", and the text that it is given beside an engine of the machine."""

    function: str
    text: str
    code: dict[str, str]  # the fingerprint of who asks
    plugins: tuple[str, ...]


@dataclass(frozen=True)
class Reply:
    """What the function returned, or why it was not called."""

    text: str = ""
    refused: str | None = None
    code: dict[str, str] | None = None  # this machine's fingerprint, where it is another one


def answer(request: str) -> str:
    """Do what a request asks for, if this machine runs the same code as who asks."""
    asked = Request(**json.loads(request))
    try:
        code = _code(tuple(asked.plugins))
        if code == asked.code:
            engine = _engine(os.environ.get("CUDA_VISIBLE_DEVICES"))
            reply = Reply(resolved(asked.function)(engine, asked.text))
        else:
            reply = Reply(code=code)
    except (HarnessError, OSError) as error:  # a plugin that is not on this machine, say
        reply = Reply(refused=str(error))
    return json.dumps(asdict(reply))


def call(engine: Engine, text: str) -> str:
    """Make a call of one process or of several ranks, and return what became of each."""
    return json.dumps([asdict(each) for each in engine.call_ranks(**json.loads(text))])


@cache
def _engine(devices: str | None) -> LocalEngine:
    """Return the engine of the GPUs that this process may see now; its servers end with it."""
    return LocalEngine()


_code = cache(fingerprint)
