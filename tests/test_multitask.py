"""Several methods on one encoder: each as it is alone, added up in units of its own."""

from __future__ import annotations

import math

import pytest
import torch

import unlabeled
from unlabeled import catalog
from unlabeled.check import CHECKS, Case, examine
from unlabeled.encoders import ConvNet, Encoder, Sequence, Transformer, is_colour_blind
from unlabeled.errors import UsageError
from unlabeled.multitask import greyed, together
from unlabeled.views import Batch

BOTH = "rotation+jigsaw"
SMALL = {"jigsaw_orders": 16, "jigsaw_puzzles": 2, "jigsaw_width": 8, "jigsaw_hidden": 16}


def data(n=32):
    chance = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (n, 3, 16, 16), generator=chance, dtype=torch.uint8)


def build(name=BOTH, **given):
    torch.manual_seed(0)
    settings = given or (SMALL if name == BOTH else {})
    made = together(name)(ConvNet(3, 16, width=4), **settings)
    made.prepare(data())
    return made


def batch(b=8, **given):
    return Batch(data()[:b], torch.arange(b), **given)


def double(views):
    return [v.double() if v.is_floating_point() else v for v in views]


# ---- the loss -----------------------------------------------------------------------------


def test_the_loss_is_each_parts_cross_entropy_over_the_log_of_its_answers():
    made = build().double().eval()
    index, turned, turns, tiles, orders = double(made.views(batch()))
    rotation, jigsaw = made.parts.values()
    spread = lambda scores, k: scores.exp().sum(1).log() - scores.gather(1, k[:, None])[:, 0]
    one = spread(rotation.head(made.encoder(turned)), turns).view(8, 4).mean(1) / math.log(4)
    two = spread(jigsaw.scores(tiles, orders), orders).view(8, 2).mean(1) / math.log(16)
    energies = made.loss(index, turned, turns, tiles, orders)
    assert list(energies) == ["rotation", "jigsaw"]
    torch.testing.assert_close(energies["rotation"], one, rtol=0, atol=1e-7)  # units are float32
    torch.testing.assert_close(energies["jigsaw"], two, rtol=0, atol=1e-7)


def test_the_encoders_gradient_is_the_sum_of_what_each_part_alone_would_give():
    made = build().double()
    _, *views = double(made.views(batch()))
    made(torch.arange(8), *views)[0].backward()
    got = [p.grad.clone() for p in made.encoder.parameters()]
    expected = [torch.zeros_like(p) for p in got]
    for part, mine, unit in zip(
        made.parts.values(), (views[:2], views[2:]), made.units, strict=True
    ):
        made.zero_grad()
        (part(*mine)[0] / unit).backward()
        for slope, p in zip(expected, made.encoder.parameters(), strict=True):
            slope += p.grad
    torch.testing.assert_close(got, expected, rtol=1e-9, atol=1e-12)


def test_every_part_counts_one_where_nothing_is_learnt():
    made = build()
    torch.testing.assert_close(made.units, torch.tensor([math.log(4), math.log(16)]))
    assert made.learned_nothing(*made.views(batch())) == pytest.approx(2, abs=1e-6)


def test_a_part_whose_loss_is_zero_there_or_unknown_keeps_its_own_unit():
    byol = build("rotation+byol", byol_hidden=8, byol_projection=4)
    assert byol.units[1] == 1
    assert byol.learned_nothing(*byol.views(batch())) == pytest.approx(1)
    bigan = build("rotation+bigan", bigan_width=2, bigan_hidden=4)
    assert bigan.units[1] == 1
    assert bigan.learned_nothing(*bigan.views(batch())) is None
    terms = bigan(*bigan.views(batch()))[1]
    assert list(terms) == ["rotation", "bigan critic", "bigan deceivers"]


def test_a_unit_that_depends_on_the_data_is_taken_from_them():
    made = build("rotation+autoencoder", autoencoder_width=4)
    images = data().float() / 255
    assert made.units[1].item() == pytest.approx((images - images.mean(0)).square().mean().item())


def test_each_part_draws_views_of_its_own():
    made = build("rotation+simclr", simclr_hidden=8, simclr_projection=4)
    index, turned, turns, a, b = made.views(batch())
    assert [len(v) for v in (index, turned, turns, a, b)] == [8, 32, 32, 8, 8]
    assert not torch.equal(turned[::4], a)


def test_the_paper_shows_all_parts_greys():
    coloured, grey = (build(BOTH, grey=on, **SMALL).views(batch()) for on in (False, True))
    for one, other in zip(coloured, grey, strict=True):
        assert one.shape == other.shape
    for view in (grey[1], grey[3]):
        torch.testing.assert_close(view[:, :1].expand_as(view), view)
    assert not torch.allclose(coloured[1][:, 0], coloured[1][:, 1])


def test_harmonised_neither_views_nor_pictures_nor_energies_know_of_colour():
    made = build(BOTH, grey=True, **SMALL).eval()
    for name, x in made.picture(batch()).items():
        torch.testing.assert_close(x[:, :1].expand_as(x), x, msg=name)
    grey = Batch(greyed(data()[:8]), torch.arange(8))
    assert not torch.equal(grey.data, data()[:8])
    torch.testing.assert_close(made.energy_of(batch()), made.energy_of(grey))
    made.grey = False
    assert not torch.allclose(made.energy_of(batch()), made.energy_of(grey), atol=1e-3)


def test_harmonised_the_encoder_is_blind_to_colour():
    assert is_colour_blind(build(BOTH, grey=True, **SMALL).encoder)
    assert not is_colour_blind(build().encoder)


def test_harmonised_a_part_prepares_from_greys():
    made = build("rotation+exemplar", grey=True, exemplar_seeds=8, exemplar_hidden=4)
    seeds = made.parts["exemplar"].images
    assert seeds.dtype == torch.uint8
    assert torch.equal(seeds[:, :1].expand_as(seeds), seeds)
    luma = (data()[::4].double() * torch.tensor([0.299, 0.587, 0.114]).view(3, 1, 1)).sum(1)
    assert (seeds[:, 0] - luma).abs().max() <= 0.51


def test_an_energy_is_the_sum_of_the_parts_own():
    made = build("rotation+exemplar", exemplar_seeds=8, exemplar_hidden=4).eval()
    found = made.energy_of(batch())
    views = batch()
    rotation, exemplar = made.parts.values()
    expected = rotation.energy_of(views) / math.log(4) + exemplar.energy_of(views) / math.log(8)
    torch.testing.assert_close(found, expected)


# ---- the parts ----------------------------------------------------------------------------


def test_settings_reach_the_part_they_are_named_for():
    made = build(BOTH, **{**SMALL, "rotation_group": "dihedral", "jigsaw_gap": 0.5})
    rotation, jigsaw = made.parts.values()
    assert (rotation.group, jigsaw.gap, jigsaw.orders) == ("dihedral", 0.5, 16)
    with pytest.raises(UsageError, match="jigsaw_gap must be in"):
        build(BOTH, **{**SMALL, "jigsaw_gap": 2})


def test_the_encoder_is_one_and_is_all_that_is_kept():
    made = build()
    assert all(part.encoder is made.encoder for part in made.parts.values())
    names = [name for name, _ in made.named_parameters()]
    assert len(names) == len(set(names))
    assert sum(name.startswith("encoder.") for name in names) == len(
        list(made.encoder.parameters())
    )
    assert not [name for name in names if ".encoder." in name]


def test_states_of_the_parts_move_once_a_step():
    made = build("rotation+byol", byol_hidden=8, byol_projection=4, byol_teacher_momentum=0.5)
    teacher = made.parts["byol"].teacher
    with torch.no_grad():
        for p in made.encoder.parameters():
            p += 1
    before = next(teacher.nets.parameters()).clone()
    made.advance(0.0)
    torch.testing.assert_close(next(teacher.nets.parameters()), before + 0.5)


def test_the_parts_see_what_the_loop_tells_the_whole():
    made = build()
    made.progress.fill_(0.25)
    views = made.views(batch())
    for part in made.parts.values():
        assert torch.equal(part.index, torch.arange(8))
        assert part.progress == 0.25
    made(*(v.chunk(2)[1] for v in views))  # half of the samples: what `accumulate` does
    assert all(part.index.tolist() == [4, 5, 6, 7] for part in made.parts.values())


MINE = '''"""Remember how often one was asked."""

from unlabeled import Method, Recipe


class Mine(Method):
    """Learn nothing and count the epochs of the run."""

    recipe = Recipe(optimizer="adamw", batch=16, epochs=3)
    small = Recipe()
    asked = 0

    def views(self, batch):
        return (batch.index.float()[:, None],)

    def loss(self, x):
        return x[:, 0] * 0

    def between_epochs(self, embed):
        self.asked += len(embed())
'''


def test_a_file_of_ones_own_may_be_a_part_and_looks_between_epochs(tmp_path):
    path = tmp_path / "my-own.py"
    path.write_text(MINE)
    cls = together(f"rotation+{path}")
    made = cls(ConvNet(3, 16, width=4))
    made.between_epochs(lambda: torch.zeros(3, 2))
    assert made.parts["my_own"].asked == 3
    assert catalog.card(f"rotation+{path}").known_as == f"rotation+{path}"
    assert "between_epochs" not in vars(together(BOTH))  # it would cost a pass over the data


def test_the_encoder_is_of_the_narrowest_kind_that_suits_all():
    assert together(BOTH).needs() is Encoder
    assert together("rotation+mae").needs() is Transformer
    assert together("cpc+rotation").needs() is Sequence


@pytest.mark.parametrize("name", ["mae+cpc", "rotation+mae+cpc", "rotation+word2vec"])
def test_parts_that_need_different_encoders_are_refused_at_once(name):
    with pytest.raises(UsageError, match="cannot share an encoder") as error:
        catalog.load(name)
    assert "one by one" in error.value.hint


# ---- the suite, and a run -----------------------------------------------------------------


@pytest.fixture(scope="module")
def case():
    return Case(BOTH)


@pytest.mark.parametrize("asked", CHECKS)
def test_it_passes_every_check(case, asked):
    result = examine(case, asked)
    assert result.passed, result.message


def test_a_run_ends_with_a_page_and_goes_on(tmp_path):
    settings = {"steps": 3, "batch_size": 8, "quiet": True, **SMALL}
    made = unlabeled.pretrain(BOTH, "sample", out=tmp_path / "run", **settings)
    assert made.config["method"] == BOTH
    page = (tmp_path / "run" / "report.html").read_text()
    assert "jigsaw: solved" in page
    assert "rotation: turned back by the guess" in page
    assert {"rotation", "jigsaw"} <= set(made.metrics()[-1])
    again = unlabeled.resume(tmp_path / "run", report=False, quiet=True)
    assert again.config == made.config
