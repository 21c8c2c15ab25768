"""Claims hold where the numbers say so, and only there."""

import pytest

from benchmarks import claims as judge


def runs(**found):
    return [{"name": name.replace("_", ", "), "found": f} for name, f in found.items()]


def holds(told):
    return [line["holds"] for line in judge.claims(told)]


@pytest.mark.parametrize(("right", "held"), [(84.9, False), (85.0, True)])
def test_rotation_must_be_right_in_85_of_100(right, held):
    assert holds(runs(rotation={"accuracy": right})) == [held]


def test_a_puzzle_is_measured_by_its_own_chance():
    assert holds(runs(jigsaw={"accuracy": 4.9, "chance": 1})) == [False]
    assert holds(runs(jigsaw={"accuracy": 4.9, "chance": 0.4})) == [True]


def test_a_flip_is_told_one_way_and_not_the_other():
    of = {"1": 98.0, "3": 97.0, "6": 95.0}
    left = {"1": 55.0, "3": 73.0, "6": 74.0}
    found = {"up-down": 96.0, "left-right": 60.0}
    found |= {"up-down by class": of, "left-right by class": left}
    assert holds(runs(flips=found)) == [True, True, True, False]  # 74 is over half the way to 95


def test_a_critic_needs_the_run_without_one():
    plain = {"error": 1.0, "error of the mean": 3.0, "error of the border": 0.9}
    plain |= {"gradient energy": 0.2, "true gradient energy": 1.0}
    judged = {"gradient energy": 1.7, "true gradient energy": 1.0, "critic": 95.0}
    assert holds(runs(inpainting_critic=judged)) == []
    assert holds(runs(inpainting=plain, inpainting_critic=judged)) == [True, False, True, False]
    judged["gradient energy"] = 1.9  # further above the truth than the other is below it
    assert holds(runs(inpainting=plain, inpainting_critic=judged))[2] is False


def test_colours_must_beat_both_answers_by_a_tenth():
    bins = {"error": 0.91, "error of the mean": 1.0, "error of grey": 2.0}
    bins |= {"chroma": 5.0, "true chroma": 6.0}
    l2 = bins | {"error": 0.89, "chroma": 4.0}
    told = [
        {"name": "colorization, sprites", "found": bins},
        {"name": "colorization by l2, sprites", "found": l2},
    ]
    assert holds(told) == [False, True, True, True, True]
    l2["chroma"] = 5.5
    assert holds(told)[-1] is False
    assert judge.bad_cases(told)[0]["measured"].startswith("92 %")


def test_exemplar_must_beat_the_untrained_network_and_pixels_at_pairs():
    found = {"accuracy": 0.99, "chance": 0.05, "pairs": 30.0, "pairs, chance": 0.1}
    found |= {"pairs, untrained": 20.0, "pairs, pixels": 31.0}
    assert holds(runs(exemplar=found)) == [False, False]
    found |= {"accuracy": 1.0, "pairs, pixels": 29.0}
    assert holds(runs(exemplar=found)) == [True, True]


def test_bigan_is_asked_for_its_own_image_a_fair_game_and_true_steepness():
    found = {"error": 0.08, "error of the mean": 0.09, "error of another": 0.07, "own": 20.0}
    found |= {"own, chance": 1.0, "critic": {"real": 95.0, "made": 95.0, "both": 95.0}}
    found |= {"gradient energy": 1.26, "true gradient energy": 1.0}
    assert holds(runs(bigan=found)) == [True, False, True, False, False]
    found |= {"own": 19.9, "critic": {"both": 51.0}, "gradient energy": 0.75}
    assert holds(runs(bigan=found)) == [True, False, False, True, True]


def test_joined_halves_must_beat_each_the_autoencoder_and_the_untrained_network():
    half = {"error": 1.0, "error of the mean": 2.0}
    scores = {"encoder": 70.0, "coarse": 69.0, "fine": 71.0, "untrained": 68.0}
    told = [
        {"name": "split-brain", "found": {"coarse": half, "fine": half, "10 labels": scores}},
        {"name": "autoencoder, as wide", "found": {"10 labels": {"encoder": 70.5}}},
    ]
    assert holds(told) == [True, True, True, False, False, True]
    assert judge.claims(told)[2]["claim"].endswith("against coarse alone")
