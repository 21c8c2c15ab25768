"""Where and how a run computes: device, precision, layout, compilation, processes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn

from unlabeled.errors import MachineError, UsageError
from unlabeled.world import gather, world


@dataclass(frozen=True)
class Runtime:
    """How to compute.

    Attributes:
        device: "cpu", "cuda" or "cuda:1".
        precision: "bf16" (autocast) or "fp32" (exact).
        compile: Whether the forward pass is compiled.
    """

    device: str = "cpu"
    precision: str = "fp32"
    compile: bool = False

    @staticmethod
    def detect(
        device: str = "auto", precision: str = "auto", *, compile: bool = False
    ) -> Runtime:
        """Choose what is not said: a GPU if there is one, bfloat16 where the hardware has it.

        Raises:
            MachineError: Where the device does not exist.
            UsageError: Where a word means nothing.
        """
        if precision not in ("auto", "bf16", "fp32"):
            raise UsageError(f"precision must be auto, bf16 or fp32, got `{precision}`")
        if device == "auto":
            device = f"cuda:{os.environ.get('LOCAL_RANK', 0)}" if torch.cuda.is_available() else "cpu"
        try:
            torch.empty(0, device=device)
        except (RuntimeError, AssertionError) as error:
            raise MachineError(
                f"device `{device}` cannot be used: {str(error).splitlines()[0]}",
                hint="--device auto takes what there is; `unlabeled doctor` shows it",
            ) from error
        if precision == "auto":
            precision = "bf16" if fast_bfloat16(device) else "fp32"
        return Runtime(device, precision, compile)

    def autocast(self) -> Any:
        """The context in which losses are computed."""
        return torch.autocast(
            torch.device(self.device).type, torch.bfloat16, enabled=self.precision == "bf16"
        )

    def place(self, module: nn.Module) -> None:
        """Move a module to the device, in the layout that convolutions like."""
        module.to(self.device)
        module.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def wrap(self, module: nn.Module) -> nn.Module:
        """Compile and, under `torchrun`, share the module among processes."""
        wrapped = module
        if world()[1] > 1:
            synchronise_norms(module, self.device)
        if self.compile:
            wrapped = cast("nn.Module", torch.compile(wrapped))
        if world()[1] > 1:
            ids = None if self.device == "cpu" else [torch.device(self.device).index]
            wrapped = nn.parallel.DistributedDataParallel(
                wrapped, device_ids=ids, broadcast_buffers=False
            )
        return wrapped


def fast_bfloat16(device: str) -> bool:
    """Whether bfloat16 is faster than float32 here: AMX or AVX-512 BF16, or a GPU that has it."""
    if torch.device(device).type == "cuda":
        return torch.cuda.is_bf16_supported()
    cpu = torch.cpu
    return bool(cpu._is_amx_tile_supported() or cpu._is_avx512_bf16_supported())


class GlobalBatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch norm whose statistics are those of the global batch, on any device.

    torch's own SyncBatchNorm needs a GPU.
    """

    def _check_input_dim(self, input: Tensor) -> None:
        pass

    def forward(self, input: Tensor) -> Tensor:
        if not self.training or world()[1] == 1:
            return super().forward(input)
        over = [d for d in range(input.ndim) if d != 1]
        moments = torch.stack([input.mean(over), input.square().mean(over)])
        mean, square = gather(moments[None]).mean(0)
        var = square - mean.square()
        n = input.numel() // input.shape[1] * world()[1]
        if self.track_running_stats and self.running_mean is not None:
            with torch.no_grad():
                self.num_batches_tracked.add_(1)  # pyright: ignore
                self.running_mean.lerp_(mean, self.momentum or 0.1)
                self.running_var.lerp_(var * n / max(1, n - 1), self.momentum or 0.1)  # pyright: ignore
        wide = [1, -1] + [1] * (input.ndim - 2)
        out = (input - mean.view(wide)) * (var + self.eps).rsqrt().view(wide)
        return out if self.weight is None else out * self.weight.view(wide) + self.bias.view(wide)


def synchronise_norms(module: nn.Module, device: str) -> None:
    """Make every batch norm see the global batch, in place; names and weights stay."""
    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.__class__ = GlobalBatchNorm


@contextlib.contextmanager
def processes(device: str) -> Iterator[None]:
    """Join the other processes that `torchrun` started, if it did, and leave them at the end."""
    if "RANK" not in os.environ or int(os.environ.get("WORLD_SIZE", "1")) == 1 or world()[1] > 1:
        yield
        return
    if device.startswith("cuda"):
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield
    finally:
        dist.destroy_process_group()
