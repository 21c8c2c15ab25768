"""SwAV: every crop is asked for the other large crop's cluster, and clusters share equally."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from unlabeled.encoders import ConvNet
from unlabeled.methods.clustering import swav as source
from unlabeled.methods.clustering.swav import SwAV
from unlabeled.views import Batch, Look


def method(**given):
    torch.manual_seed(0)
    settings = {"prototypes": 5, "hidden": 16, "projection": 8, "crops": 2, "frozen": 0.0} | given
    return SwAV(ConvNet(3, 16, width=8), **settings)


def batch(b=6, epoch=0):
    chance = torch.Generator().manual_seed(0)
    data = torch.randint(0, 256, (b, 3, 16, 16), generator=chance, dtype=torch.uint8)
    return Batch(data, torch.arange(b), epoch=epoch)


def shares(scores, epsilon=0.05):
    q = (scores / epsilon).exp()
    for _ in range(3):
        q = q / q.sum(0)
        q = q / q.sum(1, keepdim=True)
    return q


@pytest.mark.parametrize("crops", [0, 2, 3])
def test_the_loss_is_the_swapped_prediction(crops):
    """Caron et al. 2020, eq. 1, 2 and sec. 3.2: -q_s log softmax(z_t c / tau), for all t but s."""
    swav = method(crops=crops, temperature=0.2).double().eval()
    views = [x.double() for x in swav.views(batch())]
    assert len(views) == 2 + crops
    z = [F.normalize(swav.projector(swav.encoder(x))) for x in views]
    scores = [v @ swav.heads.weight.T for v in z]
    terms = []
    for s in range(2):
        q = shares(scores[s].detach())
        for t in range(2 + crops):
            if t != s:
                terms.append(-(q * (scores[t] / 0.2).log_softmax(1)).sum(1))
    expected = torch.stack(terms).mean(0)
    torch.testing.assert_close(swav.loss(*views), expected, rtol=0, atol=1e-10)


def test_all_crops_are_distorted_as_simclrs(monkeypatch):
    """Caron et al. 2020, appendix A.1: colour distortion of strength 1 and blur on every crop."""
    seen, real = [], source.augment
    monkeypatch.setattr(source, "augment", lambda b, n, look: seen.append(look) or real(b, n, look))
    assert SwAV.small.settings["colour"] == 0.5
    method(crops=1).views(batch())
    near, far = Look.strong((0.05, 0.14), 1.0), Look.strong((0.14, 1), 1.0)
    assert seen == [far, far, near]


def test_large_crops_have_the_encoders_size_and_small_ones_half_of_it():
    views = method(crops=3).views(batch())
    assert [x.shape[-1] for x in views] == [16, 16, 8, 8, 8]


def test_no_gradient_flows_through_the_assignments():
    swav = method().double().eval()
    views = [x.double() for x in swav.views(batch())]
    z = swav.heads(swav.embed(views[0]))
    assert not swav.assign(z, 0).requires_grad


def test_a_full_queue_helps_to_assign_and_one_that_fills_does_not():
    swav = method(memory=12).train()
    seen = swav.heads(swav.embed(swav.views(batch())[0])).detach()
    alone = swav.assign(seen, 0)
    torch.testing.assert_close(alone, shares(seen))
    for epoch in range(2):  # six of twelve, then all
        torch.testing.assert_close(swav.assign(seen, 0), alone)
        with torch.no_grad():
            swav.loss(*swav.views(batch(epoch=epoch)))
        swav.advance(0.5)
    assert swav.queue.filled == 12
    for view in range(2):
        past = swav.heads(swav.queue.items[:, 8 * view : 8 * view + 8]).detach()
        helped = shares(torch.cat([seen, past]))[:6]
        torch.testing.assert_close(swav.assign(seen, view), helped, rtol=1e-4, atol=1e-5)
        assert not torch.allclose(helped, alone, atol=1e-3)


def test_the_queue_holds_both_large_crops_side_by_side():
    swav = method(memory=12).eval()
    views = swav.views(batch())
    swav.queue.train()
    with torch.no_grad():
        z = [swav.embed(x) for x in views[:2]]
        swav.loss(*views)
    swav.advance(0.5)
    torch.testing.assert_close(swav.queue.items[:6], torch.cat(z, 1), rtol=1e-4, atol=1e-5)


def test_prototypes_rest_at_first():
    swav = method(frozen=0.1)
    swav(*swav.views(batch()))[0].backward()
    assert not swav.heads.weight.grad.any()
    swav.advance(0.1)
    swav.zero_grad()
    swav(*swav.views(batch()))[0].backward()
    assert swav.heads.weight.grad.any()
