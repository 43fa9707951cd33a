import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score

from models.text_calibration import Calibration, calibrate, thresholds


def draw(rows, slope, intercept, seed=0):
    chance = np.random.default_rng(seed)
    logits = chance.normal(0, 2, (rows, len(slope)))
    return logits, (chance.random(logits.shape) < expit(logits * slope + intercept)).astype(np.int8)


def test_slope_and_intercept_that_made_the_data_are_found():
    slope, intercept = np.array([0.5, 2.0]), np.array([-3.0, 1.0])
    found = calibrate(*draw(60_000, slope, intercept))
    np.testing.assert_allclose(found.slope, slope, rtol=0.06)
    np.testing.assert_allclose(found.intercept, intercept, atol=0.1)
    assert found.own == (True, True)


def test_with_many_rows_it_is_logistic_regression():
    logits, truth = draw(20_000, np.array([0.7]), np.array([-1.0]))
    model = LogisticRegression(C=np.inf, tol=1e-8).fit(logits, truth[:, 0])
    found = calibrate(logits, truth)
    np.testing.assert_allclose(found(logits)[:, 0], model.predict_proba(logits)[:, 1], atol=2e-3)


def test_a_rare_label_borrows_its_slope_and_keeps_its_own_rate():
    logits, truth = draw(4000, np.array([0.5, 0.5]), np.array([0.0, 0.0]))
    truth[:, 1] = 0
    truth[np.argsort(-logits[:, 1])[:3], 1] = 1  # three positives on top: their own slope would be infinite
    found = calibrate(logits, truth)
    assert found.own == (True, False)
    assert found.slope[1] == found.slope[0]
    assert found(logits)[:, 1].mean() == pytest.approx(
        4 / 5 * 3 / 4000 + 1 / 3999, rel=0.02
    )  # Platt's targets


def test_no_label_reverses_the_order_of_rows():
    logits, truth = draw(2000, np.array([-1.0]), np.array([0.0]))
    found = calibrate(logits, truth)
    assert found.slope[0] > 0
    assert (np.argsort(found(logits)[:, 0]) == np.argsort(logits[:, 0])).all()


def test_unknown_labels_are_left_out():
    logits, truth = draw(3000, np.array([1.0]), np.array([0.0]))
    more = np.concatenate([logits, logits + 50]), np.concatenate([truth, np.full_like(truth, -1)])
    np.testing.assert_allclose(calibrate(*more).slope, calibrate(logits, truth).slope)
    scores = expit(more[0])
    assert thresholds(scores, more[1])[0] == thresholds(scores[:3000], truth)[0]


def test_thresholds_have_the_largest_f1_of_all():
    logits, truth = draw(300, np.array([1.0, 1.5]), np.array([-2.0, -1.0]))
    scores = np.round(expit(logits), 2)  # with ties
    found, tuned = thresholds(scores, truth)
    assert tuned == (True, True)
    for label in range(2):
        every = [f1_score(truth[:, label], scores[:, label] >= t) for t in np.unique(scores[:, label])]
        assert f1_score(truth[:, label], scores[:, label] >= found[label]) == max(every)
        assert found[label] not in scores[:, label]


def test_too_few_positives_leave_the_threshold_at_a_half():
    scores = np.linspace(0, 0.4, 100)[:, None]
    truth = (scores > 0.38).astype(np.int8)
    assert truth.sum() < 10
    assert thresholds(scores, truth) == (np.array([0.5]), (False,))


def test_a_card_rebuilds_it():
    found = calibrate(*draw(500, np.array([1.0, 0.3]), np.array([0.0, -1.0])))
    again = Calibration.from_card(found.card())
    x = np.random.default_rng(1).normal(size=(9, 2))
    assert (again(x) == found(x)).all()
    np.testing.assert_array_equal(Calibration.none(2)(x), expit(x))
