"""The command line and other Python, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]


def python(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """Run Python with the project's folder on its path, wherever it is started."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)} | options.pop("env", {})
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        env=environment,
        timeout=120,
        check=False,
        **options,
    )


def harness(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
    return python("-m", "harness", *arguments, **options)
