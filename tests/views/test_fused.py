"""The fused CPU kernel makes the very views that plain tensor operations make."""

import dataclasses
import logging
import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from unlabeled.views import images
from unlabeled.views.dice import Dice
from unlabeled.views.images import Drawn, Look, draw, floats, render

EVERYTHING = Look(
    crop=(0.05, 1.0), brightness=0.8, contrast=0.8, saturation=0.8, hue=0.5, blur=0.5, solarize=0.5
)
STILL = Look(crop=(1.0, 1.0), ratio=1.0, flip=0.0, jitter=0.0, gray=0.0)
ALONE = {
    "crop": {"crop": (0.05, 1.0), "ratio": 2.0},
    "flip": {"flip": 1.0},
    "brightness": {"jitter": 1.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0},
    "contrast": {"jitter": 1.0, "brightness": 0.0, "saturation": 0.0, "hue": 0.0},
    "saturation": {"jitter": 1.0, "brightness": 0.0, "contrast": 0.0, "hue": 0.0},
    "hue": {"jitter": 1.0, "brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.5},
    "gray": {"gray": 1.0},
    "solarize": {"solarize": 1.0},
    "blur": {"blur": 1.0},
}


@pytest.fixture(autouse=True)
def kernel():
    assert images.fused() is not None, "numba could not compile the kernel"


@pytest.fixture
def by_tensors(monkeypatch):
    """The plain path."""

    def make(*args):
        with monkeypatch.context() as patch:
            patch.setattr(images, "_kernel_for", lambda x: None)
            return render(*args)

    return make


def pixels(b, c, h, w, seed=0):
    chance = torch.Generator().manual_seed(seed)
    smooth = torch.rand(b, c, 5, 5, generator=chance)
    picture = F.interpolate(smooth, (h, w), mode="bicubic").clamp(0, 1)
    noise = torch.rand(b, c, h, w, generator=chance)
    return (255 * (0.7 * picture + 0.3 * noise)).byte()


def numbers(b, look, seed=0):
    return draw(Dice(seed, 0, torch.arange(b)), look)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", ALONE)
def test_each_operation_alone(name, channels, by_tensors):
    side = 100 if name == "blur" else 24
    x, look = pixels(16, channels, side, side), dataclasses.replace(STILL, **ALONE[name])
    drawn = numbers(16, look)
    view = render(x, drawn, side)
    torch.testing.assert_close(view, by_tensors(x, drawn, side), atol=1e-5, rtol=0)
    if channels == 3 or name not in ("saturation", "hue", "gray"):
        assert (view - floats(x)).abs().max() > 1e-2  # it did something


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@pytest.mark.parametrize(
    ("channels", "h", "w", "size"),
    [(3, 32, 32, 32), (1, 28, 28, 28), (3, 17, 40, 64), (3, 120, 160, 24), (3, 5, 5, 8),
     (1, 150, 100, 96), (3, 1, 1, 4), (3, 60, 70, 1)],
)  # fmt: skip
def test_everything_together(channels, h, w, size, dtype, by_tensors):
    x = pixels(32, channels, h, w)
    x = x if dtype == torch.uint8 else floats(x)
    look = EVERYTHING if size > 1 else dataclasses.replace(EVERYTHING, blur=0.0)
    drawn = numbers(32, look)
    view = render(x, drawn, size)
    assert view.dtype == torch.float32
    assert view.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(view, by_tensors(x, drawn, size), atol=1e-5, rtol=0)


def test_crops_that_touch_every_border(by_tensors):
    corners = torch.tensor([[x, y] for x in (0.15, 0.5, 0.85) for y in (0.2, 0.5, 0.8)])
    one = torch.ones(len(corners))
    for flip in (False, True):
        drawn = Drawn(
            corners[:, 0], corners[:, 1], 0.3 * one, 0.4 * one, (one > 0) & flip,
            one, one, one, 0 * one, one < 0, one < 0, 0 * one,
        )  # fmt: skip
        x = pixels(len(corners), 3, 20, 30)
        for size in (4, 12, 40):
            view = render(x, drawn, size)
            torch.testing.assert_close(view, by_tensors(x, drawn, size), atol=1e-5, rtol=0)


@pytest.mark.parametrize(("h", "w", "size"), [(64, 48, 20), (20, 20, 20), (20, 30, 50)])
def test_a_view_of_the_whole_image_is_the_antialiased_resize(h, w, size):
    x = pixels(8, 3, h, w)
    want = F.interpolate(floats(x), (size, size), mode="bilinear", antialias=True)
    torch.testing.assert_close(render(x, numbers(8, STILL), size), want, atol=1e-5, rtol=0)


def test_images_in_any_layout(tmp_path):
    x, drawn = pixels(12, 3, 20, 24), numbers(12, EVERYTHING)
    want = render(x, drawn, 16)
    assert torch.equal(want, render(x.contiguous(memory_format=torch.channels_last), drawn, 16))
    wide = torch.zeros(24, 3, 20, 30, dtype=torch.uint8)
    wide[::2, :, :, 3:27] = x
    assert torch.equal(want, render(wide[::2, :, :, 3:27], drawn, 16))

    np.save(tmp_path / "x.npy", x.numpy())
    mapped = np.load(tmp_path / "x.npy", mmap_mode="r")
    with pytest.warns(UserWarning, match="not writable"):
        assert torch.equal(want, render(torch.from_numpy(mapped), drawn, 16))


def test_a_view_does_not_depend_on_the_batch_or_the_threads():
    x, drawn = pixels(40, 3, 16, 16), numbers(40, EVERYTHING)
    want = render(x, drawn, 32)
    part = Drawn(**{f.name: getattr(drawn, f.name)[7:9] for f in dataclasses.fields(drawn)})
    assert torch.equal(want[7:9], render(x[7:9], part, 32))
    torch.set_num_threads(3)
    try:
        assert torch.equal(want, render(x, drawn, 32))
        with ThreadPoolExecutor(4) as callers:
            for view in callers.map(lambda _: render(x, drawn, 32), range(16)):
                assert torch.equal(want, view)
    finally:
        torch.set_num_threads(1)


def exit_code(child, seconds=30):
    """The child's exit code; a child that waits for threads it does not have is ended."""
    for _ in range(10 * seconds):
        pid, status = os.waitpid(child, os.WNOHANG)
        if pid:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.1)
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_makes_views_too():
    x, drawn = pixels(40, 3, 16, 16), numbers(40, EVERYTHING)
    kernel = images.fused()
    assert kernel is not None
    torch.set_num_threads(2)
    try:
        want = render(x, drawn, 16)  # the parent's threads are running
        centres = images.place(drawn, 16, 16, 16)
        child = os.fork()
        if child == 0:  # torch's own threads do not survive a fork; the kernel's must
            os._exit(0 if torch.equal(kernel.render(x, *centres, drawn, 16), want) else 1)
        assert exit_code(child) == 0
    finally:
        torch.set_num_threads(1)


def test_without_numba_tensors_do_it_and_the_log_says_so(monkeypatch, caplog, by_tensors):
    x, drawn = pixels(4, 3, 16, 16), numbers(4, EVERYTHING)
    monkeypatch.setitem(sys.modules, "numba", None)
    monkeypatch.delitem(sys.modules, "unlabeled.views.fused")
    monkeypatch.delattr("unlabeled.views.fused")
    images.fused.cache_clear()
    try:
        with caplog.at_level(logging.INFO, logger="unlabeled"):
            assert torch.equal(render(x, drawn, 16), by_tensors(x, drawn, 16))
        assert "without the fused kernel" in caplog.text
    finally:
        images.fused.cache_clear()


def test_what_the_kernel_cannot_do_is_left_to_tensors():
    drawn = numbers(2, STILL)
    x = floats(pixels(2, 3, 8, 8))
    assert render(x.double(), drawn, 8).dtype == torch.float64
    x.requires_grad_()
    assert render(x, drawn, 8).requires_grad
