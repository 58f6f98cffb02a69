"""What names this machine or its user is no part of a record or a report.

A file keeps its name and loses its folders; a home folder goes whole, since its name is a user's.
"""

from __future__ import annotations

import os
import re

BEGINS, FOLDER = r"(?<![\w./])", r"[^\s/:'\"]+"
HOMES = re.compile(rf"{BEGINS}/(?:home|Users)/{FOLDER}")
FOLDERS = re.compile(rf"{BEGINS}(?:~/(?:{FOLDER}/)*|/(?:{FOLDER}/)+)")
"""The folders of an absolute path, or of one in a home; what follows is the name of a file."""


def without_places(text: str) -> str:
    text, home = text.replace("file://", "file:"), os.path.expanduser("~")
    if os.path.isabs(home) and home != "/":
        text = re.sub(rf"{BEGINS}{re.escape(home)}(?!{FOLDER})", "~", text)
    return FOLDERS.sub("", HOMES.sub("~", text))
