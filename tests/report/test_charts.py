import math
import re

import numpy as np
import pytest

from unlabeled.report.charts import (
    Line,
    decades,
    digits,
    dot,
    line_chart,
    smooth,
    thin,
    tick_words,
    ticks,
)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0"), (60_000, "60,000"), (12.345, "12.3"), (-2.614, "−2.61"), (0.0312, "0.0312"),
        (1.2e-5, "1.2e−5"), (2e-4, "2e−4"), (256.0, "256"), (512.7, "513"),
        (math.nan, "not a number"), (math.inf, "infinite"),
    ],
)  # fmt: skip
def test_three_digits_that_count(value, words):
    assert digits(value) == words


@pytest.mark.parametrize("low", [-3.0, 0.0, 5.1])
@pytest.mark.parametrize("span", [1e-4, 0.3, 1.0, 7.7, 1234.0])
def test_ticks_are_round_few_and_inside(low, span):
    found = ticks(low, low + span, 4)
    steps = np.diff(found)
    assert 2 <= len(found) <= 8
    assert low - 1e-9 <= found[0]
    assert found[-1] <= low + span + 1e-9
    assert np.allclose(steps, steps[0])
    mantissa = steps[0] / 10 ** math.floor(math.log10(steps[0]) + 1e-6)
    assert min(abs(mantissa - m) for m in (1, 2, 5)) < 1e-6


def test_a_logarithmic_scale_has_powers_of_ten_or_more_where_it_is_short():
    assert decades(-3.4, 0.2) == [-3, -2, -1, 0]
    assert 10.0 ** np.array(decades(-1.1, 0.05)) == pytest.approx([0.1, 0.2, 0.5, 1])
    flat = line_chart([Line(np.arange(3), np.log10([1, 0.5, 0.25]))], label="x", log=True)
    assert re.findall(r">([\d.]+%)<", flat) == ["50%", "100%"]


def test_places_that_matter_are_marked_at_the_side_that_has_room():
    line = Line(np.arange(101), np.arange(101.0))
    drawn = line_chart([line], label="x", width=400, marks=[(10, "low", "s0"), (90, "high", "s1")])
    low, high = re.findall(r'<path d="M([\d.]+) [^"]*" class="mark (s\d)"', drawn)
    assert (low[1], high[1]) == ("s0", "s1")
    words = re.findall(r'<text x="([\d.]+)" y="[\d.]+" class="name (\w+) s\d">(\w+)<', drawn)
    assert [(side, said) for _, side, said in words] == [("start", "low"), ("end", "high")]
    assert float(words[0][0]) > float(low[0])
    assert float(words[1][0]) < float(high[0])


def test_ticks_share_their_decimals():
    assert tick_words([3.5, 4.0, 4.5]) == ["3.5", "4.0", "4.5"]
    assert tick_words([0, 500, 1000]) == ["0", "500", "1,000"]
    assert tick_words([-0.2, 0.0]) == ["−0.2", "0.0"]
    assert tick_words([0.8, 0.9], percent=True) == ["80%", "90%"]


def places(chart: str, look: str) -> list[list[tuple[float, float]]]:
    paths = re.findall(rf'<path d="M([^"]*)" class="{look}"', chart)
    return [[tuple(map(float, p.split())) for p in d.split("L")] for d in paths]


def test_a_line_is_drawn_to_scale():
    chart = line_chart([Line(np.array([0, 1, 4]), np.array([2.0, 0.0, 1.0]))], label="l")
    ((a, b, c),) = places(chart, "line s0")
    assert (c[0] - a[0]) / (b[0] - a[0]) == pytest.approx(4, abs=0.01)
    assert (b[1] - a[1]) / (c[1] - a[1]) == pytest.approx(2, abs=0.02)  # downwards is less
    assert a[1] < c[1] < b[1]


@pytest.mark.parametrize(("ends", "side"), [((3.0, 1.0), "note end"), ((1.0, 3.0), "note")])
def test_the_name_of_the_reference_stands_where_lines_leave_room(ends, side):
    line = Line(np.arange(2), np.array(ends))
    chart = line_chart([line], label="l", reference=(3.1, "supervised"))
    assert f'class="{side}">supervised<' in chart


def test_the_reference_is_inside_and_named():
    line = Line(np.arange(5), np.full(5, 1.0))
    chart = line_chart([line], label="l", reference=(3.0, "nothing: 3"))
    ((left, right),) = places(chart, "reference")
    assert left[1] == right[1] < places(chart, "line s0")[0][0][1]
    assert left[1] > 0
    assert "nothing: 3" in chart


def test_names_at_the_ends_do_not_cover_one_another():
    lines = [Line(np.arange(3), np.full(3, 1 + i / 1000), f"line {i}", f"s{i}") for i in range(3)]
    chart = line_chart([*lines, Line(np.arange(3), np.arange(3.0), "x" * 99, "s3")], label="l")
    at = [float(y) for y in re.findall(r'y="([\d.]+)" class="name', chart)]
    assert len(at) == 4
    assert min(np.diff(sorted(at))) >= 13 - 1e-6
    ends = [p[-1][0] for p in places(chart, r"line s\d")]
    assert min(ends) > 100  # a long name leaves room for the line


def test_what_is_not_finite_is_left_out():
    y = np.array([1.0, np.nan, np.inf, 2.0])
    assert len(places(line_chart([Line(np.arange(4), y)], label="l"), "line s0")[0]) == 2
    assert "Nothing finite" in line_chart([Line(np.arange(2), np.full(2, np.nan))], label="l")
    one = line_chart([Line(np.array([3]), np.array([0.5]))], label="l")
    assert "<circle" in one
    assert "nan" not in one


def test_smoothing_is_a_centred_mean():
    values = np.random.default_rng(0).standard_normal(20)
    values[[4, 5]] = np.nan
    for window in (1, 5, 99):
        half = window // 2
        expected = [np.nanmean(values[max(0, i - half) : i + half + 1]) if window > 1 else v
                    for i, v in enumerate(values)]  # fmt: skip
        assert np.allclose(smooth(values, window), expected, equal_nan=True)


def test_thinning_keeps_the_ends():
    line = thin(Line(np.arange(10_000), np.arange(10_000) * 2.0), most=400)
    assert (len(line.x), line.x[0], line.x[-1], line.y[-1]) == (400, 0, 9_999, 19_998)


def test_a_dot_stands_in_proportion():
    at = [float(re.findall(r'cx="([\d.]+)"', dot(v, 0.5, 0.9))[0]) for v in (0.5, 0.7, 0.9, 2.0)]
    assert at == [4, 50, 96, 96]
    assert "whisker" in dot(0.7, 0.5, 0.9, spread=0.05)
    assert "nan" not in dot(0.7, 0.7, 0.7)
