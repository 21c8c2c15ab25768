"""One step and many: accumulation, gradients that are no numbers, memory, looks between passes."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from specimens import SMALL, Tiny, differing, everything, exact, go

from unlabeled import catalog
from unlabeled.encoders import ConvNet, Patches
from unlabeled.errors import Diverged, MachineError, UsageError
from unlabeled.method import Method
from unlabeled.train.loop import Trainer, train
from unlabeled.views import Batch, whole

METHODS = list(catalog.cards())


def test_the_loop_yields_every_step_with_its_rate_and_lets_the_caller_stop():
    case = Tiny("simclr")
    trainer = case.trainer(10)
    seen = []
    for step in trainer.run():
        seen.append((step.number, step.lr))
        if step.number == 3:
            break
    assert seen == [(t, SMALL.rate(t, 10)) for t in range(4)]
    assert trainer.step == 4
    assert not any(p.grad is not None for p in trainer.method.parameters())
    method = case.build()
    steps = list(train(method, trainer.batches, dataclasses.replace(SMALL, epochs=1.5)))
    assert [step.number for step in steps] == list(range(6))


def test_progress_and_index_are_what_the_step_says():
    trainer, seen = Tiny("rotation").trainer(8), []
    views = trainer.method.views

    def watch(batch):
        seen.append((float(trainer.method.progress), trainer.method.index.clone()))
        return views(batch)

    trainer.method.views = watch
    go(trainer, 3)
    for t, (progress, index) in enumerate(seen):
        assert progress == t / 8
        assert torch.equal(index, trainer.batches.samples(t))


def gradient(accumulate):
    """The first step's gradient of rotation, whose examples have losses of their own."""

    class Case(Tiny):
        def encoder(self):  # group norm: examples do not see each other
            return Patches(3, 16, dim=32)

    case = Case("rotation")
    recipe = dataclasses.replace(SMALL, optimizer="sgd", lr=1.0, momentum=0.0, warmup=0, clip=None)
    recipe = dataclasses.replace(recipe, weight_decay=0.0)
    trainer = case.trainer(1, method=exact(case.build()), recipe=recipe, accumulate=accumulate)
    before = {n: p.detach().clone() for n, p in trainer.method.named_parameters()}
    (step,) = trainer.run()
    return step, {n: before[n] - p.detach() for n, p in trainer.method.named_parameters()}


@pytest.mark.parametrize("parts", [2, 4, 8])
def test_the_gradient_of_the_parts_is_that_of_the_whole(parts):
    (one, whole), (many, split) = gradient(1), gradient(parts)
    assert torch.allclose(one.loss, many.loss, rtol=1e-12)
    assert torch.allclose(one.gradient, many.gradient, rtol=1e-10)
    for name, slope in whole.items():
        assert slope.abs().max() > 0
        assert torch.allclose(slope, split[name], rtol=1e-9, atol=1e-14), name


def test_a_part_knows_which_samples_it_holds():
    trainer, seen = Tiny("rotation").trainer(1, accumulate=4), []
    loss = trainer.method.loss
    trainer.method.loss = lambda *v: (seen.append(trainer.method.index.clone()), loss(*v))[1]
    go(trainer, 1)
    assert [len(index) for index in seen] == [2] * 4
    assert torch.equal(torch.cat(seen), trainer.batches.samples(0))


def test_parts_must_be_equal():
    with pytest.raises(UsageError, match="8 samples a process cannot be split into 3") as caught:
        Tiny("rotation").trainer(1, accumulate=3)
    assert "--accumulate must divide 8" in str(caught.value)


def poison(trainer, *steps, value=math.nan):
    """Make the views of some steps no numbers; where views are words, the loss."""
    method, batches = trainer.method, trainer.batches
    views, loss = method.views, method.loss
    bad = lambda: trainer.step in steps

    def poisoned(batch):
        return tuple(
            torch.full_like(v, value) if bad() and v.is_floating_point() else v
            for v in views(batch)
        )

    def times(*seen):
        out = loss(*seen)
        wrong = value if bad() and method.encoder.modality == "text" else 1.0
        return {k: x * wrong for k, x in out.items()} if isinstance(out, dict) else out * wrong

    method.views, method.loss = poisoned, times
    return batches


@pytest.mark.parametrize("name", METHODS)
def test_a_step_without_a_finite_gradient_leaves_no_trace(name):
    trainer = Tiny(name).trainer(8)
    go(trainer, 3)
    poison(trainer, 3)
    before = everything(trainer)
    steps = trainer.run()
    assert next(steps).skipped
    after = everything(trainer)
    assert set(differing(before, after)) == {"counts", "samples"}
    assert after["counts"].tolist() == [4, 1, 1]
    assert all(x.isfinite().all() for x in after.values())
    assert not next(steps).skipped  # what a queue was handed then is not remembered now
    assert all(x.isfinite().all() for x in everything(trainer).values())
    assert trainer.failures == 0


def test_a_skipped_step_is_as_if_its_batch_had_not_been():
    """The step after a skipped one is bit for bit that of a run which never saw the bad batch."""
    clean, hurt = (Tiny("swav").trainer(8) for _ in range(2))
    for trainer in (clean, hurt):
        go(trainer, 3)
    poison(hurt, 3)
    next(hurt.run())
    clean.step = 4
    for trainer in (clean, hurt):
        go(trainer, 6)
    assert differing(everything(clean), everything(hurt)) == ["counts"]


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_three_in_a_row_are_given_up_with_the_weights_unpoisoned(value):
    trainer = Tiny("byol").trainer(9)
    go(trainer, 2)
    before = everything(trainer)
    poison(trainer, 2, 3, 4, value=value)
    with pytest.raises(Diverged, match="not a finite number at steps 2 to 4") as caught:
        go(trainer, 9)
    assert caught.value.code == 5
    assert set(differing(before, everything(trainer))) == {"counts", "samples"}


def test_two_in_a_row_are_not_given_up():
    trainer = Tiny("simclr").trainer(9)
    poison(trainer, 1, 2, 4, 5, 7)
    steps = list(trainer.run())
    assert [step.number for step in steps if step.skipped] == [1, 2, 4, 5, 7]
    assert trainer.skipped == 5


def test_a_weight_that_is_no_number_ends_the_run():
    trainer = Tiny("rotation").trainer(9)
    go(trainer, 1)
    with torch.no_grad():
        trainer.method.head.weight[0, 0] = math.nan
    with pytest.raises(Diverged, match="steps 1 to 3"):
        go(trainer, 9)


def test_a_finite_loss_with_a_gradient_that_is_no_number_is_skipped():
    trainer = Tiny("rotation").trainer(3)
    loss = trainer.method.loss
    trainer.method.loss = lambda *v: loss(*v) + (0 * trainer.method.head.weight.sum()).sqrt()
    step = next(trainer.run())
    assert step.loss.isfinite()
    assert step.skipped


def test_a_batch_that_is_too_large_is_answered_with_one_that_may_fit():
    trainer = Tiny("rotation").trainer(3, accumulate=2)
    trainer.method.loss = lambda *v: torch.empty(1 << 60)  # a real allocator's refusal
    with pytest.raises(MachineError, match="batch of 8 in 2 part") as caught:
        go(trainer, 1)
    assert caught.value.code == 4
    assert "--batch-size 4 or --accumulate 4" in str(caught.value)


def test_other_errors_pass_unchanged():
    trainer = Tiny("rotation").trainer(3)
    trainer.method.loss = lambda *v: torch.zeros(2) + torch.zeros(3)
    with pytest.raises(RuntimeError, match="must match"):
        go(trainer, 1)


class Looks(Method):
    """Looks at all vectors between passes."""

    def setup(self):
        self.head = torch.nn.Linear(self.encoder.dim, 1)
        self.seen = []

    def views(self, batch):
        return (whole(batch, self.encoder.size),)

    def loss(self, x):
        return self.head(self.encoder(x)).square().squeeze(1)

    def between_epochs(self, embed):
        self.seen.append(embed())


def test_a_method_may_look_at_all_vectors_when_a_pass_begins():
    case = Tiny("rotation")
    method = Looks(ConvNet(3, 16, width=4))
    plain = case.trainer(10, method=method)
    trainer = Trainer(method, plain.batches, SMALL, steps=10)
    encoder = method.encoder.eval()
    images = whole(Batch(torch.from_numpy(case.store.data), torch.arange(32)), 16)
    with torch.no_grad():
        expected = encoder(images)
    go(trainer, 1)
    assert torch.allclose(method.seen[0], expected, atol=1e-6)  # in the order of the store
    assert encoder.training
    go(trainer, 10)
    assert len(method.seen) == 3  # passes begin at steps 0, 4 and 8


def test_nobody_looks_who_does_not_ask(monkeypatch):
    monkeypatch.setattr(Trainer, "_vectors", lambda self: 1 / 0)
    go(Tiny("rotation").trainer(2), 2)


def test_the_gradient_is_clipped_to_the_recipes_norm():
    recipe = dataclasses.replace(SMALL, optimizer="sgd", momentum=0.0, lr=1.0, warmup=0, clip=0.01)
    recipe = dataclasses.replace(recipe, weight_decay=0.0)
    trainer = Tiny("rotation").trainer(1, recipe=recipe)
    before = [p.detach().clone() for p in trainer.method.parameters()]
    (step,) = trainer.run()
    moved = [p.detach() - q for p, q in zip(trainer.method.parameters(), before, strict=True)]
    assert step.gradient > 0.1  # as it was before clipping
    assert torch.nn.utils.get_total_norm(moved) == pytest.approx(0.01, rel=1e-3)
