import numpy as np

from unlabeled.evaluate.few import chosen, few


def clouds(n, seed):
    chance = np.random.default_rng(seed)
    labels = np.arange(n) % 4
    centres = np.random.default_rng(5).standard_normal((4, 10))
    return (centres[labels] + chance.standard_normal((n, 10))).astype(np.float32), labels


def test_as_many_of_each_class_are_drawn_and_every_draw_is_its_own():
    labels = np.random.default_rng(0).integers(0, 5, 500)
    rows = chosen(labels, 7, draw=0)
    assert len(set(rows)) == 35
    assert np.bincount(labels[rows]).tolist() == [7] * 5
    assert np.array_equal(rows, chosen(labels, 7, draw=0))
    assert not np.array_equal(rows, chosen(labels, 7, draw=1))


def test_more_labels_score_higher_and_spread_less():
    train, test = clouds(2000, 0), clouds(500, 1)
    one, ten, many = (few(train, test, classes=4, labels=n) for n in (1, 10, 100))
    assert one["accuracy"] < ten["accuracy"] < many["accuracy"]
    assert one["deviation"] > many["deviation"]
    assert len(ten["draws"]) == 5
    assert ten["accuracy"] == np.mean(ten["draws"])
    np.testing.assert_allclose(ten["deviation"], np.std(ten["draws"], ddof=1))


def test_only_the_drawn_labels_are_used():
    train, test = clouds(400, 0), clouds(100, 1)
    drawn = chosen(train[1], 3, draw=0)
    others = np.setdiff1d(np.arange(400), drawn)
    before = few(train, test, classes=4, labels=3, draws=1)
    spoilt = train[0].copy()
    spoilt[others] = 1e3
    assert few((spoilt, train[1]), test, classes=4, labels=3, draws=1) == before
