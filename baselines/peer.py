"""Importing a peer: without its dependencies' warnings, and with what to do in its absence."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from harness.errors import PeerMissing


@contextmanager
def importing(peer: str) -> Iterator[None]:
    """Import a peer inside: its deprecations are not its users' to mend, its absence is."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    except ImportError as error:
        raise PeerMissing(peer, str(error)) from error
