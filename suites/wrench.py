"""Weakly labelled sentences as WRENCH publishes them (Zhang et al. 2021).

A set is a folder of four files. Each of train.json, valid.json and test.json is an object from an
example's number to {"label": 0, "weak_labels": [0, -1, 1], "data": {"text": "..."}}, where -1 is a
labelling function that abstains; label.json names the labels, {"0": "negative", "1": "positive"}.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from harness.errors import Absent, UsageError
from harness.reading import from_json, read_whole
from suites.weak_text import ABSTAINED, Sentences, WeakText, majority

FILES = ("train.json", "valid.json", "test.json", "label.json")
PUBLISHED = "github.com/JieyuZ2/wrench"


def read_wrench(data_dir: str | None, name: str) -> WeakText:
    """Read a set of this name in the data folder."""
    if data_dir is None:
        raise Absent(
            f"wrench={name}: no folder of data was given. Give data_dir=FOLDER, where "
            f"FOLDER/{name} holds {', '.join(FILES)} as published at {PUBLISHED}."
        )
    folder = Path(data_dir) / name
    missing = [file for file in FILES if not (folder / file).is_file()]
    if missing:
        there = sorted(p.name for p in Path(data_dir).iterdir() if (p / "label.json").is_file())
        raise Absent(
            f"wrench={name}: there is no {missing[0]} in the folder {name} of data_dir. A set of "
            f"WRENCH is a folder of {', '.join(FILES)}, as published at {PUBLISHED}. "
            f"Sets found in data_dir: {', '.join(there) or 'none'}."
        )
    labels = _table(folder / "label.json")
    if sorted(labels, key=lambda key: (len(key), key)) != [str(n) for n in range(len(labels))]:
        raise _damaged("label.json", f"its labels are {', '.join(labels)}, not 0, 1, 2, ...")
    if len(labels) < 2:
        raise _damaged("label.json", f"it names {len(labels)} labels, and two are the fewest")
    splits = [_sentences(folder / file, len(labels)) for file in FILES[:3]]
    return WeakText(len(labels), *splits)


def _sentences(path: Path, classes: int) -> Sentences:
    texts, true, weak = [], [], []
    for key, example in _table(path).items():
        try:
            text, label, said = example["data"]["text"], example["label"], example["weak_labels"]
            row = [int(vote) for vote in said]
            known = isinstance(text, str) and int(label) == label and 0 <= label < classes
        except (KeyError, TypeError, ValueError, OverflowError):
            known = False
        if not known or not all(ABSTAINED <= vote < classes for vote in row):
            raise _damaged(
                path.name,
                f"example {key} has no text under data, no label from 0 to {classes - 1}, or no "
                f"weak_labels from -1 to {classes - 1}",
            )
        texts.append(text)
        true.append(int(label))
        weak.append(row)
    if not texts:
        raise _damaged(path.name, "it has no examples")
    if len({len(row) for row in weak}) > 1:
        raise _damaged(path.name, "its examples have different numbers of weak_labels")
    found = majority(np.array(weak, np.int64).reshape(len(texts), -1), classes)
    return Sentences(tuple(texts), np.array(true), found)


def _table(path: Path) -> dict[str, Any]:
    try:
        table = from_json(read_whole(path))
    except (OSError, ValueError, RecursionError) as error:
        raise _damaged(path.name, f"it can't be read as JSON ({error})") from None
    if not isinstance(table, dict):
        raise _damaged(path.name, f"it holds a {type(table).__name__}, not an object")
    return table


def _damaged(file: str, what: str) -> UsageError:
    return UsageError(
        f"WRENCH's {file}: {what}. Download the set again from {PUBLISHED}, or repair the file."
    )
