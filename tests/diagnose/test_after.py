import dataclasses
import json

import numpy as np
import pytest
import torch

import unlabeled
from unlabeled.diagnose import (
    Health,
    alpha_req,
    concluded,
    coverage,
    diagnose,
    effective_rank,
    false_negatives,
    intrinsic_dimension,
    rankme,
)
from unlabeled.diagnose.after import FEWEST
from unlabeled.encoders import ConvNet, Words
from unlabeled.errors import DataError
from unlabeled.evaluate.baselines import untrained
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
    assert "in the encoder's space" in found["words"]
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


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    """A run on images that brighten downwards, and others that brighten to the right."""
    chance = np.random.default_rng(0)
    own = np.sort(chance.integers(0, 256, (300, 16, 16), np.uint8), axis=1)
    given = {"steps": 20, "batch_size": 32, "report": False, "quiet": True}
    run = unlabeled.pretrain("rotation", own, out=tmp_path_factory.mktemp("a") / "run", **given)
    return run, own, np.sort(chance.integers(0, 256, (90, 16, 16), np.uint8), axis=2)


def test_the_words_of_a_run_are_of_the_encoder_as_it_will_be_used(ended):
    run, own, _ = ended
    found = run.diagnose(own)
    assert run.verdict["words"] == found["words"]
    assert run.verdict["rankme"] == found["numbers"]["RankMe"]
    assert run.verdict["samples"] == found["numbers"]["samples"] == 300
    now, then = found["numbers"]["RankMe"], found["untrained"]["RankMe"]
    assert f"RankMe {now:.0f} of 300 ({then:.0f} before training)" in found["words"]
    assert now != pytest.approx(run.metrics()[-1]["health"]["rankme"])  # by batch statistics
    assert f"loss {run.metrics()[-1]['loss']:.3f}" in found["words"]


def test_of_other_samples_the_words_are_about_these_alone(ended):
    run, _, other = ended
    found = run.diagnose(other)
    now, then = found["numbers"]["RankMe"], found["untrained"]["RankMe"]
    assert f"RankMe {now:.0f} of 90 ({then:.0f} before training)" in found["words"]
    assert "loss" not in found["words"]


def test_the_untrained_network_is_that_of_the_run_with_averages_of_these_samples(ended):
    run, _, other = ended
    store = run.data(other)
    bare = untrained(run.encoder, store, run.config["seed"])
    with torch.no_grad():
        h = bare.eval()(store.read(torch.arange(90)).float() / 255)
    found = run.diagnose(other)["untrained"]
    assert found["RankMe"] == pytest.approx(rankme(h), rel=1e-3)
    assert found["effective rank"] == pytest.approx(effective_rank(h), rel=1e-3)


def test_what_only_the_course_of_a_run_tells_comes_before_healthy_words():
    look = Health(1, None, None, 0.05, 0.5, 30, 64, 0.5, 30, 64, 0.1, -2.0, 0.5, None, 40.0, 2048)
    start = dataclasses.replace(look, step=0, rankme=50.0)
    stuck = [dataclasses.replace(look, step=i, loss=1.0, learned_nothing=1.0) for i in range(5)]
    well = [dataclasses.replace(x, loss=0.5) for x in stuck]
    assert concluded(look, start, stuck).level == "nothing learned"
    assert concluded(look, start, well).words == (
        "Healthy: no sign of collapse; RankMe 40 of 64 (50 before training), a sample's other view "
        "is found 50% of the time (50% before), loss 0.500, 1.000 where nothing is learned."
    )
    dead = dataclasses.replace(look, spread=0.0, std=0.0, embed_spread=0.0)
    assert concluded(dead, start, well).level == "collapsed"


@pytest.mark.parametrize("n", [1, 3, FEWEST - 1])
def test_too_few_samples_are_no_verdict_on_the_encoder(encoder, images, n):
    with pytest.raises(DataError, match=f"{n} samples are too few .* {FEWEST} are needed"):
        diagnose(encoder, images.subset(np.arange(n)))


def test_the_fewest_samples_are_enough_for_every_number(encoder, images):
    found = diagnose(encoder, images.subset(np.arange(FEWEST)))
    assert found["level"] == "healthy"
    assert found["numbers"].keys() >= {"uniformity", "intrinsic dimension", "silhouette"}
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_equal_samples_are_no_collapse_of_the_encoder(encoder, images):
    with pytest.raises(DataError, match="all 50 samples that were looked at are equal"):
        diagnose(encoder, images.subset(np.zeros(50, np.int64)))


def test_of_text_it_is_the_words_that_must_be_enough(text):
    row = text.subset(np.zeros(30, np.int64))  # one line, thirty times
    with pytest.raises(DataError, match="words are too few"):
        diagnose(Words(60, dim=16, size=16), row)
    row.data[:] = np.resize(np.arange(1, 60), row.data.shape)
    assert diagnose(Words(60, dim=16, size=16), row)["level"] == "healthy"


def test_it_says_that_it_looked_at_the_encoder_and_not_at_the_projector(encoder, images):
    found = diagnose(encoder, images, samples=64)["conventions"]
    assert "encoder's output" in found["dimensions"]
    assert "not of the projector's" in found["dimensions"]


def test_an_encoder_that_diverged_is_named(encoder, images):
    with torch.no_grad():
        next(encoder.parameters()).fill_(torch.nan)
    found = diagnose(encoder, images, samples=64)
    assert found["level"] == "diverged"
    assert "the encoder's output is not a finite number" in found["words"]
