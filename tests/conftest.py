"""Shared by all tests: one thread, so that tests on a shared machine take seconds, not minutes."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo")

import torch

torch.set_num_threads(1)
