"""A pool of samples: what was planted in it is found, and nothing is chosen by a label."""

import dataclasses

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from unlabeled.data import Labels, Store
from unlabeled.encoders import ConvNet, Shape, Words
from unlabeled.evaluate import embed
from unlabeled.report.pool import (
    Pool,
    clusters,
    draw,
    neighbours,
    plane,
    spectrum,
    strangest,
    twins,
)

SIDE = 6


def pool_of(vectors, data=None, labels=(), of=None) -> Pool:
    n = len(vectors)
    if data is None:
        data = np.random.default_rng(0).integers(0, 256, (n, 1, SIDE, SIDE), dtype=np.uint8)
    store = Store(data, Shape("image", 1, SIDE), [f"{i}.png" for i in range(n)])
    return Pool(store, torch.arange(n), torch.as_tensor(vectors).float(), of or n, labels)


def cloud(n, d=16, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed))


def groups(sizes, noise=0.02):
    """Vectors around as many corners as there are sizes, and whose each is; in no order."""
    corners = torch.eye(len(sizes), 24)
    own = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    own = own[torch.randperm(len(own), generator=torch.Generator().manual_seed(1))]
    return corners[own] + noise * cloud(len(own), 24), own


def text(words):
    return Store(np.ones((5, 4), np.int32), Shape("text", 1, 4, len(words) + 1),
                          list("abcde"), words=("<pad>", *words))  # fmt: skip


# ---- drawing ------------------------------------------------------------------------------------


def test_names_samples_vectors_and_labels_stay_together():
    data = np.arange(50, dtype=np.uint8)[:, None, None, None] + np.zeros((1, SIDE, SIDE), np.uint8)
    store = Store(data, Shape("image", 1, SIDE), [f"{i}.png" for i in range(50)])
    torch.manual_seed(0)
    encoder = ConvNet(1, 8, width=4)
    labels = Labels(np.arange(50) % 3, ("a", "b", "c"))
    pool = draw(encoder, store, labels, most=20)
    drawn = pool.index.tolist()
    assert len(set(drawn)) == 20
    assert pool.of == 50
    assert [int(x[0, 0, 0]) for x in pool.things] == drawn
    assert list(pool.names) == [f"{i}.png" for i in drawn]
    assert list(pool.labels) == ["abc"[i % 3] for i in drawn]
    torch.testing.assert_close(pool.vectors, torch.from_numpy(embed(encoder, store)["out"][drawn]))
    assert not draw(encoder, store, most=20).labels
    assert not draw(encoder, store, Labels(labels.values * 0, labels.names), most=20).labels


def test_all_words_of_a_text_are_drawn():
    encoder = Words(vocabulary=4, dim=3, size=4)
    pool = draw(encoder, text(["one", "two", "three"]))
    assert list(pool.things) == ["one", "two", "three"]
    assert torch.equal(pool.vectors, encoder.table.weight[1:])


def test_the_mean_cosine_is_that_of_all_pairs():
    pool = pool_of(cloud(30) + 1)
    cosines = F.cosine_similarity(
        pool.vectors[:, None].double(), pool.vectors[None].double(), dim=2
    )
    assert pool.chance == pytest.approx(float(cosines[~torch.eye(30, dtype=torch.bool)].mean()))


def test_neighbours_have_their_own_labels_and_cosines():
    vectors = cloud(20)
    vectors[11] = vectors[3] * 2 + 0.01 * cloud(1, seed=3)[0]
    found = neighbours(pool_of(vectors, labels=[str(i) for i in range(20)]))
    own, near = found.labels
    assert own == [str(i) for i in range(8)]
    assert near[3][0] == "11"
    assert found.cosine[3][0] == pytest.approx(
        float(F.cosine_similarity(vectors[3], vectors[11], dim=0))
    )
    assert all(who not in row for who, row in zip(own, near, strict=True))


def test_the_map_has_the_labels_of_its_samples():
    pool = pool_of(cloud(20), labels=[str(i % 2) for i in range(20)])
    assert list(plane(pool).labels) == list(pool.labels)


# ---- clusters -----------------------------------------------------------------------------------


SIZES = [12, 14, 17, 20, 21, 24, 26, 28, 30, 31]


def test_planted_clusters_are_the_sheets():
    vectors, own = groups(SIZES)
    data = own.numpy().astype(np.uint8)[:, None, None, None] * np.ones((1, SIDE, SIDE), np.uint8)
    labels = [f"class {i}" for i in own.tolist()]
    labels[int((own == 3).nonzero()[0])] = "wrong"
    found = clusters(pool_of(vectors, data, labels))
    assert found.sizes == sorted(SIZES, reverse=True)
    for sheet, size, (label, share) in zip(found.sheets, found.sizes, found.purity, strict=True):
        group = SIZES.index(size)
        assert (sheet == group).all()
        assert len(sheet) == 12
        assert label == f"class {group}"
        assert share == ((size - 1) / size if group == 3 else 1)


def test_a_sheet_begins_in_the_middle_of_its_cluster():
    vectors, own = groups([30, 40], noise=0.1)
    data = np.arange(70, dtype=np.uint8)[:, None, None, None] * np.ones((1, SIDE, SIDE), np.uint8)
    pool = pool_of(vectors, data)
    sheet = clusters(pool).sheets[0][:, 0, 0, 0].astype(int)
    whole = clusters(pool).sizes[0]
    # the cluster is one that k-means found; its members lie nearer to its mean than to others'
    assert len(set(own[sheet].tolist())) == 1
    middle = pool.unit[sheet].mean(0)
    far = (pool.unit[sheet] - middle).norm(dim=1)
    assert far[: len(far) // 2].mean() < far[len(far) // 2 :].mean()
    assert whole >= len(sheet)


def test_labels_choose_nothing():
    vectors, own = groups(SIZES, noise=0.3)
    plain, labelled = (
        clusters(pool_of(vectors)),
        clusters(pool_of(vectors, labels=list(map(str, own.tolist())))),
    )
    assert not plain.purity
    assert plain.sizes == labelled.sizes
    assert all(np.array_equal(a, b) for a, b in zip(plain.sheets, labelled.sheets, strict=True))


def test_words_fall_together_too():
    vectors, own = groups(SIZES)
    store = text([f"{i}-{'abcdefghij'[own[i]]}" for i in range(len(own))])
    found = clusters(Pool(store, torch.zeros(0), vectors, len(own)))
    assert {len({word[-1] for word in sheet}) for sheet in found.sheets} == {1}
    assert sum(found.sizes) == len(own)


# ---- far from all others, and twice ---------------------------------------------------------------


def test_planted_outliers_are_the_strangest():
    vectors = torch.eye(1, 16) + 0.05 * cloud(60)
    for i, axis in ((7, 3), (30, 4), (55, 5)):
        vectors[i] = torch.eye(16)[axis]
    found = strangest(pool_of(vectors, labels=[f"kind {i}" for i in range(60)]))
    assert [f"kind {name[:-4]}" for name in found.names] == list(found.labels)
    assert set(found.names[:3]) == {"7.png", "30.png", "55.png"}
    assert found.among == 60
    unit = vectors.double() / vectors.double().norm(dim=1, keepdim=True)
    cosines = (unit @ unit.T).fill_diagonal_(-1).sort(descending=True).values[:, :10]
    expected = (1 - cosines.mean(1)).sort(descending=True).values[:8]
    assert found.values == pytest.approx(expected.numpy(), abs=1e-5)
    assert (np.diff(found.values) <= 0).all()


def planted():
    """Forty samples: one twice, one nearly so, two that the encoder holds for one, two it does not."""
    data = np.random.default_rng(0).integers(0, 250, (40, 1, SIDE, SIDE), dtype=np.uint8)
    vectors = cloud(40) + 1  # so that two drawn by chance are half alike
    data[7], vectors[7] = data[3], vectors[3]
    data[20], vectors[20] = data[11] + 3, vectors[11] + 0.002 * cloud(1, seed=5)[0]
    vectors[31] = vectors[30] + 0.0001 * cloud(1, seed=6)[0]
    data[36], vectors[36] = data[35] + 3, vectors[35] + 0.5 * cloud(1, seed=7)[0]  # not close
    return pool_of(vectors, data, of=400), data.astype(np.float64)


def test_planted_duplicates_come_first():
    pool, data = planted()
    found = twins(pool)
    assert (found.close, found.same, found.nearly) == (3, 1, 1)
    pairs = [(3, 7), (11, 20), (35, 36), (30, 31)]
    assert found.names[:4] == [(f"{i}.png", f"{j}.png") for i, j in pairs]
    assert (found.among, found.of) == (40, 400)
    assert np.array_equal(found.left[1], data[11])
    assert np.array_equal(found.right[1], data[20])
    usual = np.mean([np.square(data[i] - data[i + 1]).mean() for i in range(39)])
    expected = [np.sqrt(np.square(data[i] - data[j]).mean() / usual) for i, j in pairs]
    assert found.differ[:4] == pytest.approx(expected)
    assert found.differ[0] == 0
    unit = pool.unit.double()
    apart = [float((unit[i] - unit[j]).square().sum()) for i, j in pairs]
    usual = float((unit[:, None] - unit[None]).square().sum(2).sum() / (40 * 39))
    assert found.vectors[:4] == pytest.approx(np.sqrt(np.array(apart) / usual), abs=1e-3)
    assert len(set(found.names)) == 6  # further pairs, so that one sees what near means
    assert all(int(a[:-4]) < int(b[:-4]) for a, b in found.names)


@pytest.mark.parametrize(("cosine", "close"), [(0.985, 0), (0.9951, 1)])
def test_near_is_a_tenth_of_the_distance_of_two_drawn_by_chance(cosine, close):
    """Where vectors are at right angles, that is a cosine of 0.99."""
    vectors = torch.eye(100)
    vectors[1] = cosine * vectors[0] + (1 - cosine**2) ** 0.5 * vectors[1]
    assert twins(pool_of(vectors)).close == close


@pytest.mark.parametrize("vectors", [torch.ones(150, 8), torch.full((150, 8), torch.nan)])
def test_a_collapsed_or_diverged_encoder_tells_nothing(vectors):
    pool = pool_of(vectors)
    assert clusters(pool) is None
    assert strangest(pool) is None
    assert twins(pool) is None


def test_words_are_no_duplicates_and_none_is_strange():
    pool = Pool(text(["a", "b"] * 20), torch.zeros(0), cloud(40), 40)
    assert strangest(pool) is None
    assert twins(pool) is None


# ---- the spectrum -------------------------------------------------------------------------------


def test_the_spectrum_of_known_vectors():
    """Rows of an orthogonal matrix times 4, 2 and 1 have these singular values."""
    words = [f"w{i}" for i in range(8)]
    encoder = Words(vocabulary=9, dim=3, size=4)
    turned = torch.linalg.qr(cloud(8, 8))[0][:, :3]
    with torch.no_grad():
        encoder.table.weight[1:] = turned * torch.tensor([4.0, 2.0, 1.0])
    found = spectrum(encoder, draw(encoder, text(words)))
    assert found.values["trained"] == pytest.approx([4, 2, 1], rel=1e-5)
    share = np.array([4, 2, 1]) / 7
    assert found.rank["trained"] == pytest.approx(np.exp(-(share * np.log(share)).sum()), rel=1e-5)
    assert found.samples == 8


def test_beside_it_stands_the_same_network_untrained():
    store = dataclasses.replace(pool_of(cloud(70)).store)
    torch.manual_seed(3)
    encoder = ConvNet(1, 8, width=4).eval()
    pool = draw(encoder, store, most=60)
    found = spectrum(encoder, pool)
    trained = np.linalg.svd(pool.vectors.double().numpy(), compute_uv=False)
    assert found.values["trained"] == pytest.approx(trained, rel=1e-6)
    assert set(found.rank) == {"trained", "untrained"}
    assert found.samples == 60
    other = found.values["untrained"]
    assert other.shape == trained.shape
    assert not np.allclose(other, trained, rtol=0.01)


def test_no_spectrum_of_what_is_no_number():
    encoder = Words(vocabulary=9, dim=3, size=4)
    with torch.no_grad():
        encoder.table.weight[2] = torch.nan
    assert spectrum(encoder, draw(encoder, text([f"w{i}" for i in range(8)]))) is None
