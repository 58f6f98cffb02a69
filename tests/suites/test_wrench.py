"""WRENCH's folders: the layout that is read, and the word on one that is not."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from harness.declare.workload import Place
from harness.errors import Absent, UsageError
from suites.noisy_text import NoisyText
from suites.wrench import read_wrench


def example(text: str, label: Any, *votes: Any) -> dict[str, Any]:
    return {"label": label, "weak_labels": list(votes), "data": {"text": text}}


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "tiny"
    folder.mkdir()
    splits = {
        "train": [example("one two", 0, 0, 0, -1), example("two", 1, -1, -1, -1)],
        "valid": [example("a", 0, 0, 1, 1), example("b", 2, 2, -1, -1)],
        "test": [example("one a", 1, -1, -1, 1), example("a b", 2, 2, 2, 2)],
    }
    for split, examples in splits.items():
        table = {str(number): each for number, each in enumerate(examples)}
        (folder / f"{split}.json").write_text(json.dumps(table))
    names = {"0": "bad", "1": "so so", "2": "good"}
    (folder / "label.json").write_text(json.dumps(names))
    return tmp_path


def test_a_folder_is_read_with_the_majority_of_its_votes(data_dir: Path) -> None:
    text = read_wrench(str(data_dir), "tiny")
    assert text.classes == 3
    assert text.train.texts == ("one two", "two")
    assert text.train.weak.tolist() == [0, -1]
    assert text.valid.weak.tolist() == [1, 2]
    assert text.test.true.tolist() == [1, 2]


def test_a_workload_trains_on_it(data_dir: Path) -> None:
    place = Place(data_dir=str(data_dir))
    workload = NoisyText(place, wrench="tiny", clean=1, base_batch_size=1, meta_batch_size=1)
    assert workload.data == "WRENCH's tiny, from data_dir"
    batch = workload.train_batch(0, 0)
    assert batch.base[0].labels.tolist() == [0]  # nothing votes on the other sentence
    assert batch.meta.labels.tolist() == [0]
    params, buffers = workload.initial_base(0)
    loss = workload.base_loss({**params, **buffers}, workload.initial(0), batch.base[0])
    assert torch.isfinite(loss)
    assert workload.eval_batch(0, "valid", 0, 1).meta.labels.tolist() == [2]


def test_without_a_data_folder_it_says_what_to_give() -> None:
    with pytest.raises(Absent, match=r"data_dir=FOLDER.*FOLDER/youtube.*JieyuZ2/wrench"):
        read_wrench(None, "youtube")


def test_another_name_says_which_sets_there_are(data_dir: Path) -> None:
    with pytest.raises(Absent, match=r"no train.json in the folder tny.*found.*: tiny"):
        read_wrench(str(data_dir), "tny")


@pytest.mark.parametrize(
    ("file", "content", "word"),
    [
        ("train.json", "{", "train.json: it can't be read as JSON"),
        ("train.json", "[" * 100_000, "train.json: it can't be read as JSON"),
        ("train.json", "[]", "train.json: it holds a list"),
        ("train.json", "{}", "train.json: it has no examples"),
        ("valid.json", json.dumps({"7": {"label": 0}}), "valid.json: example 7 has no text"),
        ("valid.json", json.dumps({"7": example("a", 3, 0)}), "no label from 0 to 2"),
        ("valid.json", json.dumps({"7": example("a", 0, 3)}), "weak_labels from -1 to 2"),
        ("valid.json", json.dumps({"7": example("a", 0, math.inf)}), "weak_labels from -1 to 2"),
        ("valid.json", json.dumps({"7": example("a", 0, "x")}), "valid.json: example 7"),
        (
            "test.json",
            json.dumps({"0": example("a", 0, 0), "1": example("b", 0)}),
            "different numbers of weak_labels",
        ),
        ("label.json", json.dumps({"a": "b"}), "label.json: its labels are a, not 0, 1, 2"),
        ("label.json", json.dumps({"0": "all"}), "label.json: it names 1 labels"),
    ],
)
def test_a_damaged_file_is_named_with_what_is_wrong(
    data_dir: Path, file: str, content: str, word: str
) -> None:
    (data_dir / "tiny" / file).write_text(content)
    with pytest.raises(UsageError, match=word) as caught:
        read_wrench(str(data_dir), "tiny")
    assert "repair the file" in str(caught.value)
