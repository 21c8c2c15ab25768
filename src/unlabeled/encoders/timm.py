"""Any timm model, by its name."""

from __future__ import annotations

import re
from typing import Any

import timm
import torch
from torch import Tensor, nn

from unlabeled.encoders.base import Encoder, Transformer
from unlabeled.errors import UsageError

VITS = ["vision_transformer", "deit"]  # timm's modules of plain vision transformers
OURS: dict[str, Any] = {  # what sets `vit`, for small images and for CPUs, apart from timm's tiny
    "depth": 4, "embed_dim": 128, "num_heads": 4,
    "class_token": False, "global_pool": "avg", "fc_norm": False,
}  # fmt: skip
SMALL = 64  # sides up to this get a stem that does not throw three quarters of the image away


class Timm(Encoder):
    """A timm model without its classifier.

    Residual networks for images of 64 pixels or less get a 3x3 stem of stride 1 and no max-pool,
    as SimCLR (2020, appendix B.9) does for CIFAR; vision transformers get patches of about an
    eighth of the side.

    Args:
        name: A name that `timm.list_models()` knows.
        channels: Channels of the image.
        size: Side of the image.

    Raises:
        UsageError: Where the model cannot take images of this size.
    """

    backbone: Any  # timm has no types

    def __init__(self, name: str, channels: int = 3, size: int = 224) -> None:
        super().__init__()
        self.name, self.channels, self.size = name, channels, size
        fitted = self._fitted()
        try:
            model = "vit_tiny_patch16_224" if name == "vit" else name
            self.backbone = timm.create_model(model, num_classes=0, in_chans=channels, **fitted)
            if size <= SMALL:
                self.notes = self._small_stem(fitted)
            with torch.no_grad():  # timm's own word for its width is not always its output's
                self.dim = self.backbone.eval()(torch.zeros(1, channels, size, size)).shape[1]
        except (TypeError, AssertionError, RuntimeError) as error:
            raise UsageError(
                f"{name} cannot take images of {channels} channels and {size} pixels: {error}",
                hint=self._hint(),
            ) from error
        self.backbone.train()
        self.mean, self.std = 0.5, 0.25
        self.layers = (*(info["module"] for info in self.backbone.feature_info), "out")

    def _hint(self) -> str:
        """What to do where the model cannot take images of this size."""
        return "resnet18 and convnext_atto take any size"

    def _fitted(self) -> dict[str, Any]:
        """What a model must be told of the size, if anything."""
        known = timm.get_pretrained_cfg(self.name)
        return {"img_size": self.size} if known is not None and known.fixed_input_size else {}

    def _small_stem(self, fitted: dict[str, Any]) -> tuple[str, ...]:
        if "patch_size" in fitted:
            return (f"patches of {fitted['patch_size']} pixels for a {self.size}-pixel image",)
        stem = getattr(self.backbone, "conv1", None)
        if not (isinstance(stem, nn.Conv2d) and hasattr(self.backbone, "maxpool")):
            return (f"{self.name} keeps a stem for images larger than {self.size} pixels",)
        self.backbone.conv1 = nn.Conv2d(self.channels, stem.out_channels, 3, padding=1, bias=False)
        self.backbone.maxpool = nn.Identity()
        return (f"3x3 stem without max-pool for a {self.size}-pixel image",)

    def features(self, x: Tensor) -> dict[str, Tensor]:
        last, maps = self.backbone.forward_intermediates((x - self.mean) / self.std)
        out = self.backbone.forward_head(last, pre_logits=True)
        return {**dict(zip(self.layers, maps, strict=False)), "out": out}

    def forward(self, x: Tensor) -> Tensor:
        return self.backbone((x - self.mean) / self.std)


class ViT(Timm, Transformer):
    """A plain vision transformer of timm's, or `vit`: four layers, 128 wide, no class token."""

    def __init__(self, name: str, channels: int = 3, size: int = 224) -> None:
        super().__init__(name, channels, size)
        self.patch = self.backbone.patch_embed.patch_size[0]
        self.grid = size // self.patch

    def _fitted(self) -> dict[str, Any]:
        fitted = {"img_size": self.size, "dynamic_img_size": True}  # smaller crops pass too
        small = {"patch_size": _patch(self.size)} if self.size <= SMALL else {}
        return fitted | small | (OURS if self.name == "vit" else {})

    def _hint(self) -> str:
        said = re.search(r"patch(\d+)", self.name)
        step = 8 if self.size <= SMALL else int(said[1]) if said else 16
        divided = -(-self.size // step) * step
        return super()._hint() if divided == self.size else f"--size {divided}"

    def tokens(
        self,
        x: Tensor,
        keep: Tensor | None = None,
        *,
        hidden: Tensor | None = None,
        instead: Tensor | None = None,
    ) -> Tensor:
        net = self.backbone
        maps = net.patch_embed((x - self.mean) / self.std)  # (b, rows, columns, dim)
        if hidden is not None and instead is not None:
            maps = torch.where(hidden.view(*maps.shape[:3], 1), instead.to(maps), maps)
        tokens = net._pos_embed(maps)
        first = net.num_prefix_tokens  # class and register tokens, which are always there
        if keep is not None:
            place = keep[..., None].expand(-1, -1, tokens.shape[2]) + first
            tokens = torch.cat([tokens[:, :first], tokens.gather(1, place)], 1)
        return net.fc_norm(net.norm(net.blocks(net.norm_pre(tokens))))[:, first:]


def _patch(size: int) -> int:
    """The side of a small image's patches: what divides it best and is nearest to an eighth."""
    sides = range(2, max(3, size // 4 + 1))
    return min(sides, key=lambda side: (size % side, abs(side - size / 8)))


def strict_state(encoder: Timm) -> dict[str, torch.Tensor]:
    """The backbone's weights under timm's own names."""
    return encoder.backbone.state_dict()
