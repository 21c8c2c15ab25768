"""Any timm model, by its name."""

from __future__ import annotations

import difflib

import timm
import torch
from torch import Tensor, nn

from unlabeled.encoders.base import Encoder

SMALL = 64  # sides up to this get a stem that does not throw three quarters of the image away


class Timm(Encoder):
    """A timm model without its classifier.

    Residual networks for images of 64 pixels or less get a 3x3 stem of stride 1 and no max-pool,
    as SimCLR (2020, appendix B.9) does for CIFAR; vision transformers get patches of size / 8.

    Args:
        name: A name that `timm.list_models()` knows.
        channels: Channels of the image.
        size: Side of the image.

    Raises:
        ValueError: Where timm knows no such model; names the nearest.
    """

    def __init__(self, name: str, channels: int = 3, size: int = 224) -> None:
        super().__init__()
        if not timm.is_model(name):
            near = difflib.get_close_matches(name, timm.list_models(), 1)
            hint = f"\n\nhint: did you mean `{near[0]}`?" if near else ""
            raise ValueError(f"no encoder named `{name}`{hint}")
        transformer = "vit" in name or "deit" in name
        extra = {}
        if transformer:
            extra = {"img_size": size} | ({"patch_size": max(2, size // 8)} if size <= SMALL else {})
        self.backbone = timm.create_model(name, num_classes=0, in_chans=channels, **extra)
        self.name, self.channels, self.size = name, channels, size
        self.dim = int(self.backbone.num_features)
        if size <= SMALL:
            self.notes = self._small_stem() if not transformer else (
                f"patches of {extra['patch_size']} pixels for a {size}-pixel image",
            )
        self.mean, self.std = 0.5, 0.25
        self.layers = (*self._stages(), "out")

    def _small_stem(self) -> tuple[str, ...]:
        stem = getattr(self.backbone, "conv1", None)
        if not (isinstance(stem, nn.Conv2d) and hasattr(self.backbone, "maxpool")):
            return ()
        self.backbone.conv1 = nn.Conv2d(self.channels, stem.out_channels, 3, padding=1, bias=False)
        self.backbone.maxpool = nn.Identity()
        return (f"3x3 stem without max-pool for a {self.size}-pixel image",)

    def _stages(self) -> list[str]:
        blocks = getattr(self.backbone, "blocks", None)
        if blocks is not None and "vit" in type(self.backbone).__name__.lower() + self.name:
            return [f"block{i + 1}" for i in range(len(blocks))]
        return [info["module"] for info in self.backbone.feature_info]

    def features(self, x: Tensor) -> dict[str, Tensor]:
        last, maps = self.backbone.forward_intermediates((x - self.mean) / self.std)
        out = self.backbone.forward_head(last, pre_logits=True)
        return {**dict(zip(self.layers, maps, strict=False)), "out": out}

    def forward(self, x: Tensor) -> Tensor:
        return self.backbone((x - self.mean) / self.std)


def strict_state(encoder: Timm) -> dict[str, torch.Tensor]:
    """The backbone's weights under timm's own names."""
    return encoder.backbone.state_dict()
