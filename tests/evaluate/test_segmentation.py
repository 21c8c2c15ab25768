import copy
import importlib

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from unlabeled.data.store import Store
from unlabeled.encoders import ConvNet, Patches, Shape, Words
from unlabeled.errors import DataError, UsageError
from unlabeled.evaluate import baselines, evaluate, segmentation, table
from unlabeled.evaluate.collages import collages
from unlabeled.views import Batch

module = importlib.import_module("unlabeled.evaluate.segmentation")
Head, Segmenter, mean_iou = module.Head, module.Segmenter, module.mean_iou


def weave(n, seed, classes=4, size=16):
    """Bars on black: what the class is cannot be told from one pixel."""
    chance = np.random.default_rng(seed)
    labels, at = chance.integers(0, classes, n), np.arange(size)
    images = np.empty((n, 1, size, size))
    for i, label in enumerate(labels):
        wave = np.sin(2 * np.pi * at / (4 + 4 * (label // 2)) + chance.uniform(0, 6)) > 0
        images[i, 0] = wave[:, None] if label % 2 else wave[None, :]
    noise = chance.uniform(0.6, 1, images.shape)
    pixels = (250 * images * noise).astype(np.uint8)
    return Store(pixels, Shape("image", 1, size), [str(i) for i in range(n)]), labels


@pytest.fixture(scope="module")
def samples():
    return weave(400, 0), weave(200, 1)


@pytest.fixture(scope="module")
def good(samples):
    return baselines.supervised(ConvNet(1, 16, width=4), samples[0], steps=40, seed=1)


@pytest.fixture(scope="module")
def parts(samples):
    return collages(samples[0], 24), collages(samples[1], 24)


def state(net):
    return {name: value.clone() for name, value in net.state_dict().items()}


def same(a, b):
    return all(torch.equal(a[name], b[name]) for name in a)


def segmenter(net, masks, *, deep=False, frozen=True):
    net = copy.deepcopy(net)
    net.size = masks.shape[1]
    torch.manual_seed(0)
    return Segmenter(net, masks=torch.from_numpy(masks), classes=5, deep=deep, frozen=frozen)


def test_mean_iou_is_that_of_sets_of_pixels():
    """Counted with Python's own sets, over all images at once."""
    chance = np.random.default_rng(0)
    truth, guess = chance.integers(0, 4, (2, 3, 5, 7))
    truth[truth == 2] = 5  # class 2 is named but never there; class 4 neither; class 5 only there
    truth[0, 0, :3] = 255
    scores = []
    for c in range(6):
        there = {i for i in np.ndindex(truth.shape) if truth[i] == c}
        named = {i for i in np.ndindex(truth.shape) if guess[i] == c and truth[i] != 255}
        if there | named:
            scores.append(len(there & named) / len(there | named))
    assert len(scores) == 5
    found = mean_iou(torch.from_numpy(truth), torch.from_numpy(guess))
    assert found == pytest.approx(100 * sum(scores) / 5, rel=1e-12)
    assert mean_iou(torch.arange(3), torch.arange(3)) == 100


def test_the_linear_head_is_linear_in_the_joined_maps_and_the_decoder_is_not():
    torch.manual_seed(0)
    widths, sides = (4, 6, 8), (8, 4, 2)
    a, b = ([torch.randn(2, w, s, s) for w, s in zip(widths, sides, strict=True)] for _ in range(2))
    middle = [(x + y) / 2 for x, y in zip(a, b, strict=True)]
    linear, deep = (Head(widths, 5, deep=deep).eval() for deep in (False, True))
    mean = (linear(a, (16, 16)) + linear(b, (16, 16))) / 2
    torch.testing.assert_close(linear(middle, (16, 16)), mean)
    assert linear(a, (16, 16)).shape == deep(a, (16, 16)).shape == (2, 5, 16, 16)
    assert not torch.allclose(deep(middle, (16, 16)), (deep(a, (16, 16)) + deep(b, (16, 16))) / 2)
    for i in range(3):  # every map is heard
        one = [x + (j == i) for j, x in enumerate(a)]
        assert not torch.allclose(linear(one, (16, 16)), linear(a, (16, 16)))
        assert not torch.allclose(deep(one, (16, 16)), deep(a, (16, 16)))
    # upsampling what is classified is classifying what is upsampled
    alone = Head((4,), 5, deep=False).eval()
    up = lambda x: F.interpolate(x, (16, 16), mode="bilinear", align_corners=False)
    torch.testing.assert_close(alone(a[:1], (16, 16)), alone.enter[0](up(a[0])))


@pytest.mark.parametrize("frozen", [True, False])
def test_a_frozen_encoder_stays_to_the_last_statistic_and_a_tuned_one_moves(good, parts, frozen):
    masks = parts[0][1][:8]
    method = segmenter(good, masks, frozen=frozen)
    before, top, random = state(method.encoder), state(method.top), torch.get_rng_state()
    images = np.ascontiguousarray(parts[0][0][:8].transpose(0, 3, 1, 2))
    store = Store(images, Shape("image", 1, 32), list(map(str, range(8))))
    with torch.random.fork_rng():
        baselines.learn(method, store, module.RECIPE, steps=2, seed=0)
    assert same(before, state(method.encoder)) == frozen
    assert not same(top, state(method.top))
    assert torch.equal(torch.get_rng_state(), random)


def test_pixels_of_class_255_teach_nothing(good, parts):
    method = segmenter(good, parts[0][1][:4])
    x = torch.rand(4, 1, 32, 32)
    truth = torch.from_numpy(parts[0][1][:4])
    some = truth.clone()
    some[:, :16] = 255
    maps = method.maps(x)
    energies = method.loss(some, *maps)
    every = method.loss(truth, *maps).view(4, 32, 32)
    torch.testing.assert_close(energies, every[:, 16:].flatten())


def test_maps_that_are_kept_are_those_of_looking_in_each_step(good, parts, monkeypatch):
    images, masks = parts[0][0][:6], parts[0][1][:6]
    data = np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    store = Store(data, Shape("image", 1, 32), list(map(str, range(6))))
    rows = torch.tensor([5, 0, 3, 1, 0, 2, 4, 2])
    batch = lambda: Batch(store.read(rows), rows, seed=0, epoch=0)
    method, tuned = segmenter(good, masks), segmenter(good, masks, frozen=False)
    fresh = method.views(batch())
    monkeypatch.setattr(module, "NUMBERS", 1)
    method.look(store)
    assert not method.seen  # too many
    monkeypatch.undo()
    method.look(store)
    tuned.look(store)
    assert method.seen
    assert not tuned.seen  # whose maps change
    kept = method.views(batch())
    assert len(kept) == len(fresh) == 1 + len(method.seen)
    for a, b in zip(kept, fresh, strict=True):
        torch.testing.assert_close(a, b)
    assert not torch.equal(fresh[0][0], method.truth[5])  # the first is a mirror image


def test_both_arms_get_the_same_heads_images_and_steps(good, parts, monkeypatch):
    seen = []

    def learn(method, store, recipe, *, steps, seed):
        top = torch.cat([p.detach().flatten() for p in method.top.parameters()])
        seen.append((top, torch.from_numpy(store.data.copy()), method.truth.clone(), steps, seed,
                     recipe, method.frozen, method.encoder.size))  # fmt: skip

    monkeypatch.setattr(module, "learn", learn)
    before = state(good)
    found = segmentation(good, *parts, counts=(4, 8, 99), steps=3, draws=2)
    assert same(before, state(good))
    assert good.size == 16
    half = len(seen) // 2
    assert half == 2 * 2 * 2 * 2  # heads, frozen or tuned, 4 or 8 images, draws
    for ours, theirs in zip(seen[:half], seen[half:], strict=True):
        assert all(torch.equal(a, b) for a, b in zip(ours[:3], theirs[:3], strict=True))
        assert ours[3:] == theirs[3:]
        assert ours[7] == 32  # canvases are looked at in their own size
    assert list(found["encoder"]) == list(found["untrained"]) == [
        f"{head} {how}, {n} images"
        for head in ("linear", "decoder") for how in ("frozen", "tuned") for n in (4, 8)
    ]  # fmt: skip


def test_weights_that_know_the_classes_win_over_random_ones(good, parts, monkeypatch):
    one = lambda starts, heads, ways, counts: [(who, "linear", "frozen", 12) for who in starts]
    monkeypatch.setattr(module, "product", one)
    found = segmentation(good, *parts, counts=(12,), steps=25, draws=1)
    ours, theirs = (found[who]["linear frozen, 12 images"] for who in ("encoder", "untrained"))
    assert ours["mIoU"] > theirs["mIoU"] + 2
    assert ours["draws"] == [ours["mIoU"]]


def test_both_arms_have_the_batch_norm_of_these_images(good, parts):
    given = {"counts": (4,), "steps": 1, "draws": 1, "beside": False}
    other = copy.deepcopy(good)
    for name, average in other.named_buffers():
        if name.endswith("running_mean"):
            average += 1
    assert segmentation(other, *parts, **given) == segmentation(good, *parts, **given)


def test_random_weights_of_a_seed_need_scoring_once(good, parts):
    given = {"counts": (4,), "steps": 1, "draws": 1}
    both = segmentation(good, *parts, **given)
    assert segmentation(good, *parts, beside=False, **given) == {"encoder": both["encoder"]}
    again = segmentation(baselines.fresh(good, 5), *parts, **given)
    assert again["untrained"] == both["untrained"] != again["encoder"]


def test_encoders_that_know_one_size_only_see_shrunken_images(parts):
    net = Patches(1, 16, dim=32)
    found = segmentation(net, *parts, counts=(4,), steps=1, draws=1)
    assert 0 <= found["encoder"]["linear frozen, 4 images"]["mIoU"] <= 100
    assert net.size == 16


def test_masks_must_fit(good, parts):
    images, masks = parts[0]
    with pytest.raises(DataError, match="do not give every pixel"):
        segmentation(good, (images, masks[:5]), parts[1])
    with pytest.raises(DataError, match="do not give every pixel"):
        segmentation(good, (images[:, :, :20], masks[:, :, :20]), parts[1])


def test_it_stands_among_the_protocols_and_says_that_it_is_synthetic(good, samples, monkeypatch):
    for name, value in {"COUNTS": (4,), "STEPS": 1, "DRAWS": 1, "TESTS": 6}.items():
        monkeypatch.setattr(module, name, value)
    given = {"protocols": ("segmentation",)}
    found = evaluate(good, *samples, **given)
    assert set(found["scores"]) == {"encoder", "untrained"}
    columns = list(found["scores"]["encoder"])
    assert columns == list(found["scores"]["untrained"])
    assert all("synthetic" in name for name in columns)
    assert "synthetic" in found["settings"]["segmentation"]["data"]
    assert table(found)[0][1].endswith("synthetic collages mIoU")
    other = evaluate(good, *samples, seed=1, **given)
    assert other["settings"]["segmentation"]["seed"] == 1


def test_text_cannot_be_segmented():
    rows = np.ones((4, 3), np.int32)
    text = Store(rows, Shape("text", 1, 3, 5), list("abcd")), np.arange(4) % 2
    for name in ("segmentation", "linear:mae"):
        with pytest.raises(UsageError, match="looks at images"):
            evaluate(Words(5, dim=4, size=3), text, text, protocols=(name,))
