"""LIME against the `lime` library on the same segments, masks and kernel."""

from __future__ import annotations

import numpy as np
import pytest
from attribution_models import (
    BAD,
    both_words,
    constant,
    patch_pictures,
    picture,
    smooth_pictures,
    tangled_words,
    word_sums,
)
from lime.lime_image import LimeImageExplainer
from lime.lime_text import LimeTextExplainer

from audit.attribution.columns import columns
from audit.attribution.hiding import hidden
from audit.attribution.local_linear import LimeSettings, lime
from audit.attribution.sampling import picture_masks, word_masks
from audit.attribution.scoring import PictureScorer, TextScorer
from audit.attribution.segments import segments
from audit.attribution.words import cut

TEXT = "You are not good, you are a rude and stupid man. Not good at all, awful!"


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    """The library's progress bar."""
    monkeypatch.setattr("lime.lime_image.tqdm", lambda rows: rows)


def all_columns(model):
    names = columns(model.tasks)
    return names, lambda batch: names.of(model.predict(list(batch)))


def library_picture(model, given, labels, *, seed, samples, hide_color=None, features=100000):
    names, classify = all_columns(model)
    explainer = LimeImageExplainer(random_state=seed)
    found = explainer.explain_instance(
        given,
        classify,
        labels=range(names.k),
        top_labels=None,
        hide_color=hide_color,
        num_samples=samples,
        num_features=features,
        segmentation_fn=lambda _: labels,
        random_seed=0,
    )
    return found, names


@pytest.mark.parametrize("how", ["slic", "quickshift", "grid"])
@pytest.mark.parametrize(("colour", "hide_color"), [("mean", None), ("grey", 128)])
def test_pictures_equal_the_library(how, colour, hide_color):
    model, given = smooth_pictures(), picture()
    labels = segments(given, how, 30)
    found, names = library_picture(model, given, labels, seed=3, samples=300, hide_color=hide_color)
    scorer = PictureScorer(model, names, given, hidden(given, colour, labels), labels)
    settings = LimeSettings(samples=300, seed=3, adaptive=False)
    mine = lime(scorer.masked, labels.max() + 1, names.names, "image", settings)
    for column in range(names.k):
        theirs = np.zeros(labels.max() + 1)
        for feature, weight in found.local_exp[column]:
            theirs[feature] = weight
        np.testing.assert_allclose(mine.weights[:, column], theirs, atol=1e-9)
        np.testing.assert_allclose(mine.base[column], found.intercept[column], atol=1e-9)
    # the library keeps R² and local prediction of the last label only
    np.testing.assert_allclose(mine.fit[-1], found.score, atol=1e-9)


def test_the_library_s_choice_of_picture_features():
    model, given = smooth_pictures(), picture()
    labels = segments(given, "grid", 30)
    for features in (3, 6, 7, 12):
        found, names = library_picture(model, given, labels, seed=1, samples=200, features=features)
        scorer = PictureScorer(model, names, given, hidden(given, "mean", labels), labels)
        settings = LimeSettings(samples=200, seed=1, adaptive=False, features=features)
        mine = lime(scorer.masked, labels.max() + 1, names.names, "image", settings)
        for column in range(names.k):
            theirs = dict(found.local_exp[column])
            assert set(np.flatnonzero(mine.weights[:, column])) == set(theirs)
            for feature, weight in theirs.items():
                assert mine.weights[feature, column] == pytest.approx(weight, abs=1e-9)


@pytest.mark.parametrize("bow", [True, False])
@pytest.mark.parametrize("features", [4, 10, 100])
def test_texts_equal_the_library(bow, features):
    model = tangled_words()
    names, classify = all_columns(model)
    explainer = LimeTextExplainer(bow=bow, random_state=5)
    found = explainer.explain_instance(
        TEXT, classify, labels=range(names.k), num_features=features, num_samples=400
    )
    words = cut(TEXT, positions=not bow, hide="remove" if bow else "mask")
    scorer = TextScorer(model, names, words)
    settings = LimeSettings(samples=400, seed=5, adaptive=False, features=features)
    mine = lime(scorer.masked, words.n, names.names, "text", settings)
    for column in range(names.k):
        theirs = np.zeros(words.n)
        for feature, weight in found.local_exp[column]:
            theirs[feature] = weight
        np.testing.assert_allclose(mine.weights[:, column], theirs, atol=1e-9)
        np.testing.assert_allclose(mine.base[column], found.intercept[column], atol=1e-9)


def test_equal_texts_are_scored_once():
    model = word_sums()
    names, _ = all_columns(model)
    words = cut("a rude man", positions=True)
    scorer = TextScorer(model, names, words)
    mine = lime(scorer.masked, words.n, names.names, "text", LimeSettings(samples=500, adaptive=False))
    assert mine.samples == 500
    assert model.seen == scorer.passes == 8


def test_a_linear_model_of_words_has_its_own_weights():
    model = word_sums()
    names, _ = all_columns(model)
    words = cut("a rude man said awful things to kind people")
    mine = lime(TextScorer(model, names, words).masked, words.n, names.names, "text")
    expected = np.array([BAD.get(word, 0.0) for word in words.names])
    # the ridge, lime's own, pulls every weight towards 0
    np.testing.assert_allclose(mine.of("toxic"), expected, atol=0.1)
    np.testing.assert_allclose(mine.of("length"), 1.0, atol=0.1)
    assert mine.fit.min() > 0.99
    assert mine.settled
    assert mine.samples < 1000


def test_both_words_of_an_and_share_the_credit():
    model = both_words()
    names, _ = all_columns(model)
    words = cut("it is not very good at all today")
    mine = lime(TextScorer(model, names, words).masked, words.n, names.names, "text").of("toxic")
    order = [words.names[i] for i in np.argsort(-mine)]
    assert set(order[:2]) == {"not", "good"}
    assert mine.max() < 1


def test_a_planted_patch_is_found():
    model, given = patch_pictures(), picture(64, 64)
    given[:8, :8] = 255
    labels = segments(given, "grid", 64)
    names, _ = all_columns(model)
    scorer = PictureScorer(model, names, given, hidden(given, "grey"), labels)
    mine = lime(scorer.masked, 64, names.names, "image").of("marked")
    assert np.argmax(mine) == labels[0, 0]
    assert np.abs(np.delete(mine, labels[0, 0])).max() < 0.02


def test_a_constant_model_has_no_fit_and_no_weights():
    model, given = constant("image"), picture(24, 24)
    labels = segments(given, "grid", 16)
    names, _ = all_columns(model)
    scorer = PictureScorer(model, names, given, hidden(given, "grey"), labels)
    mine = lime(scorer.masked, 16, names.names, "image")
    assert np.all(mine.weights == 0)
    assert np.isnan(mine.fit).all()
    assert mine.samples == 128
    assert mine.settled


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_a_text_without_words_has_no_features(text):
    model = word_sums()
    names, _ = all_columns(model)
    words = cut(text)
    mine = lime(TextScorer(model, names, words).masked, words.n, names.names, "text")
    assert mine.weights.shape == (0, 2)
    np.testing.assert_allclose(mine.score, [0.1, 0])


def test_one_word_as_in_the_library_is_almost_nothing_for_the_ridge():
    model = word_sums()
    names, classify = all_columns(model)
    found = LimeTextExplainer(random_state=0).explain_instance(
        "awful", classify, labels=(0,), num_samples=128
    )
    words = cut("awful")
    model.seen = 0
    mine = lime(TextScorer(model, names, words).masked, words.n, names.names, "text")
    assert model.seen == 2
    assert mine.samples == 128
    assert mine.of("toxic")[0] == pytest.approx(found.local_exp[0][0][1], abs=1e-9)
    assert 0 < mine.of("toxic")[0] < 0.05


def test_a_text_of_signs_is_cut_at_its_spaces():
    assert cut("😀😀 👍 !!").names == ("😀😀", "👍", "!!")


def test_two_thousand_words():
    model = word_sums()
    names, _ = all_columns(model)
    words = cut("awful " + " ".join(f"w{i}" for i in range(1999)))
    settings = LimeSettings(samples=300, replicates=0, adaptive=False)
    mine = lime(TextScorer(model, names, words).masked, words.n, names.names, "text", settings)
    assert mine.weights.shape == (2000, 2)
    assert np.argmax(mine.of("toxic")) == 0


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (1, 40)])
def test_tiny_pictures(shape):
    model, given = smooth_pictures(), picture(*shape)
    labels = segments(given)
    names, _ = all_columns(model)
    scorer = PictureScorer(model, names, given, hidden(given, "mean", labels), labels)
    mine = lime(scorer.masked, int(labels.max()) + 1, names.names, "image")
    assert np.isfinite(mine.weights).all()


def test_a_picture_of_one_colour_changes_nothing_when_it_is_hidden_by_its_mean():
    model, given = smooth_pictures(), np.full((32, 32, 3), 90, np.uint8)
    labels = segments(given)
    names, _ = all_columns(model)
    scorer = PictureScorer(model, names, given, hidden(given, "mean", labels), labels)
    mine = lime(scorer.masked, int(labels.max()) + 1, names.names, "image")
    assert np.all(mine.weights == 0)
    assert np.isnan(mine.fit).all()


def test_masks_are_those_of_the_library():
    rng = np.random.RandomState(9)
    theirs = rng.randint(0, 2, 20 * 7).reshape(20, 7)
    theirs[0] = 1
    np.testing.assert_array_equal(picture_masks(20, 7, 9), theirs == 1)
    rng = np.random.RandomState(9)
    expected = np.ones((20, 7), bool)
    for row, size in enumerate(rng.randint(1, 8, 19), start=1):
        expected[row, rng.choice(range(7), size, replace=False)] = False
    np.testing.assert_array_equal(word_masks(20, 7, 9), expected)
