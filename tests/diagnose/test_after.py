import dataclasses
import json

import pytest
import torch

from unlabeled.diagnose import alpha_req, diagnose, effective_rank, intrinsic_dimension
from unlabeled.encoders import ConvNet, Words


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return ConvNet(1, 28, width=4)


def test_numbers_are_of_the_encoder_as_it_will_be_used(encoder, images):
    found = diagnose(encoder, images)
    assert (found["ok"], found["level"]) == (True, "healthy")
    numbers = found["numbers"]
    with torch.no_grad():
        h = encoder.eval()(torch.from_numpy(images.data).float() / 255)
    assert (numbers["samples"], numbers["dimensions"]) == (512, encoder.dim)
    assert numbers["effective rank"] == pytest.approx(effective_rank(h), rel=1e-4)
    assert 0 < numbers["retrieval@1"] < 1
    assert 1 <= numbers["LiDAR"] <= encoder.dim
    assert numbers["alpha (alpha-ReQ)"] == pytest.approx(alpha_req(h), rel=1e-3)
    assert numbers["intrinsic dimension"] == pytest.approx(intrinsic_dimension(h), rel=1e-3)
    assert 0 < numbers["silhouette"] < numbers["cluster learnability"] <= 1
    assert set(found["conventions"]) < set(numbers)
    assert "not centred" in found["conventions"]["RankMe"]
    assert json.loads(json.dumps(found)) == found


def test_it_leaves_the_encoder_as_it_was(encoder, images):
    encoder.train()
    before = {name: t.clone() for name, t in encoder.state_dict().items()}
    assert diagnose(encoder, images, samples=64) == diagnose(encoder, images, samples=64)
    assert all(torch.equal(t, before[name]) for name, t in encoder.state_dict().items())
    assert all(part.training for part in encoder.modules())


def test_a_dead_encoder_is_named_without_any_history(encoder, images):
    with torch.no_grad():
        for p in encoder.parameters():
            p.zero_()
    found = diagnose(encoder, images, samples=64)
    assert found["level"] == "collapsed"
    assert not found["ok"]
    assert found["advice"]
    assert "silhouette" not in found["numbers"]


def test_the_history_of_the_run_says_more(build, watch):
    method, store = build("simclr")
    history = watch(method, store, 3, looks=(1, 2, 3))
    stuck = [dataclasses.replace(h, loss=h.learned_nothing) for h in history]
    assert diagnose(method.encoder, store, samples=64)["level"] == "healthy"
    assert diagnose(method.encoder, store, samples=64, history=stuck)["level"] == "nothing learned"


def test_words_have_no_views(text):
    found = diagnose(Words(60, dim=16, size=16), text)
    assert found["level"] == "healthy"
    assert not {"retrieval@1", "LiDAR"} & set(found["numbers"])
    assert "silhouette" in found["numbers"]
