"""What can be searched, what is refused, and what makes two searches the same."""

from dataclasses import replace

import numpy as np
import pytest
from smallruns import QUICK, SMALL
from smallsearches import search_of

from onedheat.crossval.search import Search
from onedheat.errors import DataError
from onedheat.presets import Preset
from onedheat.training.settings import differences

PRESET = Preset(SMALL, QUICK, "")


def test_a_value_reaches_the_network_the_recipe_or_the_augmentation(faces):
    for setting, texts, read in (
        ("gamma", ["0.1", "1.0"], lambda preset: preset.detector.gamma),
        ("learning_rate", ["1e-4", "0.001"], lambda preset: preset.train.learning_rate),
        ("passes", ["2", "5"], lambda preset: preset.train.passes),
        ("rotation", ["10", "34"], lambda preset: preset.train.augment.rotation),
        ("bins", ["16", "32"], lambda preset: preset.detector.bins),
    ):
        search = Search.of(PRESET, faces, setting, texts, 2)
        assert [read(search.at(value)) for value in search.values] == [float(t) for t in texts]
        assert all(type(value) is type(read(PRESET)) for value in search.values)


@pytest.mark.parametrize(
    "setting, texts, folds, words",
    [
        ("gama", ["0.1"], 2, "one of these keys: .*gamma"),
        ("loss", ["0.1"], 2, "'l2', and only numbers are searched"),
        ("ema_warmup", ["1"], 2, "True, and only numbers are searched"),
        ("as_dict", ["1"], 2, "--search as_dict: expected one of these keys: .*gamma"),
        ("gamma", ["0.1", "many"], 2, "--values many: gamma must be a number, got 'many'"),
        ("gamma", ["0.1", " "], 2, "--values 0.1, : a value is empty"),
        ("passes", ["1", "1.5"], 2, "--values 1.5: passes must be a whole number, got '1.5'"),
        ("gamma", ["nan"], 2, "--values nan: gamma must be a finite number"),
        ("learning_rate", ["inf", "0.1"], 2, "--values inf: learning_rate must be a finite number"),
        ("save_minutes", ["nan", "1"], 2, "--values nan: save_minutes must be a finite number"),
        ("seed", ["-1", "1"], 2, "--values -1: seed must be from 0"),
        ("gamma", ["-1"], 2, "gamma must not be negative"),
        ("gamma", ["0.1", "0.10"], 2, "each of them once"),
        ("gamma", [], 2, "at least one value"),
        ("gamma", ["0.1"], 1, "--folds 1: at least 2"),
        ("batch_size", ["8", "400"], 2, "do not fill one batch of 400"),
        ("accumulate", ["1", "3"], 2, "a batch of 8 faces cannot be split .* of accumulate=3"),
    ],
)
def test_what_cannot_be_searched_is_refused_before_anything_is_trained(
    faces, setting, texts, folds, words
):
    with pytest.raises((ValueError, DataError), match=words):
        Search.of(PRESET, faces, setting, texts, folds)


def test_a_batch_that_cannot_be_split_is_refused_whichever_of_the_two_is_searched(faces):
    halved = replace(PRESET, train=replace(QUICK, accumulate=2))
    assert Search.of(halved, faces, "batch_size", ["4", "6"], 2).values == (4, 6)
    with pytest.raises(DataError, match="a batch of 5 faces cannot be split .* of accumulate=2"):
        Search.of(halved, faces, "batch_size", ["4", "5"], 2)


def test_a_size_that_no_detector_can_have_is_refused_before_anything_is_trained(faces):
    with pytest.raises(
        ValueError, match="^--values 48: .*size must be a power of two.* take 32 or 64"
    ):
        Search.of(PRESET, faces, "size", ["32", "48"], 2)


def test_all_values_are_trained_on_one_fold_before_the_next(faces):
    search = search_of(faces, ["0.4", "0.1"], folds=3)
    assert search.places == [(0.1, 1), (0.4, 1), (0.1, 2), (0.4, 2), (0.1, 3), (0.4, 3)]


def test_a_search_is_the_same_whatever_its_own_value_and_wherever_its_photos_lie(faces):
    search = search_of(faces)
    moved = tuple(replace(sample, source=faces.samples[0].source) for sample in faces.samples)
    same = [
        search_of(faces, ["0.4", "0.0"]),
        search_of(replace(faces, samples=moved)),
        replace(search, preset=replace(search.preset, detector=replace(SMALL, gamma=0.9))),
        search_of(faces, workers=2, save_minutes=1.0),
    ]
    assert all(differences(search.as_json(), other.as_json()) == [] for other in same)


def test_what_differs_between_two_searches_is_named(faces):
    there = search_of(faces).as_json()
    fewer = replace(faces, samples=faces.samples[:-1])
    moved = list(faces.samples)
    moved[3] = replace(moved[3], landmarks=moved[3].landmarks + 0.01)
    for other, words in (
        (search_of(faces, ["0", "0.5"]), "values: [0.0, 0.4] there, [0.0, 0.5] asked for"),
        (search_of(faces, folds=3), "folds: 2 there, 3 asked for"),
        (search_of(faces, passes=4), "train.passes: 1 there, 4 asked for"),
        (search_of(fewer), "data.faces: 24 there, 23 asked for"),
        (search_of(replace(faces, samples=tuple(moved))), "data: other faces or labels there"),
        (Search.of(PRESET, faces, "clip", ["1"], 2), "setting: gamma there, clip asked for"),
    ):
        assert words in "; ".join(differences(there, other.as_json()))


def test_folds_have_the_seed_of_the_recipe(faces):
    def held_out(**changes):
        first = search_of(faces, **changes).divided[0].held_out
        return {sample.group for sample in first.samples}

    assert held_out() == held_out(passes=2) != held_out(seed=1)
    assert np.sum([len(fold.held_out) for fold in search_of(faces).divided]) == len(faces)
