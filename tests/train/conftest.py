"""Lets the tests here, and those of faults, share `specimens`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
