"""The server that starts workers, where every version of the harness looks for it.

A gate starts other trees' servers and calls other trees' functions by name, so these names stay.
"""

from __future__ import annotations

import sys

from harness.measure.engines.forkserver import serve

if __name__ == "__main__":
    serve(sys.argv[1:])
