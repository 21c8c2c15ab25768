"""Zero-shot classification by a network of two towers: which caption fits the image best?"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def zero_shot(images: Tensor, prompts: Tensor) -> Tensor:
    """Name the class of images by the captions of the classes; no label is seen.

    Args:
        images: `(n, d)` vectors of images.
        prompts: `(classes, templates, d)` vectors of captions: "a photo of a {class}" and others.
            Each is brought to length 1; a class is the mean of its templates, at length 1 again.

    Returns:
        `(n,)` int64 in [0, classes): the class of the greatest cosine.

    Source: Radford et al. 2021, sec. 3.1.4, https://arxiv.org/abs/2103.00020.
    """
    classes = F.normalize(F.normalize(prompts, dim=2).mean(1), dim=1)
    return (F.normalize(images, dim=1) @ classes.T).argmax(1)
