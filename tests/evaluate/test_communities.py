import copy
import dataclasses
import hashlib

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from unlabeled.data.batches import Batches
from unlabeled.encoders import ConvNet, build
from unlabeled.errors import UsageError
from unlabeled.evaluate import baselines, evaluate
from unlabeled.evaluate.communities import COMMUNITIES, CROP, Heads, probe
from unlabeled.evaluate.embed import embed
from unlabeled.evaluate.linear import folds
from unlabeled.train.optimizers import optimizer
from unlabeled.views import augment

IMAGENET, CPU, GPU = 1_281_167, torch.device("cpu"), torch.device("cuda")


def digest(module):
    state = b"".join(t.numpy().tobytes() for t in module.state_dict().values())
    return hashlib.sha256(state).hexdigest()


@pytest.fixture(scope="module")
def learnt(train):
    return baselines.supervised(ConvNet(1, 16, width=4), train, steps=25, seed=1)


def trained(encoder, samples, community, **changed):
    """The heads after all epochs on all samples."""
    store, labels = samples
    community = dataclasses.replace(community, **changed)
    with torch.random.fork_rng():
        net = copy.deepcopy(encoder)
        method = Heads(net, labels=torch.from_numpy(labels), classes=4, community=community)
        steps = int(community.epochs) * (len(store) // community.batch)
        baselines.learn(method, store, community, steps=steps, seed=0)
    return method


# ---- the trainer --------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "nesterov"), [("solo", False), ("simclr", True)])
def test_training_is_sgd_with_momentum_as_written_down(learnt, train, name, nesterov):
    """Three steps in float64 by hand, on the same views."""
    store, labels = train
    community = COMMUNITIES[name]
    made = trained(learnt, train, community, batch=128, epochs=1, lr=0.5, weight_decay=1e-2)
    start = trained(learnt, train, community, batch=128, epochs=1, lr=0.0)
    w, b = (p.detach().double() for p in start.heads[0][2].parameters())
    assert 0.008 < float(w.std()) < 0.012
    assert not b.any()
    memory = [torch.zeros_like(w), torch.zeros_like(b)]
    batches = Batches(store, 128, seed=0)
    rate = dataclasses.replace(community, batch=128, epochs=1, lr=0.5)
    for t in range(3):
        batch = batches[t]
        with torch.no_grad():
            x = learnt.eval()(augment(batch, 16, CROP)).double()
        y = F.one_hot(torch.from_numpy(labels)[batch.index], 4)
        error = ((x @ w.T + b).softmax(1) - y) / len(x)
        for i, (p, g) in enumerate(((w, error.T @ x), (b, error.sum(0)))):
            g = g + 1e-2 * p
            memory[i] = g.clone() if t == 0 else 0.9 * memory[i] + g
            move = g + 0.9 * memory[i] if nesterov else memory[i]
            p -= community.rates[0] * rate.rate(t, 3) * move
    for ours, theirs in zip(made.heads[0][2].parameters(), (w, b), strict=True):
        torch.testing.assert_close(ours.double(), theirs, rtol=1e-4, atol=1e-6)


def test_heads_trained_together_are_those_trained_alone(learnt, train):
    settings = {"batch": 64, "epochs": 2, "lr": 0.25}
    together = trained(learnt, train, COMMUNITIES["dinov2"], rates=(0.01, 0.3, 1.0), **settings)
    for i, rate in enumerate((0.01, 0.3, 1.0)):
        alone = trained(learnt, train, COMMUNITIES["dinov2"], rates=(rate,), **settings)
        for a, b in zip(together.heads[i].parameters(), alone.heads[0].parameters(), strict=True):
            assert torch.equal(a, b)
    weights = [head[2].weight for head in together.heads]
    assert not torch.equal(weights[0], weights[1])


@pytest.mark.parametrize("name", ["vissl", "mae", "dinov2"])
def test_the_encoder_is_left_as_it_was_to_the_last_statistic(learnt, train, test, name):
    encoder = copy.deepcopy(learnt).train()
    before, random = digest(encoder), torch.get_rng_state()
    method = trained(encoder, train, COMMUNITIES[name].fitted(400, 1, CPU))
    assert digest(method.encoder) == before  # the copy that was worked with, too
    probe(encoder, train, test, COMMUNITIES[name].fitted(400, 1, CPU))
    assert digest(encoder) == before
    assert encoder.training
    assert all(p.requires_grad for p in encoder.parameters())
    assert torch.equal(torch.get_rng_state(), random)


def test_held_samples_choose_and_neither_they_nor_the_test_teach(learnt, train, test):
    store, labels = train
    community = COMMUNITIES["dinov2"].fitted(400, 2, CPU)
    found = probe(learnt, train, test, community)
    spoilt = probe(learnt, train, (test[0], (test[1] + 1) % 4), community)
    assert spoilt["head"] == found["head"]
    assert found["accuracy"] > 60
    assert spoilt["accuracy"] < 40

    held = folds(labels, 10, seed=0)[0]  # the same by hand, from features and weights
    truth = np.where(np.isin(np.arange(400), held), -1, labels)
    method = trained(learnt, (store, truth), community)
    x = embed(learnt, store)["out"][held]
    right = [
        (x @ w.detach().numpy().T + b.detach().numpy()).argmax(1) == labels[held]
        for w, b in (head[2].parameters() for head in method.heads)
    ]
    shares = np.mean(right, 1)
    assert found["head"] == f"out, rate {community.rates[shares.argmax()]:g}"
    assert shares.min() < shares.max()

    x, y = torch.rand(6, 1, 16, 16), torch.tensor([0, -1, 2, 3, -1, 1])
    known = y >= 0
    assert torch.allclose(method.loss(x, y).sum(), method.loss(x[known], y[known]).sum())
    assert len(method.loss(x, y)) == 4


def test_the_test_part_is_not_read_before_the_heads_are_done(learnt, train, test):
    class Watched(type(test[0])):
        def read(self, index):
            seen.append("test")
            return super().read(index)

    class Taught(type(test[0])):
        def read(self, index):
            seen.append("train")
            return super().read(index)

    seen = []
    fields = lambda store: {f.name: getattr(store, f.name) for f in dataclasses.fields(store)}
    parts = (Taught(**fields(train[0])), train[1]), (Watched(**fields(test[0])), test[1])
    probe(learnt, *parts, COMMUNITIES["dinov2"].fitted(400, 1, CPU))
    first = seen.index("test")
    assert seen[:first].count("train") > 8
    assert "train" not in seen[first:]


# ---- what the heads read ------------------------------------------------------------------------


def heads(encoder, name):
    community = COMMUNITIES[name]
    return Heads(encoder, labels=torch.arange(4), classes=4, community=community).eval()


def test_vissl_reads_every_layer_through_a_norm_of_channels(learnt):
    method = heads(copy.deepcopy(learnt), "vissl")
    assert [name for name, _ in method.names] == list(learnt.layers)
    x = torch.rand(8, 1, 16, 16)
    found, maps = method.read(x), learnt.eval().features(x)["stage2"]
    norm, _, linear = method.heads[1].train()
    theirs = nn.BatchNorm2d(maps.shape[1]).train()
    joined = theirs(maps).flatten(1)  # 16 channels of 4 x 4: fewer numbers than a grid may have
    torch.testing.assert_close(method.heads[1](found["stage2"]), linear(joined))
    assert norm.affine
    decays = {id(p): g["weight_decay"] for g in optimizer(method, method.community).param_groups
              for p in g["params"]}  # fmt: skip
    assert decays[id(linear.weight)] == decays[id(linear.bias)] == 5e-4
    assert decays[id(norm.weight)] == 0


def test_mae_puts_a_norm_without_weights_before_the_head_and_adapts_no_bias(learnt):
    method = heads(copy.deepcopy(learnt), "mae")
    norm, _, linear = method.heads[0].train()
    assert (norm.eps, norm.affine) == (1e-6, False)
    x = torch.rand(8, learnt.dim)
    plain = (x - x.mean(0)) / (x.var(0, correction=0) + 1e-6).sqrt()
    torch.testing.assert_close(method.heads[0](x), linear(plain))
    adapts = {id(p): g["adapt"] for g in optimizer(method, method.community).param_groups
              for p in g["params"]}  # fmt: skip
    assert adapts[id(linear.weight)]
    assert not adapts[id(linear.bias)]


def test_dino_joins_class_tokens_of_four_blocks_and_dinov2_tries_patches_too():
    from unlabeled.encoders import Shape

    vit = build("vit_tiny_patch16_224", Shape("image", 1, 16)).eval()
    x = torch.rand(2, 1, 16, 16)
    two = heads(copy.deepcopy(vit), "dinov2")
    found, out = two.read(x), vit(x)
    assert list(found) == ["1 block", "4 blocks", "1 block + patches", "4 blocks + patches"]
    assert len(two.names) == len(set(two.names)) == 52
    d = vit.dim
    assert [y.shape[1] for y in found.values()] == [d, 4 * d, 2 * d, 5 * d]
    torch.testing.assert_close(found["1 block"], out)  # the normed class token
    torch.testing.assert_close(found["4 blocks"][:, -d:], out)
    torch.testing.assert_close(found["1 block + patches"][:, d:], vit.tokens(x).mean(1))
    one = heads(copy.deepcopy(vit), "dino")
    assert [name for name, _ in one.names] == ["4 blocks"]
    torch.testing.assert_close(one.read(x)["4 blocks"], found["4 blocks"])

    ours = build("vit", Shape("image", 1, 16)).eval()  # which has no class token
    found = heads(copy.deepcopy(ours), "dinov2").read(x)
    assert list(found) == ["out"]
    torch.testing.assert_close(found["out"], ours(x))


def test_what_is_no_transformer_is_read_at_its_output(learnt):
    method = heads(copy.deepcopy(learnt), "dinov2")
    x = torch.rand(3, 1, 16, 16)
    assert len(method.names) == 13
    torch.testing.assert_close(method.read(x)["out"], learnt.eval()(x))


# ---- among the other protocols ------------------------------------------------------------------


def test_they_stand_beside_the_untrained_network_and_their_name_says_the_epochs(
    learnt, train, test
):
    given = {"protocols": ("linear:vissl",), "epochs": 2}
    found = evaluate(learnt, train, test, **given)
    name = "linear:vissl, 2 of 28 epochs"
    assert {who: set(scores) for who, scores in found["scores"].items()} == {
        "encoder": {name}, "untrained": {name}
    }  # fmt: skip
    score = found["scores"]["encoder"][name]
    assert set(score["layers"]) == set(learnt.layers)
    assert score["accuracy"] == score["layers"]["out"] > 60
    run = found["settings"]["reported"][name]
    assert (run["batch"], run["lr"], run["epochs"], run["rates"]) == (32, 0.125, 2, [0.01])
    short = evaluate(learnt, train, test, beside=(), protocols=("linear:vissl",), epochs=1)
    assert set(short["scores"]["encoder"]) == {"linear:vissl, 1 of 28 epochs"}
    assert short["protocol"] == found["protocol"]


def test_a_name_misspelt_is_put_right(learnt, train, test):
    with pytest.raises(UsageError, match="did you mean `linear:dinov2`"):
        evaluate(learnt, train, test, protocols=("linear:dino2",))
    with pytest.raises(UsageError, match="did you mean `segmentation`"):
        evaluate(learnt, train, test, protocols=("segmentaton",))
