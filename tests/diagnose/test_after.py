import dataclasses
import json

import pytest
import torch

import unlabeled
from unlabeled.diagnose import (
    alpha_req,
    coverage,
    diagnose,
    effective_rank,
    false_negatives,
    intrinsic_dimension,
)
from unlabeled.encoders import ConvNet, Words
from unlabeled.losses.kmeans import kmeans


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    return ConvNet(1, 28, width=4)


def test_numbers_are_of_the_encoder_as_it_will_be_used(encoder, images):
    found = diagnose(encoder, images)
    assert (found["ok"], found["level"]) == (True, "healthy")
    numbers = found["numbers"]
    with torch.no_grad():
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
        h = encoder.eval()(images.read(order).float() / 255)
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


def test_of_a_run_that_contrasts_the_batch_is_counted_and_not_judged(encoder, images):
    alone, found = diagnose(encoder, images), diagnose(encoder, images, contrasted=256)
    more = {k: v for k, v in found["numbers"].items() if k not in alone["numbers"]}
    assert more.keys() == {"expected false negatives", "clusters in a batch"}
    assert more.keys() < found["conventions"].keys()
    with torch.no_grad():
        order = torch.randperm(len(images), generator=torch.Generator().manual_seed(0))
        h = encoder.eval()(images.read(order).float() / 255)
    own = kmeans(torch.nn.functional.normalize(h, dim=1), 10)[1]
    expected = false_negatives(own, 255), coverage(own, 256)
    assert tuple(more.values()) == pytest.approx(expected, rel=1e-3)
    assert {k: v for k, v in found.items() if k != "numbers"} == {
        **{k: v for k, v in alone.items() if k != "numbers"},
        "conventions": found["conventions"],
    }


@pytest.mark.parametrize(("name", "contrasts"), [("simclr", True), ("swav", False)])
def test_a_run_knows_whether_its_loss_contrasted_the_batch(name, contrasts, tmp_path, images):
    few = images.data[:128, 0]
    run = unlabeled.pretrain(
        name, few, steps=1, batch_size=16, out=tmp_path / "run", report=False, quiet=True
    )
    numbers = run.diagnose(few)["numbers"]
    assert ("expected false negatives" in numbers) == contrasts
    assert not contrasts or 1.5 <= numbers["expected false negatives"] < 15
    assert not contrasts or numbers["clusters in a batch"] < 0.9


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
