import copy

import numpy as np
import pytest
import torch

from unlabeled.data.store import Store
from unlabeled.encoders import ConvNet, Shape, build, colour_blind
from unlabeled.evaluate import baselines
from unlabeled.evaluate.embed import embed
from unlabeled.methods.reconstruction.mae import MAE


def weights(module):
    return {name: p.detach().clone() for name, p in module.named_parameters()}


def first_norm(encoder, images):
    """The first batch norm of a network, and all that it sees of these images."""
    norm = next(part for part in encoder.modules() if isinstance(part, torch.nn.BatchNorm2d))
    seen = []
    watch = norm.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    with torch.no_grad():
        copy.deepcopy(encoder).eval()(images)
    watch.remove()
    return norm, seen[0]


def test_recomputed_norms_hold_the_mean_over_the_batches_and_touch_no_weight(train):
    encoder = ConvNet(1, 16, width=8)
    images = torch.from_numpy(train[0].data).float() / 255
    norm, seen = first_norm(encoder, images)
    before, momentum = weights(encoder), norm.momentum
    norm.running_mean.fill_(100.0)  # as a network that saw other data
    baselines.recompute_norms(encoder, train[0])
    np.testing.assert_allclose(norm.running_mean, seen.mean((0, 2, 3)), atol=1e-4)
    np.testing.assert_allclose(norm.running_var, seen.var((0, 2, 3)), rtol=1e-3)
    assert norm.momentum == momentum
    assert encoder.training
    assert all(torch.equal(p, before[name]) for name, p in encoder.named_parameters())


def test_several_batches_count_equally(train, monkeypatch):
    monkeypatch.setattr(baselines, "BATCH", 100)
    encoder = ConvNet(1, 16, width=8)
    norm, seen = first_norm(encoder, torch.from_numpy(train[0].data).float() / 255)
    baselines.recompute_norms(encoder, train[0])
    assert int(norm.num_batches_tracked) == 4
    np.testing.assert_allclose(norm.running_mean, seen.mean((0, 2, 3)), atol=1e-4)


def test_the_untrained_network_is_another_one_and_always_the_same(train):
    encoder = ConvNet(1, 16, width=8)
    before, random = weights(encoder), torch.get_rng_state()
    one, again, other = (baselines.untrained(encoder, train[0], seed) for seed in (0, 0, 1))
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(p, before[name]) for name, p in encoder.named_parameters())
    x = [embed(net, train[0])["out"] for net in (encoder, one, again, other)]
    assert np.array_equal(x[1], x[2])
    assert not np.allclose(x[0], x[1])
    assert not np.allclose(x[1], x[3])


def test_a_fresh_transformer_is_drawn_as_the_trained_one_was():
    torch.manual_seed(1)
    began = build("vit", Shape("image", 1, 16))
    began.backbone.blocks[0].attn.qkv.weight.data += 1.0  # it has learned
    alone, within = baselines.fresh(began, seed=2), baselines.fresh(MAE(began, width=8), seed=2)
    for fresh in (weights(alone), weights(within.encoder)):
        for name in ("blocks.0.attn.qkv", "blocks.3.mlp.fc2"):  # torch would draw 0.05 and 0.026
            assert fresh[f"backbone.{name}.weight"].std() == pytest.approx(0.02, rel=0.05)
            assert fresh[f"backbone.{name}.bias"].count_nonzero() == 0


@pytest.mark.parametrize("blind", [True, False])
def test_a_network_that_was_made_colour_blind_is_so_untrained(blind):
    began = ConvNet(3, 16, width=4)
    if blind:
        colour_blind(began)
    red, green = torch.zeros(2, 4, 3, 16, 16)
    red[:, 0] = torch.rand(4, 16, 16)
    green[:, 1] = red[:, 0]
    fresh = baselines.fresh(began, seed=1).eval()
    assert not torch.equal(began.stage1[0][0].weight, fresh.stage1[0][0].weight)
    assert torch.allclose(fresh(red), fresh(green), atol=1e-6) == blind


def test_raw_samples_are_pixels_and_large_images_are_shrunk(train):
    assert baselines.raw(train[0]).shape == (400, 256)
    assert baselines.raw(train[0])[3, 5] == np.float32(train[0].data[3, 0, 0, 5] / 255)
    pixels = np.random.default_rng(0).integers(0, 256, (2, 3, 90, 90), dtype=np.uint8)
    x = baselines.raw(Store(pixels, Shape("image", 3, 90), ["a", "b"]))
    assert x.shape == (2, 3 * 36 * 36)
    np.testing.assert_allclose(x.mean(1), pixels.mean((1, 2, 3)) / 255, atol=0.01)


def test_pca_is_the_singular_value_decomposition():
    chance = np.random.default_rng(0)
    x = (chance.standard_normal((60, 8)) @ chance.standard_normal((8, 8)) + 3).astype(np.float32)
    q = chance.standard_normal((5, 8)).astype(np.float32)
    found, projected = baselines.pca(x, q, 3)
    _, _, axes = np.linalg.svd(x - x.mean(0), full_matrices=False)
    expected = (x - x.mean(0)) @ axes[:3].T
    np.testing.assert_allclose(np.abs(found[:, ::-1]), np.abs(expected), rtol=1e-2, atol=1e-3)
    assert projected.shape == (5, 3)
    assert baselines.pca(x, q, 50)[0].shape == (60, 8)


def test_labels_teach_the_network_what_it_did_not_know(train, test):
    (store, labels), (queries, truth) = train, test
    encoder = ConvNet(1, 16, width=4)
    random = torch.get_rng_state()
    net = baselines.supervised(encoder, train, steps=25)
    assert torch.equal(torch.get_rng_state(), random)
    fresh = baselines.untrained(encoder, store)
    scores = [_nearest_centre(n, store, labels, queries, truth) for n in (net, fresh)]
    assert scores[0] > scores[1] + 0.1
    assert scores[0] > 0.9


def _nearest_centre(net, store, labels, queries, truth):
    x, q = embed(net, store)["out"], embed(net, queries)["out"]
    centres = np.stack([x[labels == c].mean(0) for c in range(4)])
    distance = ((q[:, None] - centres) ** 2).sum(2)
    return (distance.argmin(1) == truth).mean()


@pytest.mark.parametrize("modality", ["series", "text"])
def test_series_and_text_can_be_learnt_with_labels_too(modality):
    from unlabeled.encoders import Series, Words

    labels = np.arange(64) % 2
    if modality == "series":
        rows = np.random.default_rng(0).standard_normal((64, 1, 48)).astype(np.float32)
        encoder, shape = Series(1, 48, dim=32), Shape("series", 1, 48)
    else:
        rows = 1 + np.random.default_rng(0).integers(0, 8, (64, 6)).astype(np.int32)
        encoder, shape = Words(9, dim=32, size=6), Shape("text", 1, 6, 9)
    store = Store(rows, shape, [str(i) for i in range(64)])
    net = baselines.supervised(encoder, (store, labels), steps=3)
    assert embed(net, store)["out"].shape == (64, 32)
