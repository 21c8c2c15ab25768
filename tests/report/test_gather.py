"""Pages of real runs: each kind of data shows what makes sense of it."""

import re

import numpy as np
import pytest
import torch

import unlabeled
from unlabeled.catalog import card
from unlabeled.data import open_data
from unlabeled.data.batches import SHOWN, spread
from unlabeled.job import reassemble
from unlabeled.pretraining import prepare, resume
from unlabeled.report.gather import content

chance = np.random.default_rng(0)


def headings(run, data=None) -> tuple[list[str], str]:
    page = run.report(data).read_text()
    text = re.sub(r"<style>.*?</style>|<[^>]*>", " ", page, flags=re.S)
    return re.findall(r"<h2>(.*?)</h2>", page), " ".join(text.split())


def trained(method, data, folder, **said):
    return unlabeled.pretrain(
        method, data, out=folder, device="cpu", report=False, quiet=True, **said
    )


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A run on images of two kinds, one of them there twice; labels lie beside them."""
    root = tmp_path_factory.mktemp("images")
    labels = np.arange(120) % 2
    data = chance.integers(0, 60, (120, 1, 12, 12), dtype=np.uint8)
    data[labels == 1] += 150
    data[17] = data[90]
    np.save(root / "images.npy", data)
    np.save(root / "images-labels.npy", np.array(["dark", "bright"])[labels])
    return trained("rotation", str(root / "images.npy"), root / "run", steps=2, batch_size=32)


def test_a_page_of_images_has_everything(images):
    titles, text = headings(images)
    assert titles == [
        "What the method saw", "What it made of it", "What it finds alike", "What falls together",
        "Everything at a glance", "What stands out", "What is there twice", "How training went",
        "How many directions it uses", "Chosen for you", "Every setting", "Run it again",
    ]  # fmt: skip
    assert "Of these, equal in every pixel: 1." in text
    assert re.search(r"17 90 pixels equal|90 17 pixels equal", text)


def test_labels_are_shown_where_there_are_any(images):
    assert "commonest label" in headings(images)[1]
    _, text = headings(images, images.data())  # a store has none
    assert "label;" not in text
    assert "commonest label" not in text
    assert "bright" not in text.replace("brightness", "")


def test_the_page_at_the_end_is_the_one_that_can_be_written_later(images, tmp_path):
    """Labels and all."""
    source, place = images.config["data"]["source"], tmp_path / "run"
    said = {"steps": 2, "batch_size": 32, "device": "cpu", "quiet": True}
    run = unlabeled.pretrain("rotation", source, out=place, **said)
    page = (place / "report.html").read_bytes()
    assert b"commonest label" in page
    assert run.report().read_bytes() == page
    resume(place, quiet=True)  # which takes time, and the page says how much
    assert b"commonest label" in (place / "report.html").read_bytes()


@pytest.mark.parametrize("targets", [True, False])
def test_no_sample_is_read_again_for_its_label(targets, tmp_path):
    asked = []

    class Dataset:
        def __len__(self):
            return 40

        def __getitem__(self, i):
            asked.append(i)
            return np.full((12, 12), 5 * i, np.uint8), i % 2

    data = Dataset()
    if targets:
        data.targets = [i % 2 for i in range(40)]
    unlabeled.pretrain(
        "rotation", data, out=tmp_path, steps=1, batch_size=8, device="cpu", quiet=True
    )
    assert ("commonest label" in (tmp_path / "report.html").read_text()) == targets
    assert len(asked) == 41  # the first one tells what they are


def test_other_samples_can_be_shown_with_their_labels(images, tmp_path):
    np.save(tmp_path / "others.npy", chance.integers(0, 256, (60, 3, 12, 12), dtype=np.uint8))
    np.save(tmp_path / "others-labels.npy", np.array(["left", "right"] * 30))
    _, text = headings(images, str(tmp_path / "others.npy"))
    assert "of 60 samples" in text
    assert "left" in text


def test_a_page_of_series_has_what_stands_out(tmp_path):
    waves = np.sin(np.arange(64) * chance.uniform(0.1, 1, (60, 1))) + 0.1 * chance.standard_normal(
        (60, 64)
    )
    np.save(tmp_path / "waves.npy", waves.astype(np.float32))
    titles, text = headings(trained("cpc", str(tmp_path / "waves.npy"), tmp_path / "run", steps=2))
    assert {"What falls together", "What stands out", "What is there twice"} < set(titles)
    assert "values differ by" in text


def test_a_page_of_words_leaves_out_what_is_about_samples(tmp_path):
    words = [f"{a}{b}" for a in "abcdefgh" for b in "klmnopqr"]
    lines = [" ".join(chance.choice(words, 12)) for _ in range(200)]
    (tmp_path / "text.txt").write_text("\n".join(lines))
    titles, text = headings(
        trained("word2vec", str(tmp_path / "text.txt"), tmp_path / "run", steps=2)
    )
    # of one word of the row, those around it
    before, after = text.split(" one word ")[:2]
    line = before.rpartition(" words ")[2].split()
    one, near = (part.split() for part in after.split(" chance words ")[0].split(" neighbours "))
    assert len(one) == 1
    assert one[0] in line
    assert set(near) < set(line)
    assert one[0] not in near
    assert {"What it finds alike", "What falls together", "How many directions it uses"} < set(
        titles
    )
    assert {"What stands out", "What is there twice"}.isdisjoint(titles)
    assert "of 64 words, found by k-means" in text


def test_the_page_says_whether_it_shows_what_was_trained_on(images):
    assert "It was trained on these samples, though never on these views" in headings(images)[1]
    other = np.random.default_rng(1).integers(0, 256, (60, 1, 12, 12), dtype=np.uint8)
    text = headings(images, other)[1]
    assert "These samples are not the data that it was trained on." in text
    assert "It was trained on these samples" not in text


def test_where_there_are_enough_the_picture_is_of_images_held_out(tmp_path):
    data = chance.integers(0, 256, (200, 1, 12, 12), dtype=np.uint8)
    run = trained("rotation", data, tmp_path / "run", steps=2, batch_size=16)
    assert "8 samples are held out, for the page" in run.config["rules"]
    assert "It was never trained on these samples" in headings(run, data)[1]
    shown = spread(200, SHOWN)
    few = headings(run, data[:5])[1]  # nothing of other data is held out, however few they are
    assert "These samples are not the data that it was trained on." in few
    whole = prepare("rotation", data, steps=1, batch_size=200, device="cpu")  # none to spare
    assert (whole.trainer.batches.size, whole.config["data"]["held"]) == (200, 0)
    for method, held in (("rotation", True), ("simclr", False)):  # whose page has no such picture
        batches = prepare(method, data, steps=1, batch_size=16, device="cpu").trainer.batches
        seen = torch.cat([batches.samples(step) for step in range(3 * len(batches))])
        assert set(shown.tolist()).isdisjoint(seen.tolist()) == held


def test_of_few_seeds_the_page_shows_views_of_the_samples_beside_them(tmp_path):
    """Where all images are seeds, a view is of its own sample: not so of those held out."""
    flat = np.repeat(np.arange(200, dtype=np.uint8), 144).reshape(200, 1, 12, 12)
    run = trained("exemplar", flat, tmp_path / "run", steps=1, batch_size=16, colour=0.0)
    store = run.data(flat)
    page = content(
        run.config, card("exemplar"), store, run.method(store), run.metrics(), run.verdict, {}, {}
    )  # fmt: skip
    (_, samples), (_, views) = page.views
    bright = np.asarray(views).reshape(8, -1).mean(1) * 255
    np.testing.assert_allclose(bright, samples.reshape(8, -1).mean(1), atol=0.6)
    assert run.energies(flat[:4]).shape == (4,)


def test_a_run_of_before_samples_were_held_out_goes_on_as_it_began(tmp_path):
    data = chance.integers(0, 256, (200, 1, 12, 12), dtype=np.uint8)
    config = prepare("rotation", data, steps=3, batch_size=16, device="cpu").config
    del config["data"]["held"]
    assert len(reassemble(config, open_data(data)).trainer.batches) == 200 // 16
    config["data"]["held"] = SHOWN
    assert reassemble(config, open_data(data)).trainer.batches.count == 200 - SHOWN
