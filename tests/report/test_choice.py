"""Which run looks best without labels: by RankMe, where that compares and the runs are well."""

import json

import pytest

import unlabeled


def ranked(folders, ranks, **change):
    """The runs without scores, with a RankMe each and other things changed in the second."""
    for folder, rank in zip(folders, ranks, strict=True):
        (folder / "evaluation.json").unlink(missing_ok=True)
        found = json.loads((folder / "verdict.json").read_text())
        found |= {"rankme": rank, **(change if folder is folders[1] else {})}
        (folder / "verdict.json").write_text(json.dumps(found))
    return folders


def test_without_labels_the_one_of_higher_rankme_looks_best(altered, tmp_path):
    found = unlabeled.compare(ranked(altered(), (30.25, 41.5)), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text()
    assert found["words"] == "Without labels, two looks best: by RankMe, 41.5 against 30.2."
    assert "docs/which-number.md" in found["rest"]
    assert found["words"] in page
    assert "RankMe counts the directions" in page
    assert found["measures"]["best"]["RankMe"] == ["B"]


@pytest.mark.parametrize(
    ("ranks", "config", "words"),
    [
        ((30.0, 40.0), {"data": {"fingerprint": "0"}}, "compares no runs on different data"),
        ((30.0, 40.0), {"encoder": {"dim": 7}}, " and 7 wide."),
        ((30.0, None), {}, "not known of all"),
        ((30.0, 40.0), {"samples": 256}, "RankMe compares no looks at other numbers of samples"),
        ((30.0, 30.04), {}, "RankMe is 30.0 for all"),
    ],
)
def test_rankme_is_not_asked_what_it_cannot_tell(altered, ranks, config, words):
    def change(old):
        return {**old, **{k: {**old[k], **x} for k, x in config.items() if k in old}}

    wide = {"dim": config["encoder"]["dim"]} if "encoder" in config else {}
    wide |= {k: x for k, x in config.items() if k == "samples"}
    found = unlabeled.compare(ranked(altered(config=change), ranks, **wide))
    assert found["words"].startswith("Without labels, nothing says which is best: ")
    assert words in found["words"]
    assert found["rest"] == ""
    assert found["measures"]["best"]["RankMe"] == []
    assert bool(found["warnings"]) == bool({"data", "encoder"} & set(config))


def test_a_run_that_failed_is_not_the_best_by_rankme(altered):
    verdict = {"ok": False, "level": "collapsed", "words": "Collapsed.", "advice": ""}
    folders = ranked(altered(verdict=lambda old: {**old, **verdict}), (30.0, 40.0))
    assert unlabeled.compare(folders)["words"] == "1 of 2 runs are healthy."
