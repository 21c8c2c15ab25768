"""What the documentation shows works: Python is run, commands are parsed, code is checked."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(language):
    for page in PAGES:
        for i, found in enumerate(re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.S)):
            yield pytest.param(found, id=f"{page.stem}-{i}")


@pytest.mark.parametrize("code", [b for b in blocks("python") if "class " not in b.values[0]])
def test_python_runs(code, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("code", [b for b in blocks("python") if "class " in b.values[0]])
def test_a_method_shown_passes_the_suite(code, tmp_path):
    from unlabeled.check import check

    path = tmp_path / "shown.py"
    path.write_text(code)
    assert [r.message for r in check(str(path)) if not r.passed] == []


@pytest.mark.parametrize("text", blocks("console"))
def test_commands_parse(text, tmp_path, monkeypatch):
    from unlabeled.cli.app import build

    shown = re.search(r"```python\n(.*?class .*?)```", (ROOT / "CONTRIBUTING.md").read_text(), re.S)
    (tmp_path / "simsiam.py").write_text(shown[1])
    monkeypatch.chdir(tmp_path)
    for line in re.findall(r"^\$ (.*)$", text, re.M):
        words = shlex.split(line, comments=True)
        if words[0] == "make":
            assert re.search(rf"^{words[1]}:", (ROOT / "Makefile").read_text(), re.M)
        elif words[0] == "unlabeled":
            build(words[1:]).parse_args(words[1:], exit_on_error=False, print_error=False)
        else:
            assert words[0] == "pip"
