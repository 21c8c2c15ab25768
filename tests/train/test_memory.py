"""Memory that is freed stays with the process, so the next step meets no new pages."""

import subprocess
import sys

import pytest

CHURN = """
import resource
from unlabeled.train.memory import keep_memory

def faults(times=8, size=40 << 20):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        bytes(b"x") * size
    return (resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / times

before = faults()
told = keep_memory()
faults(1)
print(told, before, faults())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="glibc only")
def test_large_blocks_are_reused():
    done = subprocess.run([sys.executable, "-c", CHURN], capture_output=True, text=True, check=True)
    told, before, after = done.stdout.split()
    if told != "True":
        pytest.skip("this libc cannot be told")
    pages = (40 << 20) / 4096
    assert float(before) > 0.9 * pages
    assert float(after) < 0.1 * pages
