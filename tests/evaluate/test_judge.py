import importlib
import json

import numpy as np
import pytest

from unlabeled.data.store import Store
from unlabeled.encoders import ConvNet, Shape, Words
from unlabeled.errors import DataError, UsageError
from unlabeled.evaluate import baselines, evaluate, headline, table
from unlabeled.evaluate.embed import embed
from unlabeled.evaluate.judge import digest


@pytest.fixture(scope="module")
def learnt(train):
    return baselines.supervised(ConvNet(1, 16, width=4), train, steps=25, seed=1)


@pytest.fixture(scope="module")
def result(learnt, train, test):
    every = ("knn", "linear", "few", "layers", "retrieval", "verification", "clustering",
             "matching", "anomaly")  # fmt: skip
    return evaluate(learnt, train, test, protocols=every, layers=("stage1", "out"), draws=2)


def test_a_good_encoder_beats_its_untrained_self_by_every_protocol(result):
    good, bad = result["scores"]["encoder"], result["scores"]["untrained"]
    assert good["kNN"]["accuracy"] > 90
    for name in ("kNN", "linear", "10 labels"):
        assert good[name]["accuracy"] >= bad[name]["accuracy"]
    assert good["10 labels"]["accuracy"] > bad["10 labels"]["accuracy"] + 3
    for name in ("retrieval", "verification", "clustering", "anomaly"):
        assert headline(good[name])[1] > headline(bad[name])[1] + 3
    assert 25 < bad["matching"]["accuracy"] <= 100
    assert 0 <= result["scores"]["raw"]["matching"]["accuracy"] <= 100


def test_everything_that_was_asked_is_there_and_goes_into_json(result):
    assert set(result["scores"]) == {"encoder", "untrained", "raw", "PCA"}
    assert set(result["layers"]) == {"encoder", "untrained"}
    for who, curve in result["layers"].items():
        assert set(curve) == {"stage1", "out"}
        assert set(curve["out"]) == set(curve["stage1"]) == {"kNN", "linear"}
        assert curve["out"]["kNN"] == result["scores"][who]["kNN"]
        assert curve["out"] != curve["stage1"]
    assert result["layers"]["encoder"]["stage1"] != result["layers"]["untrained"]["stage1"]
    votes = result["scores"]["encoder"]["kNN"]
    assert set(votes) == {"accuracy", "k=10", "k=20", "k=100", "k=200", "k=200, T=0.1"}
    assert votes["accuracy"] == votes["k=20"]
    assert result["settings"]["labels"] == [1, 5, 10]  # no class has a hundred
    assert result["settings"]["shares"] == [0.01, 0.1]
    assert result["seconds"] > 0
    assert json.loads(json.dumps(result)) == result


def test_the_protocol_has_a_name_that_changes_with_it(result, learnt, train, test):
    again = evaluate(learnt, train, test, protocols=("knn",), beside=())
    other = evaluate(learnt, train, test, protocols=("knn",), beside=(), draws=4)
    same = evaluate(ConvNet(1, 16, width=4), train, test, protocols=("knn",), beside=())
    assert again["protocol"] == same["protocol"] != other["protocol"] != result["protocol"]
    more = evaluate(learnt, train, test, protocols=("clustering", "knn"), beside=(), seed=3)
    assert more["protocol"] == again["protocol"]  # a further column leaves the others as they are
    assert more["scores"]["encoder"]["kNN"] == again["scores"]["encoder"]["kNN"]
    assert again["scores"] == {"encoder": {"kNN": result["scores"]["encoder"]["kNN"]}}


def test_the_table_has_a_row_for_each_name_and_layer(result):
    rows = table(result)
    assert rows[0] == [
        "", "kNN", "linear", "1 label", "5 labels", "10 labels", "1 %", "10 %",
        "retrieval recall@1", "verification", "clustering", "matching", "anomaly AUROC",
    ]  # fmt: skip
    assert [row[0] for row in rows[1:]] == [
        "encoder", "untrained", "raw", "PCA", "stage1", "stage1, untrained",
    ]  # fmt: skip
    assert len({len(row) for row in rows}) == 1
    accuracy = result["scores"]["encoder"]["10 labels"]
    assert rows[1][5] == f"{accuracy['accuracy']:.1f} ± {accuracy['deviation']:.1f}"
    assert rows[-1][3:] == ["–"] * 10  # of a layer only kNN and linear are asked


def test_supervised_is_trained_on_request(train, test):
    result = evaluate(
        ConvNet(1, 16, width=4), train, test,
        protocols=("knn",), beside=(), supervised=True, steps=25,
    )  # fmt: skip
    found = result["scores"]
    assert found["supervised"]["kNN"]["accuracy"] > found["encoder"]["kNN"]["accuracy"] + 3
    assert result["settings"].pop("supervised") == {"steps": 25, "seed": 0}
    assert result["protocol"] == digest(result["settings"])  # it is one row's own


def test_another_precision_is_another_protocol(train, test):
    encoder = ConvNet(1, 16, width=4)
    said = {"protocols": ("knn",), "beside": ()}
    usual = evaluate(encoder, train, test, **said)
    half = evaluate(encoder, train, test, precision="bf16", **said)
    assert "precision" not in usual["settings"]  # results from before it was asked keep their name
    assert half["settings"] == {**usual["settings"], "precision": "bf16"}
    assert half["protocol"] != usual["protocol"]


def test_nothing_but_the_score_depends_on_the_test_labels(learnt, train, test):
    (store, labels), wrong = test, (test[1] + 1) % 4
    right = evaluate(learnt, train, (store, labels), protocols=("linear",), beside=())
    spoilt = evaluate(learnt, train, (store, wrong), protocols=("linear",), beside=())
    score = right["scores"]["encoder"]["linear"], spoilt["scores"]["encoder"]["linear"]
    assert score[0]["l2"] == score[1]["l2"]
    assert score[0]["accuracy"] > 80 > 20 > score[1]["accuracy"]


def test_text_has_words_in_place_of_pixels():
    chance = np.random.default_rng(0)
    labels = np.arange(120) % 2
    rows = (1 + labels[:, None] * 4 + chance.integers(0, 4, (120, 6))).astype(np.int32)
    store = Store(rows, Shape("text", 1, 6, 9), [str(i) for i in range(120)])
    found = evaluate(Words(9, dim=8, size=6), (store, labels), (store, labels), protocols=("knn",))
    assert set(found["scores"]) == {"encoder", "encoder, idf", "untrained", "TF-IDF", "PCA"}
    assert found["scores"]["encoder"]["kNN"]["accuracy"] > 95


def test_what_cannot_be_scored_is_said(train, test):
    encoder, (store, labels) = ConvNet(1, 16, width=4), test
    with pytest.raises(UsageError, match="no protocol named svm"):
        evaluate(encoder, train, test, protocols=("svm",))
    with pytest.raises(DataError, match="200 samples have 199 labels"):
        evaluate(encoder, train, (store, labels[1:]))
    with pytest.raises(DataError, match="no sample in the training part"):
        evaluate(encoder, train, (store, labels + 1))


def test_the_encoder_is_left_as_it_was(train, test):
    encoder = ConvNet(1, 16, width=4).train()
    before = embed(encoder, test[0])["out"]
    evaluate(encoder, train, test, protocols=("knn",))
    assert encoder.training
    assert np.array_equal(embed(encoder, test[0])["out"], before)


def test_tuned_columns_stand_beside_those_of_random_weights(learnt, train, test, monkeypatch):
    judge = importlib.import_module("unlabeled.evaluate.judge")
    monkeypatch.setattr(judge, "STEPS", 2)
    found = evaluate(learnt, train, test, protocols=("finetune", "knn"), beside=("untrained",))
    columns = {who: set(scores) for who, scores in found["scores"].items()}
    assert columns == {who: {"kNN", "tuned, 10 labels"} for who in ("encoder", "untrained")}
    assert found["settings"]["finetune"] == {"labels": [10], "steps": 2, "seed": 0}
    alone = evaluate(learnt, train, test, protocols=("layers",), beside=(), layers=("out",))
    assert set(alone["layers"]["encoder"]["out"]) == {"kNN", "linear"}
    few = evaluate(
        learnt, train, test, protocols=("few", "layers"), beside=(), layers=("out",), draws=2
    )
    assert few["layers"] == alone["layers"]


def test_text_cannot_play_the_matching_game():
    rows = np.ones((4, 3), np.int32)
    samples = Store(rows, Shape("text", 1, 3, 5), list("abcd")), np.arange(4) % 2
    with pytest.raises(UsageError, match="text has none"):
        evaluate(Words(5, dim=4, size=3), samples, samples, protocols=("matching",))
