"""Where and how a run computes: device, precision, layout, compilation, processes."""

from __future__ import annotations

import contextlib
import gc
import inspect
import os
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.parallel import DistributedDataParallel

from unlabeled.errors import MachineError, UsageError
from unlabeled.world import gather, world

_RENAMED = "forward_sync_buffers" in inspect.signature(DistributedDataParallel).parameters
SYNC_BUFFERS = "forward_sync_buffers" if _RENAMED else "broadcast_buffers"  # torch 2.15 renamed it


def unusable(device: str) -> str:
    """Why this machine cannot compute on a device; nothing where it can."""
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        return str(error).splitlines()[0]
    return ""


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
    def detect(device: str = "auto", precision: str = "auto", *, compile: bool = False) -> Runtime:
        """Choose what is not said: a GPU if there is one, bfloat16 where the hardware has it.

        Raises:
            MachineError: Where the device does not exist.
            UsageError: Where a word means nothing.
        """
        if precision not in ("auto", "bf16", "fp32"):
            raise UsageError(f"precision must be auto, bf16 or fp32, got `{precision}`")
        if device == "auto":
            device = (
                f"cuda:{os.environ.get('LOCAL_RANK', 0)}" if torch.cuda.is_available() else "cpu"
            )
        if why := unusable(device):
            raise MachineError(
                f"device `{device}` cannot be used: {why}",
                hint="--device auto takes what there is; `unlabeled doctor` shows it",
            )
        if precision == "auto":
            precision = "bf16" if fast_bfloat16(device) else "fp32"
        return Runtime(device, precision, compile)

    def autocast(self) -> Any:
        """The context in which losses are computed."""
        if self.precision == "fp32":
            return contextlib.nullcontext()
        return torch.autocast(torch.device(self.device).type, torch.bfloat16)

    def place(self, module: nn.Module) -> None:
        """Move a module to the device, in the layout that convolutions like."""
        module.to(self.device)
        module.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]

    def wrap(self, module: nn.Module) -> nn.Module:
        """Compile and, under `torchrun`, share the module among processes.

        Let the wrapper go before the processes part: see `processes`.
        """
        wrapped = module
        if world()[1] > 1:
            synchronise_norms(module)
        if self.compile:
            wrapped = cast("nn.Module", torch.compile(wrapped))
        if world()[1] > 1:
            ids = None if self.device == "cpu" else [torch.device(self.device).index]
            # a graph known to stand still may leave parameters unused; the compiler forbids it
            more: dict[str, Any] = {SYNC_BUFFERS: False, "static_graph": not self.compile}
            wrapped = DistributedDataParallel(wrapped, device_ids=ids, **more)
        return wrapped


def fast_bfloat16(device: str) -> bool:
    """Whether bfloat16 is faster than float32 here: AMX or AVX-512 BF16, or a GPU that has it."""
    if torch.device(device).type == "cuda":
        return torch.cuda.is_bf16_supported()
    cpu = torch.cpu
    return bool(cpu._is_amx_tile_supported() or cpu._is_avx512_bf16_supported())


class GlobalBatchNorm(_BatchNorm):
    """Batch norm whose statistics are those of the global batch, on any device.

    torch's own SyncBatchNorm needs a GPU. A norm with an activation of its own, as timm has,
    keeps it.
    """

    def _check_input_dim(self, input: Tensor) -> None:
        pass

    def forward(self, input: Tensor) -> Tensor:
        together = self.training and world()[1] > 1
        out = self._normalise(input) if together else super().forward(input)
        for then in ("drop", "act"):  # of timm's BatchNormAct2d
            out = getattr(self, then, _same)(out)
        return out

    def _normalise(self, input: Tensor) -> Tensor:
        over = [d for d in range(input.ndim) if d != 1]
        x = input.to(torch.promote_types(input.dtype, torch.float32))
        parts = gather(torch.stack(torch.var_mean(x, over, correction=0))[None])
        within, means = parts.unbind(1)
        mean = means.mean(0)
        var = within.mean(0) + (means - mean).square().mean(0)
        keeps = self.track_running_stats  # not where somebody only looks through the module
        if keeps and self.running_mean is not None and self.running_var is not None:
            n = x.numel() // x.shape[1] * world()[1]
            with torch.no_grad():
                self.num_batches_tracked.add_(1)  # pyright: ignore[reportOptionalMemberAccess]
                share = self.momentum
                if share is None:  # a plain average of all batches
                    share = 1 / float(self.num_batches_tracked)  # pyright: ignore[reportArgumentType]
                self.running_mean.lerp_(mean.to(self.running_mean.dtype), share)
                self.running_var.lerp_(
                    (var * (n / max(1, n - 1))).to(self.running_var.dtype), share
                )
        wide = [1, -1] + [1] * (input.ndim - 2)
        scale = (var + self.eps).rsqrt()
        if self.weight is not None:
            scale = scale * self.weight
        out = (x - mean.view(wide)) * scale.view(wide)
        out = out if self.bias is None else out + self.bias.view(wide)
        return out.to(input.dtype)


def synchronise_norms(module: nn.Module) -> None:
    """Make every batch norm see the global batch, in place; names and weights stay.

    Raises:
        UsageError: Where a batch norm computes in a way of its own.
    """
    for part in module.modules():
        if not isinstance(part, (_BatchNorm, GlobalBatchNorm)):
            continue
        plain = type(part).forward in (_BatchNorm.forward, nn.SyncBatchNorm.forward)
        if not (plain or hasattr(part, "act") or isinstance(part, GlobalBatchNorm)):
            raise UsageError(
                f"{type(part).__name__} cannot be shared among processes",
                hint="train on one process, or use an encoder with torch's own batch norm",
            )
        part.__class__ = GlobalBatchNorm


def _same(x: Tensor) -> Tensor:
    return x


@contextlib.contextmanager
def processes(device: str) -> Iterator[None]:
    """Join the other processes that `torchrun` started, if it did, and leave them at the end.

    gloo deadlocks now and then where a DDP wrapper outlives its group, so none may be referred to
    once the block ends: `Trainer` lets go of its own.

    Args:
        device: As for `Runtime.detect`.
    """
    if "RANK" not in os.environ or int(os.environ.get("WORLD_SIZE", "1")) == 1 or world()[1] > 1:
        yield
        return
    device = Runtime.detect(device).device
    if device.startswith("cuda"):
        torch.cuda.set_device(device)
        dist.init_process_group("cpu:gloo,cuda:nccl")  # small facts travel without the GPU
    else:
        dist.init_process_group("gloo")
    try:
        yield
    except BaseException as error:
        _let_go(error)
        raise
    finally:
        gc.collect()
        dist.destroy_process_group()


def _let_go(error: BaseException | None) -> None:
    """Clear the frames that an error remembers, and with them the wrapper that it rose through."""
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__
