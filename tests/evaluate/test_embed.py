import hashlib

import numpy as np
import pytest
import torch

from unlabeled.data.store import Store
from unlabeled.encoders import ConvNet, Series, Shape, Words
from unlabeled.errors import UsageError
from unlabeled.evaluate.embed import embed
from unlabeled.views.sequences import preprocess


def digest(module):
    state = b"".join(t.numpy().tobytes() for t in module.state_dict().values())
    return hashlib.sha256(state).hexdigest()


def test_embedding_changes_no_weight_and_no_statistic_and_no_mode(train):
    encoder = ConvNet(1, 16, width=8).train()
    encoder.stage1.eval()  # a part that was frozen stays frozen
    before, modes = digest(encoder), [part.training for part in encoder.modules()]
    random = torch.get_rng_state()
    embed(encoder, train[0], layers=encoder.layers)
    assert digest(encoder) == before
    assert [part.training for part in encoder.modules()] == modes
    assert torch.equal(torch.get_rng_state(), random)


def test_vectors_do_not_depend_on_the_batch_they_are_computed_in(train):
    encoder = ConvNet(1, 16, width=8)
    whole = embed(encoder, train[0])["out"]
    split = embed(encoder, train[0], batch=7)["out"]
    assert whole.shape == (400, encoder.dim)
    assert whole.dtype == np.float32
    np.testing.assert_allclose(whole, split, atol=1e-5)
    image = torch.from_numpy(train[0].data[5:6]).float() / 255
    np.testing.assert_allclose(whole[5], encoder.eval()(image)[0].detach(), atol=1e-5)


def test_maps_are_averaged_or_pooled_to_as_fine_a_grid_as_4096_numbers_allow(train):
    encoder = ConvNet(1, 16, width=8).eval()
    mean = embed(encoder, train[0], layers=("stage1", "out"))
    grid = embed(encoder, train[0], layers=("stage1",), pool="grid")["stage1"]
    image = torch.from_numpy(train[0].data[:1]).float() / 255
    found = encoder.features(image)["stage1"][0].detach()
    np.testing.assert_allclose(mean["stage1"][0], found.mean((1, 2)), atol=1e-5)
    assert 4096 * 0.5 < grid.shape[1] <= 4096 or grid.shape[1] == found.numel()
    assert grid.shape[1] % len(found) == 0
    np.testing.assert_allclose(grid.reshape(400, len(found), -1).mean(2), mean["stage1"], atol=1e-4)


@pytest.mark.parametrize("channels", [10, 100, 5000])
def test_a_grid_has_at_most_4096_numbers_and_no_more_cells_than_the_map(channels):
    from unlabeled.evaluate.embed import pooled

    wide = pooled(torch.rand(2, channels, 14, 14), "grid")
    long = pooled(torch.rand(2, channels, 30), "grid")
    assert wide.shape[1] == channels * min(14, max(1, int((4096 / channels) ** 0.5))) ** 2
    assert long.shape[1] == channels * min(30, max(1, 4096 // channels))


def test_samples_are_prepared_as_each_encoder_takes_them():
    pixels = torch.randint(0, 256, (2, 1, 32, 32), dtype=torch.uint8)
    images = preprocess(ConvNet(1, 16), pixels)
    assert images.shape == (2, 1, 16, 16)
    assert images.min() >= 0
    assert images.max() <= 1
    np.testing.assert_allclose(images.mean(), pixels.float().mean() / 255, atol=0.01)
    series = preprocess(Series(2, 64), 5 + 3 * torch.randn(4, 2, 64))
    np.testing.assert_allclose(series.mean(2), torch.zeros(4, 2), atol=1e-5)
    np.testing.assert_allclose(series.std(2), torch.ones(4, 2), atol=1e-5)
    tokens = torch.randint(0, 9, (3, 5))
    assert torch.equal(preprocess(Words(9, size=5), tokens), tokens)


def test_series_and_text_are_embedded_too():
    rows = np.random.default_rng(0).standard_normal((10, 2, 64)).astype(np.float32)
    store = Store(rows, Shape("series", 2, 64), [str(i) for i in range(10)])
    found = embed(Series(2, 64), store, layers=("stage2", "out"))
    assert found["stage2"].shape == (10, 64)
    assert found["out"].shape == (10, 128)
    tokens = np.array([[1, 2, 0], [3, 0, 0]], np.int32)
    words = Words(4, dim=6, size=3)
    out = embed(words, Store(tokens, Shape("text", 1, 3, 4), ["a", "b"]))["out"]
    table = words.table.weight.detach()
    np.testing.assert_allclose(out[0], (table[1] + table[2]) / 2, atol=1e-6)
    np.testing.assert_allclose(out[1], table[3], atol=1e-6)


def test_an_unknown_layer_is_named_with_those_there_are(train):
    with pytest.raises(UsageError, match="no layer `conv9`") as error:
        embed(ConvNet(1, 16), train[0], layers=("conv9",))
    assert "stage1" in str(error.value)
