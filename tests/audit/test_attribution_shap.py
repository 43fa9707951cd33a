"""Shapley and Owen values against the `shap` library."""

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

from audit.attribution.columns import columns
from audit.attribution.hiding import hidden
from audit.attribution.libraries import shap_library
from audit.attribution.methods import MethodSettings, explain_picture, explain_text
from audit.attribution.owen import OwenSettings
from audit.attribution.scoring import PictureScorer, TextScorer
from audit.attribution.segments import grid, segments
from audit.attribution.trees import WordTree
from audit.attribution.words import cut
from audit.errors import InputError

shap = shap_library()
TEXT = "You are not good, you are a rude and stupid man. Not good at all, awful"


def of_text(model, text, **how):
    return TextScorer(model, columns(model.tasks), cut(text, **how))


def of_picture(model, given, colour="blur", wanted=20):
    labels = grid(*given.shape[:2], wanted)
    return PictureScorer(model, columns(model.tasks), given, hidden(given, colour, labels), labels)


def settings(evaluations=500, batch=10, engine="plumbline"):
    return MethodSettings(shap=OwenSettings(evaluations=evaluations, batch=batch), engine=engine)


@pytest.mark.parametrize("features", [1, 2, 5, 10])
def test_exact_values_equal_the_library(features):
    scorer = of_text(tangled_words(), " ".join(TEXT.split()[:features]))
    mine = explain_text(scorer, "shapley")

    def model(masks):
        return scorer.masked(masks.astype(bool))

    exact = shap.explainers.Exact(model, np.zeros((1, features)))
    theirs = exact(np.ones((1, features)), silent=True)
    np.testing.assert_allclose(mine.weights, theirs.values[0], atol=1e-9)
    np.testing.assert_allclose(mine.base, theirs.base_values[0], atol=1e-9)


def test_exact_values_of_superpixels_add_up():
    scorer = of_picture(smooth_pictures(), picture(), wanted=9)
    mine = explain_picture(scorer, "shapley")
    np.testing.assert_allclose(mine.base + mine.weights.sum(axis=0), mine.score, atol=1e-9)
    assert mine.passes == 2 ** mine.weights.shape[0]


def test_too_many_features_for_exact_values():
    with pytest.raises(InputError, match="at most 10 features; these are 11"):
        explain_text(of_text(word_sums(), " ".join("abcdefghijk")), "shapley")


@pytest.mark.parametrize("evaluations", [2, 3, 10, 57, 200, 500, 100_000])
@pytest.mark.parametrize("hide", ["remove", "mask", "ellipsis"])
def test_texts_equal_the_library_at_every_budget(evaluations, hide):
    mine = explain_text(of_text(tangled_words(), TEXT, hide=hide), "shap", settings(evaluations, 6))
    theirs = explain_text(of_text(tangled_words(), TEXT, hide=hide), "shap", settings(evaluations, 6, "shap"))
    np.testing.assert_allclose(mine.weights, theirs.weights, atol=1e-6)
    np.testing.assert_allclose(mine.base, theirs.base, atol=1e-9)
    np.testing.assert_allclose(mine.base + mine.weights.sum(axis=0), mine.score, atol=1e-9)


def test_texts_equal_the_library_s_own_text_masker():
    model = tangled_words()
    names = columns(model.tasks)
    explainer = shap.explainers.Partition(
        lambda batch: names.of(model.predict(list(batch))), shap.maskers.Text()
    )
    theirs = explainer([TEXT], max_evals=300, batch_size=6, silent=True)
    mine = explain_text(of_text(model, TEXT, hide="ellipsis"), "shap", settings(300, 6))
    np.testing.assert_allclose(mine.weights, theirs.values[0], atol=1e-6)


@pytest.mark.parametrize("evaluations", [2, 31, 100, 500, 1500])
def test_pictures_equal_the_library_at_every_budget(evaluations):
    mine = explain_picture(of_picture(smooth_pictures(), picture()), "shap", settings(evaluations))
    theirs = explain_picture(
        of_picture(smooth_pictures(), picture()), "shap", settings(evaluations, engine="shap")
    )
    np.testing.assert_allclose(mine.weights, theirs.weights, atol=1e-6)
    np.testing.assert_allclose(mine.base, theirs.base, atol=1e-9)


def test_a_small_picture_followed_to_its_end_equals_the_library_with_channels_added():
    mine = explain_picture(of_picture(smooth_pictures(), picture(4, 5)), "shap", settings(100_000))
    theirs = explain_picture(
        of_picture(smooth_pictures(), picture(4, 5)), "shap", settings(100_000, engine="shap")
    )
    assert mine.settled
    np.testing.assert_allclose(mine.weights, theirs.weights, atol=1e-6)


def test_large_batches_change_only_what_the_budget_reached():
    every = explain_picture(of_picture(smooth_pictures(), picture(6, 6)), "shap", settings(100_000, 10))
    large = explain_picture(of_picture(smooth_pictures(), picture(6, 6)), "shap", settings(100_000, 64))
    np.testing.assert_allclose(large.weights, every.weights, atol=1e-12)


def test_trees_of_words_equal_the_library_s():
    rng = np.random.default_rng(0)
    pool = [
        "it",
        "'",
        "s",
        "t",
        "and",
        "but",
        ",",
        ".",
        "?",
        "(",
        ")",
        "[CLS]",
        "[SEP]",
        "##ly",
        "word",
        "",
        "long",
    ]
    for _ in range(300):
        words = [str(word) for word in rng.choice(pool, rng.integers(1, 25))]
        theirs = shap.maskers._text.partition_tree(words, [])[:, :2].astype(int)
        assert WordTree(words).clustering == [tuple(pair) for pair in theirs.tolist()]


def test_a_linear_model_has_its_own_values():
    scorer = of_text(word_sums(), "a rude man said awful things to kind people")
    mine = explain_text(scorer, "shap")
    expected = [BAD.get(word, 0.0) for word in scorer.words.names]
    np.testing.assert_allclose(mine.of("toxic"), expected, atol=1e-12)
    np.testing.assert_allclose(mine.of("length"), 1.0, atol=1e-12)


@pytest.mark.parametrize("method", ["shap", "shapley"])
def test_both_words_of_an_and_have_one_half_each(method):
    mine = explain_text(of_text(both_words(), "it is not very good"), method).of("toxic")
    np.testing.assert_allclose(mine, [0, 0, 0.5, 0, 0.5], atol=1e-12)


def test_a_planted_patch_has_all_the_value():
    given = picture(64, 64)
    given[:8, :8] = 255
    mine = explain_picture(of_picture(patch_pictures(), given, "grey"), "shap").of("marked").reshape(64, 64)
    assert mine[:8, :8].sum() == pytest.approx(127 / 255, abs=1e-9)
    assert np.abs(mine).sum() == pytest.approx(127 / 255, abs=1e-9)


@pytest.mark.parametrize("method", ["lime", "shap", "shapley"])
def test_a_constant_model_gives_zeros(method):
    mine = explain_text(of_text(constant("text"), "one two three"), method)
    np.testing.assert_allclose(mine.weights, 0, atol=1e-15)
    scorer = of_picture(constant("image"), picture(20, 20), wanted=9)
    np.testing.assert_allclose(explain_picture(scorer, method).weights, 0, atol=1e-15)


@pytest.mark.parametrize("method", ["lime", "shap", "shapley"])
def test_no_words_no_weights(method):
    mine = explain_text(of_text(word_sums(), " "), method)
    assert mine.method == method
    assert mine.weights.shape == (0, 2)


@pytest.mark.parametrize("method", ["shap", "shapley"])
def test_one_word_has_the_whole_difference(method):
    mine = explain_text(of_text(word_sums(), "awful"), method)
    assert mine.of("toxic")[0] == pytest.approx(0.5)
    assert mine.passes == 2


@pytest.mark.parametrize("shape", [(1, 1), (2, 3), (1, 40)])
def test_tiny_pictures_have_values(shape):
    mine = explain_picture(of_picture(smooth_pictures(), picture(*shape)), "shap")
    np.testing.assert_allclose(mine.base + mine.weights.sum(axis=0), mine.score, atol=1e-9)


def test_two_thousand_words_stay_within_the_budget():
    text = "awful " + " ".join(f"w{i}" for i in range(1999))
    mine = explain_text(of_text(word_sums(), text), "shap", settings(500, 64))
    assert mine.weights.shape == (2000, 2)
    assert mine.samples <= 501
    assert not mine.settled
    assert np.argmax(mine.of("toxic")) == 0


@pytest.mark.parametrize("engine", ["lime", "shap"])
def test_the_libraries_are_selectable(engine):
    mine = explain_text(of_text(word_sums(), TEXT), engine, MethodSettings(engine=engine))
    assert mine.engine == engine
    given = picture(32, 32)
    labels = segments(given)
    model = smooth_pictures()
    scorer = PictureScorer(model, columns(model.tasks), given, hidden(given, "blur"), labels)
    theirs = explain_picture(scorer, engine, MethodSettings(engine=engine))
    ours = explain_picture(scorer, engine, MethodSettings(shap=OwenSettings(batch=64)))
    assert theirs.engine == engine
    if engine == "shap":
        np.testing.assert_allclose(theirs.weights, ours.weights, atol=1e-6)
    else:
        assert np.corrcoef(theirs.of("gender"), ours.of("gender"))[0, 1] > 0.9


@pytest.mark.parametrize(
    ("method", "engine", "message"),
    [
        ("shape", "plumbline", "one of lime, shap, shapley; this is 'shape'"),
        ("lime", "captum", "one of plumbline, lime, shap; this is 'captum'"),
        ("lime", "shap", "the library 'shap' has no method 'lime' here"),
    ],
)
def test_unknown_methods_are_refused(method, engine, message):
    with pytest.raises(InputError, match=message):
        explain_text(of_text(word_sums(), TEXT), method, MethodSettings(engine=engine))


def test_owen_values_need_positions():
    with pytest.raises(InputError, match="every position"):
        explain_text(of_text(word_sums(), "a b a", positions=False), "shap")
