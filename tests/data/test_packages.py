"""Files that packages carry: found where they are installed or in a wheel, and never imported."""

import sys
import zipfile

import pytest

from unlabeled.data.packages import carried
from unlabeled.errors import DataError


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A folder of installed packages, and one of wheels."""
    for name in ("site", "wheels"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path / "site")])
    monkeypatch.setenv("UNLABELED_DATA", str(tmp_path / "wheels"))
    return tmp_path / "site"


def install(site, body):
    (site / "some_words" / "data").mkdir(parents=True)
    (site / "some_words" / "__init__.py").write_text("raise ImportError('no need to import it')")
    (site / "some_words" / "data" / "list.txt").write_bytes(body)
    (site / "some_words-1.0.dist-info").mkdir()
    (site / "some_words-1.0.dist-info" / "METADATA").write_text("Name: some-words\nVersion: 1.0\n")


def wheel(place, body):
    with zipfile.ZipFile(place, "w") as file:
        file.writestr("some_words/data/list.txt", body)


def test_an_installed_package_is_read_and_not_imported(site):
    install(site, b"installed")
    assert carried("some-words", "some_words/data/list.txt") == b"installed"
    assert "some_words" not in sys.modules


def test_a_wheel_need_not_be_installed(site):
    wheel(site.parent / "wheels" / "some_words-1.0-py3-none-any.whl", "in the wheel")
    assert carried("some-words", "some_words/data/list.txt") == b"in the wheel"
    install(site, b"installed")  # what is installed comes first, but only if it has the file
    assert carried("some-words", "some_words/data/list.txt") == b"installed"
    (site / "some_words" / "data" / "list.txt").unlink()
    assert carried("some-words", "some_words/data/list.txt") == b"in the wheel"


def test_what_is_nowhere_is_none(site, monkeypatch):
    wheel(site.parent / "wheels" / "some_wordsmith-1.0-py3-none-any.whl", "another package")
    assert carried("some-words", "some_words/data/list.txt") is None
    monkeypatch.delenv("UNLABELED_DATA")
    assert carried("some-words", "some_words/data/list.txt") is None


def test_a_broken_wheel_is_said(site):
    place = site.parent / "wheels" / "some_words-1.0-py3-none-any.whl"
    wheel(place, "words " * 100)
    with pytest.raises(DataError, match=r"not a whole wheel with other\.txt in it"):
        carried("some-words", "other.txt")
    place.write_bytes(place.read_bytes()[:60])
    with pytest.raises(DataError, match="not a whole wheel"):
        carried("some-words", "some_words/data/list.txt")
