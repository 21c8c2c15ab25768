"""The teacher follows its students by the law of the papers, and by nothing else."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from unlabeled.state import Teacher


def networks():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4)), nn.Linear(4, 2)


def test_it_starts_equal_to_its_students():
    first, second = networks()
    teacher = Teacher(first, second, momentum=0.9)
    x = torch.randn(5, 3)
    assert torch.equal(teacher(x), second(first(x)).detach())
    assert not teacher(x).requires_grad
    assert not any(p.requires_grad for p in teacher.parameters())


def test_it_is_the_exponential_average_of_its_students():
    """Of students s_1 .. s_t it is m^t s_0 + (1 - m) sum of m^(t - i) s_i, where m stands still."""
    student = nn.Linear(3, 2, bias=False).double()
    teacher = Teacher(student, momentum=0.8)
    start, steps = student.weight.detach().clone(), []
    for _ in range(6):
        with torch.no_grad():
            student.weight.copy_(torch.randn_like(student.weight))
        steps.append(student.weight.detach().clone())
        teacher.advance(0.0)
    expected = 0.8**6 * start + 0.2 * sum(0.8 ** (5 - i) * s for i, s in enumerate(steps))
    torch.testing.assert_close(teacher.nets[0].weight.detach(), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("progress", "keep"), [(0.0, 0.996), (0.5, 0.998), (1.0, 1.0)])
def test_momentum_rises_to_one_along_a_cosine(progress, keep):
    """Grill et al. 2020, sec. 3.3."""
    assert Teacher(nn.Linear(1, 1), momentum=0.996).keep(progress) == pytest.approx(keep, abs=1e-12)


def test_it_stands_still_at_the_end():
    student = nn.Linear(3, 2)
    teacher = Teacher(student, momentum=0.5)
    before = copy.deepcopy(teacher.state_dict())
    with torch.no_grad():
        student.weight.add_(1)
    teacher.advance(1.0)
    assert all(torch.equal(x, before[k]) for k, x in teacher.state_dict().items())


def test_only_parameters_are_averaged():
    """Its batch norms keep statistics of their own."""
    student, _ = networks()
    teacher = Teacher(student, momentum=0.0)
    student(torch.randn(64, 3) + 5)
    teacher.advance(0.0)
    assert torch.equal(teacher.nets[0][1].running_mean, torch.zeros(4))
    teacher(torch.randn(64, 3) - 5)
    mine, theirs = teacher.nets[0][1].running_mean, student[1].running_mean
    assert mine.abs().max() > 0
    assert not torch.allclose(mine, theirs)


def test_its_students_are_not_part_of_it():
    """They are saved once, with the method, and never twice."""
    first, second = networks()
    teacher = Teacher(first, second, momentum=0.9)
    assert all(name.startswith("nets.") for name in teacher.state_dict())


def test_a_copy_of_it_follows_the_copied_student():
    whole = nn.Module()
    whole.student = nn.Linear(2, 2)
    whole.teacher = Teacher(whole.student, momentum=0.0)
    twin = copy.deepcopy(whole)
    with torch.no_grad():
        twin.student.weight.fill_(7)
    twin.teacher.advance(0.0)
    assert (twin.teacher.nets[0].weight == 7).all()
    whole.teacher.advance(0.0)
    assert not (whole.teacher.nets[0].weight == 7).any()
