"""Signals: asked to stop, a run saves within a step and says so by its exit code."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from unlabeled.errors import Interrupted
from unlabeled.train import checkpoint
from unlabeled.train.signals import requests

FOREVER = 100_000


def saved(folder):
    names = [path.name for path in folder.glob("step-*") if "tmp" not in path.name]
    return sorted(int(name.removeprefix("step-")) for name in names)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 75), (signal.SIGINT, 130)])
def test_it_saves_within_a_step_and_stops(zygote, tmp_path, until, number, code):
    process = zygote.start(tmp_path, steps=FOREVER, pause=0.01)
    until((tmp_path / "at").exists)
    os.kill(process, number)
    assert zygote.end() == code
    last = int((tmp_path / "at").read_text())
    assert saved(tmp_path) == [last + 1]
    assert checkpoint.newest(tmp_path)


def test_the_second_ctrl_c_stops_at_once_and_leaves_the_old_checkpoint(zygote, tmp_path, until):
    process = zygote.start(tmp_path, steps=FOREVER, pause=0.01)
    until((tmp_path / "at").exists)
    os.kill(process, signal.SIGTERM)
    assert zygote.end() == 75
    before = saved(tmp_path)

    (tmp_path / "at").unlink()
    process = zygote.start(tmp_path, steps=FOREVER, pause=0.01, trap="save")
    until((tmp_path / "at").exists)
    os.kill(process, signal.SIGINT)
    until(lambda: list(tmp_path.glob("*.tmp-*/model.safetensors")))  # saving, and taking its time
    os.kill(process, signal.SIGINT)
    assert zygote.end() == 130
    assert saved(tmp_path) == before
    assert checkpoint.newest(tmp_path)
    assert not list(tmp_path.glob("*.tmp-*"))


def test_sigusr1_saves_and_goes_on(zygote, tmp_path, until):
    process = zygote.start(tmp_path, steps=FOREVER, pause=0.01)
    until((tmp_path / "at").exists)
    os.kill(process, signal.SIGUSR1)
    until(lambda: saved(tmp_path))
    first = saved(tmp_path)[0]
    until(lambda: int((tmp_path / "at").read_text()) > first + 2)
    assert saved(tmp_path) == [first]  # once was asked, once it was done
    os.kill(process, signal.SIGTERM)
    assert zygote.end() == 75


def test_requests_are_taken_up_after_a_step_and_handlers_put_back():
    before = signal.getsignal(signal.SIGTERM)
    with requests() as asked:
        for step in asked.watch(range(3)):
            assert asked.stop == (step > 1)
            if step == 1:
                os.kill(os.getpid(), signal.SIGTERM)
                assert not asked.stop
    assert asked.save
    assert not asked.interrupted
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_save_is_due_when_the_time_has_come():
    with requests(every=0) as asked:
        assert [asked.save for _ in asked.watch(range(2))] == [True, True]
    with requests(every=1000) as asked:
        assert [asked.save for _ in asked.watch(range(2))] == [False, False]


def test_ctrl_c_twice_within_a_step_is_an_interrupt():
    def twice():
        with requests():
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(Interrupted) as caught:
        twice()
    assert caught.value.code == 130


def test_another_thread_may_train_without_listening():
    heard = []

    def work():
        with requests() as asked:
            heard.extend(asked.save for _ in asked.watch(range(1)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert heard == [False]
