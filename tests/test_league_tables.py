"""The league's tables say what was measured: a row a network, and no label that was not there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def tables(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")
    import league_tables

    return league_tables


def run(backbone, seed=0, raw=50.0, **rows):
    """A run whose baselines are right in so many of a hundred, by both columns."""
    settings = {"labels": [10], "shares": [0.01]}
    found = {"encoder": 90.0, "raw": raw, **rows}
    columns = ("kNN", "10 labels", "1 %")
    scores = {who: {k: {"accuracy": x} for k in columns} for who, x in found.items()}
    evaluation = {"scores": scores, "settings": settings}
    return {"system": "simclr", "backbone": backbone, "seed": seed, "evaluation": evaluation}


def rows(tables, *runs):
    lines = tables.baselines(list(runs), ("kNN", "10 labels", "1 %", tables.LAYER), 1)
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {name.strip("*"): found for name, *found in cells}


def test_each_network_has_its_own_baselines(tables):
    found = rows(
        tables,
        run("convnet", PCA=30.0, supervised=80.0),
        run("convnet", 1, PCA=32.0),
        run("series", PCA=70.0, supervised=60.0),
    )
    assert found == {
        "raw": ["50.0"] * 3 + ["", ""],
        "PCA, as wide as convnet": ["31.0 ± 1.4"] * 3 + ["", ""],
        "PCA, as wide as series": ["70.0"] * 3 + ["", ""],
        "supervised convnet, all labels": ["80.0", "", "", "", ""],
        "supervised series, all labels": ["60.0", "", "", "", ""],
    }


def test_raw_samples_stand_once_where_the_numbers_agree(tables):
    assert rows(tables, run("convnet"), run("series"))["raw"][0] == "50.0"
    apart = rows(tables, run("convnet"), run("series", raw=40.0))
    assert [name for name in apart if "raw" in name] == ["raw, for convnet", "raw, for series"]
    alone = rows(tables, run("series"))
    assert list(alone) == ["raw"]


@pytest.mark.parametrize("page", ["README.md", "docs/league.md"])
def test_no_supervised_row_stands_among_few_labels(page):
    seen = 0
    for block in re.findall(r"^\|.*(?:\n\|.*)+", (ROOT / page).read_text(), re.M):
        table = [[c.strip() for c in line.strip("|").split("|")] for line in block.split("\n")]
        for line in table[2:]:
            if "supervised" in line[0]:
                seen += 1
                assert "all labels" in line[0]
                told = dict(zip(table[0], line, strict=True))
                assert told["kNN"]
                assert not any(x for k, x in told.items() if re.match(r"\d+ (labels?|%)", k))
    assert seen
