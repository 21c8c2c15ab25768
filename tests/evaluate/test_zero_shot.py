import numpy as np
import pytest
import torch

from unlabeled.evaluate import zero_shot


def test_the_class_is_that_of_the_nearest_mean_of_captions():
    """Radford et al. 2021, sec. 3.1.4, in plain loops."""
    chance = np.random.default_rng(0)
    images, prompts = chance.standard_normal((50, 6)), chance.standard_normal((7, 3, 6))
    unit = lambda v: v / np.linalg.norm(v)
    centres = [unit(np.mean([unit(t) for t in templates], 0)) for templates in prompts]
    expected = [int(np.argmax([unit(x) @ c for c in centres])) for x in images]
    found = zero_shot(torch.from_numpy(images), torch.from_numpy(prompts))
    assert found.dtype == torch.int64
    assert found.tolist() == expected


def test_a_caption_counts_by_its_direction_alone():
    """A long caption must not outvote the others, nor a class with alike captions win by length."""
    prompts = torch.tensor([[[100.0, 0.0], [0.0, 1.0]], [[0.9, -0.4], [0.9, -0.4]]])
    # the first class points to (1, 1), not to (100, 1); the second to (0.9, -0.4)
    images = torch.tensor([[1.0, 0.05], [1.0, 0.9]])
    assert zero_shot(images, prompts).tolist() == [1, 0]
    # means of length 0.71 and 1: with no second normalisation the second would win all of these
    assert zero_shot(torch.tensor([[1.0, 0.3]]), prompts).item() == 0


@pytest.mark.parametrize("length", [1e-3, 1.0, 1e3])
def test_lengths_of_images_and_captions_do_not_count(length):
    chance = torch.Generator().manual_seed(0)
    images = torch.randn(40, 8, generator=chance)
    prompts = torch.randn(5, 2, 8, generator=chance)
    scaled = prompts * torch.tensor([1.0, length])[:, None]
    assert torch.equal(zero_shot(length * images, scaled), zero_shot(images, prompts))


def test_captions_that_lie_on_their_class_name_it():
    classes = torch.eye(4)
    prompts = classes[:, None].expand(4, 3, 4)
    assert zero_shot(classes[[2, 0, 3, 1]], prompts).tolist() == [2, 0, 3, 1]
