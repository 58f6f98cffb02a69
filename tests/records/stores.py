"""A store's file, its refusals, and processes that write under bounds."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.records.store import (
    RECORDS,
    Store,
)
from tests.command import python
from tests.records.made import make_record

FIRST, SECOND, THIRD = (make_record(number) for number in range(3))


def records_file(store: Store) -> Path:
    return store.folder / RECORDS


def refusal(function, *arguments) -> str:
    with pytest.raises(UsageError) as refused:
        function(*arguments)
    return str(refused.value)


IMPORTS = (
    "import os\nfrom pathlib import Path\n"
    "from harness.records.store import Store, replace_file, require_fresh\n"
    "from tests.records.made import make_manifest, make_record\n"
)


def with_files_of(most: int, code: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process whose files can't grow beyond so many bytes."""
    limit = f"import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most}))\n"
    return python("-B", "-c", IMPORTS + limit + code)


def as_a_nobody(code: str) -> subprocess.CompletedProcess[str]:
    """Run code as a user who is not the superuser, to whom nothing is forbidden."""
    leave = "import os\nif os.getuid() == 0:\n    os.setgid(65534)\n    os.setuid(65534)\n"
    return python("-c", IMPORTS + leave + code)
