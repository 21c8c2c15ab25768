"""`unlabeled compare`: a table on the terminal, one JSON object, or a page."""

import json
import shutil

import numpy as np
import pytest

import unlabeled
from unlabeled.cli import run


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A run, and a copy of it with another seed and a name that moves the cursor."""
    root = tmp_path_factory.mktemp("runs")
    images = np.random.default_rng(0).integers(0, 256, (32, 1, 16, 16), dtype=np.uint8)
    unlabeled.pretrain("rotation", images, out=root / "one", steps=1, batch_size=16, device="cpu",
                       report=False, quiet=True)  # fmt: skip
    other = shutil.copytree(root / "one", root / "t\x1b[2Jwo")
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**config, "seed": 7}))
    for place, right in ((root / "one", 61.0), (other, 72.5)):
        scores = {"encoder": {"kNN": {"accuracy": right}}, "raw": {"kNN": {"accuracy": 70.0}}}
        judged = {"scores": scores, "settings": {"classes": 2}, "protocol": "abc"}
        (place / "evaluation.json").write_text(json.dumps(judged))
    return [str(root / "one"), str(other)]


@pytest.fixture
def cli(capsys):
    def call(*words):
        try:
            code = run(["compare", *words])
        except SystemExit as left:  # a command that ends well leaves by itself
            code = left.code or 0
        said = capsys.readouterr()
        return code, said.out, said.err

    return call


def test_a_column_for_each_run_and_a_star_for_the_best(cli, pair):
    code, out, _ = cli(*pair)
    assert code == 0
    rows = [line.split() for line in out.splitlines()]
    assert ["protocol", "abc", "A", "B", "raw"] in rows
    assert ["kNN", "61", "72.5", "*", "70"] in rows
    assert ["seed", "0", "7"] in rows
    assert "1 of 1 steps" in out
    assert "\x1b" not in out
    assert r"t\x1b[2Jwo" in out


def test_json_is_one_object_and_nothing_else(cli, pair, tmp_path):
    code, out, err = cli(*pair, "--json", "--out", str(tmp_path / "page.html"))
    found = json.loads(out)
    assert (code, err) == (0, "")
    assert found["words"] == r"Best by kNN: t" + "\x1b[2Jwo, 72.5 %."
    assert found["scores"]["abc"]["best"] == {"kNN": ["B"]}
    assert "2 runs compared" in (tmp_path / "page.html").read_text()


def test_one_run_is_a_usage_error(cli, pair):
    code, out, err = cli(pair[0])
    assert code == 2
    assert out == ""
    assert "hint: unlabeled compare runs/" in err
