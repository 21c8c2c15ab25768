import dataclasses
import math

import pytest
import torch
from torch import nn

from unlabeled import catalog
from unlabeled.diagnose import Health, verdict
from unlabeled.encoders import ConvNet, Encoder, mlp
from unlabeled.errors import Diverged
from unlabeled.state import Teacher

FRESH = Health(
    step=0, loss=None, learned_nothing=4.0, std=0.03, spread=0.5, rank=100.0, dim=256,
    embed_spread=0.8, embed_rank=60.0, embed_dim=128, alignment=0.3, uniformity=-1.0,
    retrieval=0.3, usage=None,
)  # fmt: skip


def after(step=500, **changes):
    return [FRESH, dataclasses.replace(FRESH, step=step, **{"loss": 2.0, **changes})]


def levels(history, steps):
    return [verdict(history[: n + 1], steps=steps).level for n in range(len(history))]


# ---- runs that work ------------------------------------------------------------------------

METHODS = ("rotation", "autoencoder", "byol", "simclr", "cpc", "word2vec", "swav")
ALL = [name for name in catalog.cards() if name != "colorization"]  # these clothes are grey


@pytest.mark.parametrize("name", ALL)
def test_a_run_that_works_raises_no_alarm_at_any_time(build, watch, name):
    method, store = build(name)
    steps, batch = {"cpc": (30, 16), "mae": (12, 16), "simmim": (12, 16)}.get(name, (50, 32))
    looks = (1, 2, 3, 5, 8, 12, 20, 30, 40)
    history = watch(method, store, steps, looks=looks, batch=batch)
    quiet = {"healthy"} if name in METHODS else {"healthy", "nothing learned"}  # so soon, indeed
    assert set(levels(history, steps)) <= quiet
    assert verdict(history).ok == (not verdict(history).advice)
    assert verdict(history).ok or name not in METHODS


# ---- runs that are broken on purpose -------------------------------------------------------


@pytest.mark.parametrize("norm", [True, False])
def test_byol_without_its_predictor_collapses_and_that_is_said_within_20_steps(build, watch, norm):
    method, store = build("byol", encoder=ConvNet(1, 28, width=8), hidden=64)
    method.projector = mlp(method.encoder.dim, 64, 32, norm=norm)
    method.teacher = Teacher(method.encoder, method.projector, momentum=0.9)
    method.predictor = nn.Identity()
    found = verdict(watch(method, store, 20, scale=2.0, batch=64), steps=2000)
    assert found.level == "collapsed"
    assert not found.ok
    assert found.words.startswith("Complete collapse: the loss falls because samples move together")
    assert "0.000 where nothing is learned" in found.words
    assert "predictor" in found.advice


class Constant(Encoder):
    """The same vector for every image."""

    channels, size, dim = 1, 28, 32

    def __init__(self):
        super().__init__()
        self.vector = nn.Parameter(torch.randn(32))

    def features(self, x):
        return {"out": self.vector.expand(len(x), -1) + 0 * x.flatten(1)[:, :1]}


@pytest.mark.parametrize("name", ["simclr", "byol", "rotation", "autoencoder"])
def test_a_constant_encoder_is_named_at_the_first_look(build, watch, name):
    method, store = build(name, encoder=Constant())
    history = watch(method, store, 1)
    for n in (1, 2):
        found = verdict(history[:n], steps=2000)
        assert found.level == "collapsed"
        assert "every sample gets the same vector" in found.words
        assert "effective rank 1.0 of 32" in found.words


@pytest.mark.parametrize("name", [name for name in METHODS if name != "word2vec"])
def test_a_thousand_times_the_learning_rate_is_noticed_within_20_steps(build, watch, name):
    method, store = build(name)
    try:
        history = watch(method, store, 20, scale=1000.0, batch=8 if name == "cpc" else 32)
    except Diverged:
        return  # the loop noticed itself
    seen = levels(history, steps=2000)
    assert {"warning", "collapsed", "diverged"} & set(seen)
    named = next(
        found
        for n in range(2, len(history) + 1)
        if not (found := verdict(history[:n], steps=2000)).ok
    )
    assert "ower --lr" in named.advice


def test_all_in_one_cluster_is_named():
    for loss in (4.0, 0.1):  # to agree on one cluster costs nothing: a low loss is no excuse
        found = verdict(after(usage=0.02, loss=loss))
        assert found.level == "collapsed"
        assert found.words.startswith("Cluster collapse: nearly all samples choose the same")
    assert verdict(after(usage=0.3, loss=4.0, step=10), steps=1000).level == "healthy"


# ---- each rule by itself -------------------------------------------------------------------


def test_before_training_there_is_nothing_to_judge():
    assert verdict([FRESH]) == verdict([FRESH], steps=100)
    assert verdict([FRESH]).words == "Not trained yet."


def test_a_point_is_a_collapse_only_where_it_was_none_before():
    fallen = after(spread=0.02, embed_spread=0.02, loss=4.0)
    assert verdict(fallen).level == "collapsed"
    assert "0.500 before training" in verdict(fallen).words or "0.800" in verdict(fallen).words
    narrow = [dataclasses.replace(h, spread=0.02, embed_spread=0.02) for h in fallen]
    assert verdict(narrow).level != "collapsed"


def test_an_encoder_that_scores_better_than_a_constant_has_not_collapsed():
    cone = after(spread=0.02, embed_spread=0.02, loss=3.0)
    assert verdict(cone).level == "healthy"  # so it is with word vectors
    exact = after(spread=0.0, embed_spread=0.0, std=0.0, rank=1.0, loss=3.0)
    assert verdict(exact).level == "collapsed"


def test_where_a_constant_solves_the_loss_half_the_spread_is_an_alarm():
    for nothing, level in ((0.0, "collapsed"), (4.0, "healthy"), (None, "healthy")):
        history = [dataclasses.replace(h, learned_nothing=nothing) for h in after(embed_spread=0.3)]
        assert verdict(history).level == level


def test_a_line_is_a_collapse():
    found = verdict(after(rank=1.3, loss=4.0))
    assert found.level == "collapsed"
    assert found.words.startswith("Dimensional collapse: ")
    assert "1.3 of 256 directions in the encoder's space, 100.0 before training" in found.words
    assert verdict(after(rank=60.0)).level == "healthy"


def test_both_fewer_directions_and_less_spread_are_a_warning():
    assert verdict(after(rank=20.0, spread=0.3)).level == "warning"
    assert verdict(after(rank=20.0, spread=0.3)).words.startswith("Dimensional collapse: the enc")
    assert verdict(after(rank=20.0, spread=0.6)).level == "healthy"
    assert verdict(after(rank=60.0, spread=0.1)).level == "healthy"


def test_while_the_rate_warms_up_fewer_directions_are_enough():
    def level(step, steps, rank=20.0):
        return verdict(after(rank=rank, step=step), steps=steps).level

    assert level(20, 1000, rank=30.0) == level(100, 20_000) == "warning"
    assert level(20, 1000, rank=40.0) == "healthy"
    assert level(50, 1000) == level(400, 20_000) == "healthy"  # ranks fall in runs that work
    assert verdict(after(rank=20.0, step=20)).level == "healthy"  # how long it was is not known


def test_a_loss_that_stays_where_a_constant_has_it_is_called_so_once_the_run_has_settled():
    def history(*losses):
        looks = [
            dataclasses.replace(FRESH, step=100 * (i + 1), loss=x) for i, x in enumerate(losses)
        ]
        return [FRESH, *looks]

    stuck = history(4.0, 4.01, 3.99, 4.0, 4.0, 3.98)
    assert levels(stuck, 600)[:5] == ["healthy"] * 5
    assert levels(stuck, 600)[6] == "nothing learned"
    assert "4.000" in verdict(stuck).words
    assert verdict(history(4.0, 4.0, 4.0, 3.5, 4.0, 4.0), steps=600).level == "healthy"
    assert verdict([dataclasses.replace(h, learned_nothing=None) for h in stuck]).level == "healthy"


def test_a_rising_or_broken_loss_has_diverged():
    assert verdict(after(loss=math.nan)).level == "diverged"
    assert verdict(after(loss=math.inf)).level == "diverged"
    assert verdict(after(spread=math.nan)).level == "diverged"
    middle = dataclasses.replace(FRESH, step=1, loss=3.0)
    assert verdict([FRESH, middle, after(loss=45.0)[1]]).level == "diverged"
    assert "from 3 at first" in verdict([FRESH, middle, after(loss=45.0)[1]]).words
    assert verdict([FRESH, middle, after(loss=3.5)[1]]).level == "healthy"


def test_one_look_alone_is_judged_by_itself():
    alone = after(loss=None)[1:]
    assert verdict(alone).level == "healthy"
    assert "before" not in verdict(alone).words
    assert verdict([dataclasses.replace(alone[0], rank=1.5)]).level == "collapsed"
    assert verdict([dataclasses.replace(alone[0], spread=1e-5, std=1e-6)]).level == "collapsed"


def test_good_news_has_its_numbers_too():
    words = verdict(after(rank=60.0, retrieval=0.8)).words
    assert "effective rank 60 of 256 (100 before training)" in words
    assert "80% of the time (30% before)" in words
    assert "loss 2.000, 4.000 where nothing is learned" in words
    first, *_, last = after(retrieval=0.8)
    seen = [dataclasses.replace(first, rankme=90.0), dataclasses.replace(last, rankme=120.0)]
    assert "RankMe 120 of 256 (90 before training)" in verdict(seen).words


def test_one_narrow_look_among_wide_ones_is_no_collapse_and_two_are():
    first, wide = after(rank=80.0)
    thin = dataclasses.replace(wide, rank=20.0, spread=0.2)
    assert verdict([first, wide, thin], steps=2000).level == "healthy"
    assert verdict([first, wide, thin, thin], steps=2000).level == "warning"
    assert verdict([first, wide, thin, wide], steps=2000).level == "healthy"


def test_a_space_that_is_the_encoders_own_is_called_so():
    """Where the loss compares the encoder's output, or the projector was not looked at."""
    own = {"embed_rank": 100.0, "embed_dim": 256, "learned_nothing": 0.0}
    then, now = ({**own, "spread": s, "embed_spread": s} for s in (0.9, 0.3))
    assert (FRESH.rank, FRESH.dim) == (100.0, 256)
    found = verdict([dataclasses.replace(FRESH, **then), *after(**now)[1:]])
    assert found.level == "collapsed"  # a constant solves it: the rule for the loss's space holds
    assert "samples move together in the encoder's space" in found.words
