import dataclasses
import re

import numpy as np

from unlabeled.report.scatter import apart, scatter
from unlabeled.report.things import Map

chance = np.random.default_rng(0)


def test_drawn_samples_do_not_cover_one_another_and_none_could_be_added():
    places = chance.random((300, 2)) * 400
    sizes = [(30.0, 20.0) if i % 2 else (60.0, 14.0) for i in range(300)]
    chosen = apart(places, sizes)
    covers = lambda i, j: all(
        abs(places[i][k] - places[j][k]) < (sizes[i][k] + sizes[j][k]) / 2 + 0.5 for k in (0, 1)
    )
    assert not any(covers(i, j) for i in chosen for j in chosen if i < j)
    assert all(any(covers(i, j) for j in chosen) for i in set(range(300)) - chosen)


def test_every_sample_is_a_dot_or_drawn(images):
    drawn = scatter(dataclasses.replace(images.map, labels=()))
    assert drawn.count("<circle") + drawn.count('class="thumb') == 24
    assert "legend" not in drawn


def test_one_scale_for_both_directions():
    corners = np.array([[0, 0], [4, 0], [0, 1], [4, 1]])
    shown = scatter(Map(points=corners, things=["a", "b", "c", "d"], how=""))
    at = [(float(x), float(y)) for x, y in re.findall(r'<text x="([\d.]+)" y="([\d.]+)"', shown)]
    assert abs((at[1][0] - at[0][0]) / (at[2][1] - at[0][1]) - 4) < 0.01


def test_labels_are_colours_up_to_a_number():
    def shown(kinds: int) -> str:
        labels = [f"label {i % kinds}" for i in range(40)]
        return scatter(
            Map(points=chance.random((40, 2)), things=["word"] * 40, how="", labels=labels)
        )

    assert shown(10).count("<li") == 10
    assert "hollow" in shown(10)
    assert "hollow" not in shown(8)
    assert shown(17).count("<li") == 0
    assert shown(1).count("<li") == 0


def test_one_point_is_a_small_map():
    shown = scatter(Map(points=np.zeros((50, 2)), things=np.zeros((50, 1, 5, 5)), how=""))
    height = re.search(r'viewBox="0 0 \d+ (\d+)"', shown)
    assert height is not None
    assert int(height[1]) < 200
    assert shown.count('class="thumb') == 1
    assert "nan" not in shown
