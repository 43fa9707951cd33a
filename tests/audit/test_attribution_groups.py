"""What is summed over examples: plausibility, identity terms, background reliance, the choice of rows."""

from __future__ import annotations

import numpy as np
import pytest
from attribution_models import YES_NO, FakeModel, picture
from scipy import stats
from sklearn.metrics import average_precision_score, f1_score

from audit.attribution.background import CENTRE, background, by_group, centre, mean_maps, outside_share
from audit.attribution.columns import columns
from audit.attribution.hiding import hidden
from audit.attribution.maps import pixel_map, pooled, read, small
from audit.attribution.mentions import mentions, term_means
from audit.attribution.methods import explain_picture
from audit.attribution.outcomes import choose, example_strata, outcomes
from audit.attribution.plausibility import average_precision, lexicon, look_up, marked_words, plausibility
from audit.attribution.scoring import PictureScorer
from audit.attribution.segments import grid
from audit.attribution.words import cut
from audit.core import Attribute, Predictions, Task, TaskKind
from audit.identity_terms.lexicon import built_in


def test_average_precision_is_scikit_learn_s():
    rng = np.random.default_rng(0)
    for _ in range(200):
        marked = rng.random(12) < 0.4
        marked[0], marked[1] = True, False
        weight = rng.integers(-3, 4, 12).astype(float)
        assert average_precision(marked, weight) == pytest.approx(average_precision_score(marked, weight))


def test_plausibility_by_hand():
    truth = [
        np.array([True, False, False, True]),
        np.array([False, True]),
        np.zeros(3, bool),
        np.ones(2, bool),
    ]
    weights = [np.array([0.9, 0.1, 0.2, 0.3]), np.array([0.5, 0.1]), np.arange(3.0), np.arange(2.0)]
    found = plausibility(truth, weights, share=0.5)
    first = f1_score(truth[0], [1, 0, 0, 1])
    assert found.f1[0] == pytest.approx((first + 0) / 2)
    assert found.precision_recall[0] == pytest.approx((1 + 0.5) / 2)
    assert (found.texts, found.unmarked) == (2, 2)
    assert found.f1[1] < found.f1[0] < found.f1[2]


def test_words_are_marked_by_any_of_their_characters():
    words = cut("you awful man")
    assert marked_words(words.spans, {5, 6, 99}).tolist() == [False, True, False]
    assert marked_words((), {1}).tolist() == []


def test_the_lexicon_learns_shares_of_marked_occurrences():
    learned, share = lexicon(["Awful you", "awful me", "kind"], [range(5), [], []])
    assert learned["awful"] == pytest.approx((1 + 0.2) / 3)
    assert learned["kind"] == pytest.approx(0.2 / 2)
    assert share == 0.5
    assert look_up(["AWFUL", "new"], learned, 0.1).tolist() == [learned["awful"], 0.1]


def test_identities_are_found_among_the_words():
    words = cut("A Muslim man and two African American women.")
    found = {(one.identity, tuple(words.names[i] for i in one.words)) for one in mentions(words, built_in())}
    assert ("muslim", ("Muslim",)) in found
    assert any(names == ("African", "American") for _, names in found)


def test_mean_attribution_of_terms_by_hand():
    texts = ["muslim you", "muslim muslim a", "they say muslim things", "nobody here"]
    words = [cut(text) for text in texts]
    weights = [
        np.array([[0.4], [0.1]]),
        np.array([[0.1], [0.2], [0.0]]),
        np.array([[0.0], [0], [0.5], [0.1]]),
    ]
    weights.append(np.ones((2, 1)))
    found = term_means([mentions(one, built_in()) for one in words], weights)
    at = found.names.index("muslim")
    own, others = [0.4, 0.3, 0.5], [0.1, 0.0, 0.1 / 3]
    assert found.n[at] == 3
    low, high = stats.t.interval(0.95, 2, np.mean(own), stats.sem(own))
    assert [end[at, 0] for end in found.mean] == pytest.approx([np.mean(own), low, high])
    assert found.beside[0][at, 0] == pytest.approx(np.mean(own) - np.mean(others))
    assert found.p[at, 0] == pytest.approx(stats.ttest_1samp(own, 0).pvalue)


def test_texts_of_one_cluster_count_once():
    words = [cut("muslim you")] * 6
    weights = [np.array([[value], [0.0]]) for value in (0.4, 0.4, 0.4, 0.1, 0.1, 0.1)]
    found = [mentions(one, built_in()) for one in words]
    apart = term_means(found, weights)
    together = term_means(found, weights, np.array([0, 0, 0, 1, 1, 1]))
    width = [one.mean[2][0, 0] - one.mean[1][0, 0] for one in (apart, together)]
    assert width[1] > 3 * width[0]


def test_no_mentions_no_terms():
    found = term_means([[]], [np.zeros((2, 3))])
    assert found.names == ()
    assert found.mean[0].shape == (0, 3)


def test_shares_outside_the_centre():
    assert outside_share(np.ones((40, 60))) == pytest.approx(1 - CENTRE**2)
    corner = np.zeros((40, 40))
    corner[0, 0] = -3
    assert outside_share(corner) == 1
    assert np.isnan(outside_share(np.zeros((4, 4))))
    assert centre(10, 10).sum() == pytest.approx(49)
    region = np.zeros((2, 2))
    region[0, 0] = 1
    half = np.zeros((40, 40))
    half[:20, :20], half[20:, 20:] = 1, -1
    found = background([half, corner], region)
    np.testing.assert_allclose(found.outside, [0.5, 0])
    assert found.expected == 0.75


def test_a_group_whose_pictures_carry_a_shortcut_is_found():
    """A model reads a corner patch; in one group it is there, in the other the middle decides."""
    rng = np.random.default_rng(0)
    codes = np.array([0, 1] * 20, np.int32)
    attribute = Attribute(name="camera", values=("a", "b"), codes=codes)
    patches = [slice(0, 8), slice(12, 20)]
    shares, densities = [], []
    for code in codes:
        given = picture(32, 32, int(rng.integers(1000)))
        given[:8, :8] = given[12:20, 12:20] = 255
        labels = grid(32, 32, 16)
        place = patches[code]
        model = FakeModel(
            "image",
            {"marked": YES_NO},
            lambda batch, at=place: {"marked": [p[at, at].mean() / 300 + p.mean() / 600 for p in batch]},
        )
        scorer = PictureScorer(model, columns(model.tasks), given, hidden(given, "grey"), labels)
        densities.append(pixel_map(explain_picture(scorer, "lime").of("marked"), labels, (32, 32)))
        shares.append(outside_share(densities[-1]))
    (found,) = by_group(np.array(shares), np.arange(40), {"camera": attribute}, None, 0.95)
    assert found.n.tolist() == [20, 20]
    assert found.difference[0][0] > 0.3
    assert found.difference[1][0] > 0
    assert found.p[0] < 1e-6
    welch = stats.ttest_ind(np.array(shares)[::2], np.array(shares)[1::2], equal_var=False)
    interval = welch.confidence_interval()
    assert found.difference[1][0] == pytest.approx(interval.low, abs=0.01)
    maps = mean_maps(densities, codes, 2)
    assert np.unravel_index(np.abs(maps[0]).argmax(), (28, 28)) < (7, 7)
    assert np.abs(maps[1])[8:20, 8:20].sum() > np.abs(maps[1]).sum() / 2


def test_unknown_is_shown_and_never_tested():
    attribute = Attribute(
        name="g", values=("a", "b", "unknown"), codes=np.array([0, 0, 0, 1, 1, 1, 2, 2], np.int32)
    )
    shares = np.array([0.1, 0.2, 0.3, 0.6, 0.7, np.nan, 9.0, 9.1])
    (found,) = by_group(shares, np.arange(8), {"g": attribute}, None, 0.95)
    assert found.n.tolist() == [3, 2, 2]
    assert found.mean[0].tolist() == pytest.approx([0.2, 0.65, 9.05])
    assert found.difference[0][:2] == pytest.approx([-0.45, 0.45])
    assert np.isnan(found.p[2])
    assert np.isnan(found.difference[0][2])


def test_stored_maps_keep_their_sum_and_shape():
    rng = np.random.default_rng(1)
    density = rng.normal(size=(90, 130))
    stored = small(density)
    values = read(stored)
    assert values.shape == (39, 56)
    assert len(stored.codes) == 39 * 56
    assert np.abs(values - pooled(density, 39, 56)).max() <= stored.scale / 254 + 1e-12
    assert pooled(density, 39, 56).sum() == pytest.approx(density.sum())
    assert not read(small(np.zeros((3, 3)))).any()
    assert read(small(density[:5, :4])) == pytest.approx(
        density[:5, :4], abs=np.abs(density[:5, :4]).max() / 254
    )


def test_superpixels_share_their_weight_among_pixels():
    labels = grid(6, 6, 4)
    density = pixel_map(np.array([9.0, 0, 0, -18]), labels, (6, 6))
    assert density.sum() == pytest.approx(-9)
    assert density[0, 0] == 1
    assert density[-1, -1] == -2


def binary(truth, scores):
    truth, scores = np.array(truth), np.array(scores, float)
    return Predictions(
        output="toxic",
        task=Task(kind=TaskKind.BINARY, classes=("no", "yes")),
        rows=np.arange(len(scores)),
        truth=truth.astype(np.int8),
        scores=scores,
        decision=(scores >= 0.5).astype(np.int8),
        thresholds=(0.5,),
    )


def test_outcomes_of_yes_and_no():
    assert outcomes(binary([1, 0, 1, 0], [0.9, 0.8, 0.1, 0.45])).tolist() == [
        "right",
        "wrong",
        "wrong",
        "borderline",
    ]


def test_outcomes_of_numbers():
    truth = np.zeros(8)
    guess = np.arange(8.0)
    given = Predictions(
        output="age",
        task=Task(kind=TaskKind.REGRESSION),
        rows=np.arange(8),
        truth=truth,
        scores=None,
        decision=guess,
    )
    assert outcomes(given).tolist() == ["right"] * 4 + ["borderline"] * 2 + ["wrong"] * 2


def test_outcomes_of_classes_and_labels():
    scores = np.array([[0.8, 0.1, 0.1], [0.45, 0.42, 0.13], [0.1, 0.2, 0.7]])
    classes = Predictions(
        output="kind",
        task=Task(kind=TaskKind.MULTICLASS, classes=("a", "b", "c")),
        rows=np.arange(3),
        truth=np.array([0, 0, 0], np.int32),
        scores=scores,
        decision=scores.argmax(1).astype(np.int32),
    )
    assert outcomes(classes).tolist() == ["right", "borderline", "wrong"]
    labels = Predictions(
        output="toxic",
        task=Task(kind=TaskKind.MULTILABEL, classes=("x", "y")),
        rows=np.arange(2),
        truth=None,
        scores=np.array([[0.9, 0.1], [0.45, 0.8]]),
        decision=np.array([[1, 0], [0, 1]], np.int8),
        thresholds=(0.5, 0.5),
    )
    assert outcomes(labels, 0).tolist() == ["yes", "borderline"]
    assert outcomes(labels, 1).tolist() == ["no", "yes"]


def test_every_combination_is_in_the_sample():
    rng = np.random.default_rng(3)
    truth, scores = rng.integers(0, 2, 400), rng.random(400)
    scores[truth == 0] *= 0.45  # false alarms are rare
    scores[:3], truth[:3] = 0.95, 0
    codes = rng.integers(0, 2, 400).astype(np.int32)
    codes[:3] = 1
    attribute = Attribute(name="g", values=("a", "b"), codes=codes)
    audited = np.ones(400, bool)
    audited[0] = False
    strata = example_strata({"toxic": binary(truth, scores)}, {"g": attribute}, audited)
    rows = choose(strata, 20, seed=0)
    assert len(rows) == 20
    assert set(rows) & {1, 2}
    assert 0 not in rows
    for parts in strata:
        for part in parts:
            assert len(part) == 0 or set(part.tolist()) & set(rows.tolist())
    assert set(choose(strata, 5, seed=0)) < set(rows)
    assert choose(strata, 20, seed=0).tolist() == rows.tolist()
    assert choose(strata, 20, seed=1).tolist() != rows.tolist()
    assert len(choose(strata, 10_000, seed=0)) == 399
