"""The numbers that say how far an explanation can be believed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from attribution_models import NUMBER, YES_NO, FakeModel, picture, tangled_words, word_sums
from scipy.stats import spearmanr

from audit.attribution.agreement import rank_correlation, top, top_overlap
from audit.attribution.columns import columns
from audit.attribution.curves import CurveSettings, curves
from audit.attribution.gradients import explains, over_words, picture_gradients, text_gradients
from audit.attribution.local_linear import LimeSettings, lime
from audit.attribution.random_weights import random_weights
from audit.attribution.scoring import TextScorer
from audit.attribution.segments import grid
from audit.attribution.surrogate import refits
from audit.attribution.trust import Doubt, Trust, TrustLimits, likeness
from audit.attribution.words import cut

TEXT = "You are not good and you are a rude stupid man who said awful things at all"


def linear(weights):
    weights = np.asarray(weights, float)
    return lambda masks: masks @ weights[:, None]


def test_areas_of_a_linear_model_by_hand():
    found = curves(linear([3.0, 1.0, 0.0]), np.array([[3.0], [1.0], [0.0]]), CurveSettings(steps=3))
    # deletion 4, 1, 0, 0 and insertion 0, 3, 4, 4 at thirds
    assert found.deletion[0] == pytest.approx((4 / 2 + 1 + 0) / 3)
    assert found.insertion[0] == pytest.approx((0 + 3 + 4 + 4 / 2) / 3)


def test_no_order_beats_the_true_one():
    weights = np.array([5.0, -2.0, 1.0, 0.5])
    areas = []
    for order in itertools.permutations(range(4)):
        found = curves(linear(weights), -np.argsort(order)[:, None].astype(float), CurveSettings(steps=4))
        areas.append(found.gain[0])
    best = curves(linear(weights), weights[:, None], CurveSettings(steps=4))
    assert best.gain[0] == pytest.approx(max(areas))
    assert best.beaten[0] >= 0.9
    worst = curves(linear(weights), -weights[:, None], CurveSettings(steps=4))
    assert worst.beaten[0] == 0


def test_random_orders_gain_nothing_on_average():
    rng = np.random.default_rng(0)
    weights = rng.normal(size=12)
    found = curves(linear(weights), weights[:, None], CurveSettings(random_orders=4000))
    spread = found.random[:, 0].std() / np.sqrt(4000)
    assert abs(found.random[:, 0].mean()) < 4 * spread
    assert found.gain[0] > found.random[:, 0].max()


def test_curves_without_features_or_orders():
    nothing = curves(lambda masks: np.ones((len(masks), 2)), np.zeros((0, 2)))
    np.testing.assert_array_equal(nothing.gain, 0)
    none = curves(linear([1.0, 2.0]), np.ones((2, 1)), CurveSettings(random_orders=0))
    assert np.isnan(none.beaten).all()


def test_rank_correlation_is_scipy_s():
    rng = np.random.default_rng(1)
    a, b = rng.integers(0, 5, (2, 20, 9)).astype(float)
    for one, two, mine in zip(a, b, rank_correlation(a, b), strict=True):
        assert mine == pytest.approx(spearmanr(one, two)[0])
    assert np.isnan(rank_correlation(np.zeros(5), np.arange(5.0)))
    assert np.isnan(rank_correlation(np.zeros(1), np.zeros(1)))


def test_top_overlap_without_ties_is_a_share_of_sets():
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=(2, 50, 12))
    mine = top_overlap(a, b, 5, ties=0.0)
    for one, two, share in zip(a, b, mine, strict=True):
        assert share == len(set(top(one)) & set(top(two))) / 5
    assert top_overlap(a, a).min() == 1
    assert np.isnan(top_overlap(np.zeros(0), np.zeros(0)))


def test_features_that_hardly_differ_are_interchangeable():
    a = np.array([1.0, 0.8, 0.001, 0.0, 0.0])
    b = np.array([0.9, 0.8, 0.0, 0.0, 0.001])
    assert top_overlap(a, b, 3, ties=0.0) == pytest.approx(2 / 3)
    assert top_overlap(a, b, 3) == 1


def test_estimated_stability_is_that_of_real_runs():
    """Refits on drawn samples say how alike two runs are, which ten real runs confirm."""
    model = tangled_words()
    names = columns(model.tasks)
    words = cut(TEXT)
    for samples in (60, 400):
        runs, said = [], []
        for seed in range(10):
            settings = LimeSettings(samples=samples, seed=seed, adaptive=False)
            found = lime(TextScorer(model, names, words).masked, words.n, names.names, "text", settings)
            runs.append(found.weights)
            said.append(found.stability.overlap)
        real = likeness(np.array(runs)).overlap
        np.testing.assert_allclose(np.mean(said, axis=0), real, atol=0.12)


def test_refits_at_once_are_the_single_ones(monkeypatch):
    rng = np.random.default_rng(0)
    masks, scores, weights = rng.random((200, 12)) < 0.5, rng.normal(size=(200, 3)) + 40, rng.random(200)
    at_once = refits(masks, scores, weights, 7, seed=4)
    monkeypatch.setattr("audit.attribution.surrogate.PAIRS", 0)
    np.testing.assert_allclose(at_once, refits(masks, scores, weights, 7, seed=4), atol=1e-10)


def test_sampling_goes_on_until_it_is_stable():
    model = tangled_words()
    names = columns(model.tasks)
    words = cut(TEXT)
    scorer = TextScorer(model, names, words)
    easy = lime(scorer.masked, words.n, names.names, "text", LimeSettings(overlap=0.5))
    hard = lime(scorer.masked, words.n, names.names, "text", LimeSettings(overlap=1.01))
    assert easy.settled
    assert easy.samples < 1000 == hard.samples
    assert not hard.settled


def test_likeness_of_methods():
    several = np.array([[1.0, 2, 3], [1, 2, 3], [3, 2, 1]])[:, :, None]
    found = likeness(several)
    assert found.correlation[0] == pytest.approx((1 - 1 - 1) / 3)
    assert np.isnan(likeness(np.zeros((2, 4, 1))).correlation[0])


class Twin(FakeModel):
    """Random weights give other word weights; or the same, where the model is a fraud."""

    def __init__(self, seed=0, fraud=False):
        self.own, self.fraud = seed, fraud

        def score(batch):
            return {"toxic": [sum(np.sin((seed + 1) * sum(map(ord, w))) for w in t.split()) for t in batch]}

        super().__init__("text", {"toxic": NUMBER}, score)

    def randomised(self, seed):
        return Twin(0 if self.fraud else seed, self.fraud)


def explain_words(model, _):
    names, words = columns(model.tasks), cut(TEXT)
    settings = LimeSettings(samples=300, adaptive=False, replicates=0)
    return lime(TextScorer(model, names, words).masked, words.n, names.names, "text", settings).weights


def test_random_weights_change_the_explanation():
    found = random_weights(Twin(), explain_words, [0, 1])
    assert found.examples == 2
    assert abs(found.correlation[0]) < 0.5
    fraud = random_weights(Twin(fraud=True), explain_words, [0])
    assert fraud.correlation[0] == pytest.approx(1)
    assert fraud.overlap[0] == 1


def test_a_model_without_a_random_twin_is_not_checked():
    assert random_weights(word_sums(), explain_words, [0]) is None


GOOD = {"features": 9, "varies": True, "fit": 0.9, "overlap": 0.9, "beaten": 1.0, "agreement": 0.8}


@pytest.mark.parametrize(
    ("change", "doubts"),
    [
        ({}, ()),
        ({"features": 0}, (Doubt.NO_FEATURES,)),
        ({"varies": False, "fit": 0.0}, (Doubt.FLAT,)),
        ({"fit": 0.49}, (Doubt.POOR_FIT,)),
        ({"fit": 0.5}, ()),
        ({"overlap": 0.69}, (Doubt.UNSTABLE,)),
        ({"beaten": 0.8, "agreement": 0.2}, (Doubt.NOT_BETTER_THAN_RANDOM, Doubt.METHODS_DISAGREE)),
        ({"random_weights": 0.51}, (Doubt.SURVIVES_RANDOM_WEIGHTS,)),
        ({"fit": None, "overlap": None, "beaten": None, "agreement": None}, ()),
    ],
)
def test_doubts(change, doubts):
    assert Trust(**(GOOD | change)).doubts(TrustLimits()) == doubts


def test_tokens_count_for_the_word_in_which_they_begin():
    #   "Not  nice!" with tokens [CLS] no t nice ! [SEP]
    tokens = [(0, 0), (0, 2), (2, 3), (5, 9), (9, 10), (0, 0)]
    words = [(0, 3), (5, 9)]
    np.testing.assert_array_equal(over_words(np.arange(1.0, 7), tokens, words), [2 + 3, 4])
    np.testing.assert_array_equal(over_words(np.zeros(0), [], words), [0, 0])


class Pictures(FakeModel):
    def __init__(self):
        super().__init__("image", {"a": YES_NO, "b": NUMBER}, lambda batch: {})

    def explain(self, batch, output, method):
        return [p.astype(float) * (1 if output == "a" else -2) for p in batch]


def test_maps_are_summed_over_superpixels():
    given = [picture(12, 10), picture(9, 9, 1)]
    labels = [grid(*p.shape[:2], 6) for p in given]
    model = Pictures()
    assert explains(model, "image")
    assert not explains(model, "text")
    found = picture_gradients(model, columns(model.tasks), given, labels, "grad_cam")
    for p, cut_, values in zip(given, labels, found, strict=True):
        for s in range(cut_.max() + 1):
            assert values[s].tolist() == [p[cut_ == s].sum(), -2.0 * p[cut_ == s].sum()]


class Texts(FakeModel):
    def __init__(self):
        super().__init__("text", {"toxic": YES_NO}, lambda batch: {})

    def explain(self, batch, output, method):
        return [np.arange(len(spans), dtype=float) for spans in self.spans(batch)]

    def spans(self, batch):
        return [[(0, 0), *[(i, i + 1) for i, c in enumerate(text) if c != " "]] for text in batch]


def test_token_attributions_are_summed_over_words_and_their_places():
    model = Texts()
    assert explains(model, "text")
    words = [cut("ab c ab", positions=False), cut("")]
    found = text_gradients(model, columns(model.tasks), words, "gradient_x_input")
    np.testing.assert_array_equal(found[0][:, 0], [1 + 2 + 4 + 5, 3])
    assert found[1].shape == (0, 1)
