"""What names this machine or its user is no part of a record or a report.

A file keeps its name and loses its folders; a home folder goes whole, since its name is a user's.
"""

from __future__ import annotations

import re
from pathlib import Path

HOMES = re.compile(r"/(?:home|Users)/[^\s/:'\"]+")
FOLDER = r"[^\s/:'\"]+/"
FOLDERS = re.compile(rf"(?<![\w./])(?:~/(?:{FOLDER})*|/(?:{FOLDER})+)")
"""The folders of an absolute path, or of one in a home; what follows is the name of a file."""


def without_places(text: str) -> str:
    text = text.replace("file://", "file:").replace(str(Path.home()), "~")
    return FOLDERS.sub("", HOMES.sub("~", text))
