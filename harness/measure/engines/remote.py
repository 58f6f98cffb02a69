"""An engine of other machines: it sends calls there, and a local engine there makes them.

So whatever a call does is told in the same words wherever it was made. What is left to an engine is
to find a machine that has what a call needs, and to say when it was lost.
"""

from __future__ import annotations

import abc
import json
from collections.abc import Sequence
from dataclasses import asdict

from harness.errors import HarnessError, UsageError
from harness.measure.engines.engine import ANY, Answer, Calls, Engine, R, Resources
from harness.measure.engines.node import CALL, Reply, Request
from harness.team.fingerprint import differences, fingerprint


class Lost(HarnessError):
    """Nothing came back from the machine that a call was sent to.

    It is told in a word that names no host, path or user: records hold it.
    """


class RemoteEngine(Engine):
    """Has its calls made on machines that run the same code with the same packages as this one."""

    in_turns = True

    def __init__(self, plugins: Sequence[str] = ()) -> None:
        self._plugins = tuple(plugins)
        self._code = fingerprint(self._plugins)

    @abc.abstractmethod
    def _send(self, request: str, limit_s: float, resources: Resources) -> str:
        """Return what `node.answer` says of the request on a machine that has the resources.

        What the machine has to do there ends by itself within the limit.
        """

    def make(self, calls: Calls[R], limit_s: float, resources: Resources = ANY) -> R:
        try:
            said = self._asked(calls.there, calls.to_json(), limit_s, resources)
        except Lost as error:
            return calls.read(_nothing_of(error))
        return calls.read(Answer(said, 0, 0, ""))

    def call_ranks(
        self,
        function: str,
        text: str,
        limit_s: float,
        imports: Sequence[str],
        ranks: int | None,
        resources: Resources = ANY,
    ) -> list[Answer]:
        call = {"function": function, "text": text, "limit_s": limit_s, "imports": [*imports]}
        try:
            said = self._asked(CALL, json.dumps(call | {"ranks": ranks}), limit_s, resources)
        except Lost as error:
            return [_nothing_of(error)] * (ranks or 1)
        return [Answer(**each) for each in json.loads(said)]

    def _asked(self, function: str, text: str, limit_s: float, resources: Resources) -> str:
        request = asdict(Request(function, text, self._code, self._plugins))
        reply = Reply(**json.loads(self._send(json.dumps(request), limit_s, resources)))
        if reply.code is not None:
            raise UsageError(
                "a machine of the cluster does not run what this one runs: "
                f"{differences(self._code, reply.code)}. "
                "Give every machine the same code and the same packages."
            )
        if reply.refused is not None:
            raise UsageError(f"on a machine of the cluster: {reply.refused}")
        return reply.text


def _nothing_of(error: Lost) -> Answer:
    return Answer("", 1, 0, f"nothing came back from the machine that had it ({error})")


def last_line(error: Exception) -> str:
    """Return what an error comes to, which stands below how it came about."""
    return (str(error).strip().splitlines() or ["no reason was given"])[-1]
