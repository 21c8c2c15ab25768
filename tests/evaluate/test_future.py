import numpy as np
import pytest
import torch
import torch.nn.functional as F

from unlabeled.data.store import Store
from unlabeled.encoders import ConvNet, Patches, Series, Shape
from unlabeled.errors import UsageError
from unlabeled.evaluate import evaluate, table
from unlabeled.evaluate.future import CHOICES, _played, future
from unlabeled.methods.invariance.simclr import SimCLR
from unlabeled.methods.prediction.cpc import CPC
from unlabeled.views import Batch


def parts(b, steps, lanes, dim, seed=0):
    return torch.randn(b, steps, lanes, dim, generator=torch.Generator().manual_seed(seed))


def sines(n, seed):
    """A sine of one pace tells what comes next."""
    chance = torch.Generator().manual_seed(seed)
    pace = 0.15 + 0.5 * torch.rand(n, 1, 1, generator=chance)
    phase = 6.28 * torch.rand(n, 1, 1, generator=chance)
    return (pace * torch.arange(64.0) + phase).sin()


def series(data):
    shape = Shape("series", *data.shape[1:])
    return Store(data.numpy(), shape, [str(i) for i in range(len(data))])


@pytest.fixture(scope="module")
def learnt():
    torch.manual_seed(0)
    method = CPC(Series(1, 64, dim=32), ahead=2, skip=1).train()
    optimizer = torch.optim.Adam(method.parameters(), lr=3e-3)
    data = sines(256, 0)
    for step in range(48):
        rows = torch.arange(16) + 16 * (step % 16)
        (x,) = method.views(Batch(data[rows], rows, epoch=step))
        optimizer.zero_grad()
        method(x)[0].backward()
        optimizer.step()
    return method


def test_who_knows_the_future_wins_and_who_guesses_wins_one_in_sixteen():
    there, other = (F.normalize(parts(60, 5, 6, 12, seed), dim=3) for seed in (0, 1))
    assert _played(there, there, 0) == {"accuracy": 100, "same sample": 100}
    found = _played(other, there, 0)
    assert found["accuracy"] == pytest.approx(6.25, abs=2)
    assert found["same sample"] == pytest.approx(6.25, abs=2)
    assert _played(torch.ones_like(there), torch.ones_like(there), 0)["accuracy"] == 0


def test_the_game_is_the_greatest_inner_product_among_sixteen():
    """In plain loops: the fifteen others are the next in a circle of all parts, or of a sample's."""
    b, steps, lanes = 3, 4, 5
    asked, there = parts(b, steps, lanes, 6), parts(b, steps, lanes, 6, seed=1)
    asked = asked + there
    a, z = asked.reshape(-1, 6).double().numpy(), there.reshape(-1, 6).double().numpy()
    chance = np.random.default_rng(3)
    circle = chance.permutation(60).tolist()
    own = [(20 * i + chance.permutation(20)).tolist() for i in range(b)]

    def share(circles):
        right = []
        for c in circles:
            for place, i in enumerate(c):
                others = [c[(place + j) % len(c)] for j in range(1, CHOICES)]
                right.append(all(a[i] @ z[i] > a[i] @ z[j] for j in others))
        return 100 * float(np.mean(right))

    found = _played(asked, there, 3)
    assert found == {
        "accuracy": pytest.approx(share([circle])), "same sample": pytest.approx(share(own)),
    }  # fmt: skip
    assert 20 < found["accuracy"] < 80


def test_the_hard_game_needs_sixteen_parts():
    assert set(_played(parts(9, 3, 5, 4), parts(9, 3, 5, 4), 0)) == {"accuracy"}


def test_who_knows_the_place_alone_wins_among_all_more_often_than_among_its_own():
    """Parts of one sample are alike: asking for any of them wins against other samples' parts."""
    sample = torch.randn(200, 1, 1, 16).expand(200, 4, 4, 16)
    found = _played(sample, sample + 0.01 * torch.randn(200, 4, 4, 16), 0)
    assert found["accuracy"] > 70
    assert found["same sample"] == pytest.approx(6.25, abs=3)


def test_a_context_that_has_learnt_beats_chance_and_the_last_part(learnt):
    """The claim of van den Oord et al. 2018: the context is good enough to pick what comes next."""
    random, before = torch.get_rng_state(), [p.clone() for p in learnt.parameters()]
    found = future(learnt, series(sines(200, 1)))
    assert list(found) == ["encoder", "untrained", "last part"]
    for column in ("2 ahead", "3 ahead"):
        score = {who: columns[column]["accuracy"] for who, columns in found.items()}
        assert score["encoder"] > 4 * 100 / CHOICES
        assert score["encoder"] > max(score["last part"], score["untrained"]) + 5
    assert learnt.training
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(p, q) for p, q in zip(learnt.parameters(), before, strict=True))
    assert future(learnt, series(sines(200, 1))) == found


def test_noise_cannot_be_foreseen(learnt):
    noise = torch.randn(200, 1, 64, generator=torch.Generator().manual_seed(2))
    found = future(learnt, series(noise))["encoder"]["3 ahead"]["accuracy"]
    assert found == pytest.approx(6.25, abs=4)


def test_patches_have_a_hard_game_too():
    pixels = np.random.default_rng(0).integers(0, 256, (40, 1, 32, 32), dtype=np.uint8)
    store = Store(pixels, Shape("image", 1, 32), [str(i) for i in range(40)])
    found = future(CPC(Patches(1, 32, dim=32), ahead=5), store)
    assert list(found["encoder"]) == [f"{k} ahead" for k in (2, 3, 4, 5, 6)]
    assert set(found["encoder"]["2 ahead"]) == {"accuracy", "same sample"}
    assert set(found["encoder"]["6 ahead"]) == {"accuracy"}  # seven patches are left


def test_it_is_a_protocol_of_methods_that_foresee(learnt):
    store, labels = series(sines(64, 1)), np.arange(64) % 2
    samples = store, labels
    found = evaluate(learnt.encoder, samples, samples, protocols=("future",), method=learnt)
    assert list(found["scores"]) == ["encoder", "untrained", "last part"]
    assert found["scores"]["encoder"]["2 ahead"]["accuracy"] > 25
    assert [row[0] for row in table(found)] == ["", "encoder", "untrained", "last part"]
    assert found["settings"]["future"] == {"candidates": 16, "seed": 0}
    blind = SimCLR(ConvNet(1, 16, width=4))
    for method, who in ((None, "an encoder alone"), (blind, "SimCLR")):
        with pytest.raises(UsageError, match=f"{who} does not") as caught:
            evaluate(learnt.encoder, samples, samples, protocols=("future",), method=method)
        assert "cpc" in caught.value.hint
