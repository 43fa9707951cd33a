"""Adjusted p-values against statsmodels and SciPy, and the properties that both procedures promise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import false_discovery_control
from statsmodels.stats.multitest import multipletests

from audit.multiplicity import benjamini_hochberg, holm

# The 15 p-values of the worked example of Benjamini and Hochberg (1995), section 3.2: four are flagged at q
# of .05
FIRST = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344]
PUBLISHED = [*FIRST, 0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0]

families = arrays(np.float64, st.integers(1, 60), elements=st.floats(0, 1))


def test_benjamini_hochberg_flags_the_four_of_the_published_example():
    assert np.flatnonzero(benjamini_hochberg(PUBLISHED) <= 0.05).tolist() == [0, 1, 2, 3]


def test_holm_flags_the_three_of_the_published_example():
    assert np.flatnonzero(holm(PUBLISHED) <= 0.05).tolist() == [0, 1, 2]


@pytest.mark.parametrize("size", [1, 2, 9, 60])
def test_both_equal_statsmodels(size):
    """A few families only: statsmodels collects garbage in every call, a quarter of a second each."""
    p = np.round(np.random.default_rng(size).beta(0.4, 2, size), 2)  # two digits: with ties
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1], rtol=1e-12, atol=0)
    np.testing.assert_allclose(
        benjamini_hochberg(p), multipletests(p, method="fdr_bh")[1], rtol=1e-12, atol=0
    )


@given(families)
@settings(deadline=None)
def test_benjamini_hochberg_equals_scipy(p):
    np.testing.assert_allclose(benjamini_hochberg(p), false_discovery_control(p), rtol=1e-12, atol=0)


@given(families)
@settings(deadline=None)
def test_holm_flags_what_its_step_down_rule_flags(p):
    """Walk the p-values upwards and stop at the first above .05 ÷ those left: what came before is flagged."""
    flagged = np.zeros(p.size, dtype=bool)
    for step, which in enumerate(np.argsort(p, kind="stable")):
        if p[which] * (p.size - step) > 0.05:
            break
        flagged[which] = True
    np.testing.assert_array_equal(holm(p) <= 0.05, flagged)


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
@given(p=families)
@settings(max_examples=60, deadline=None)
def test_never_below_p_and_never_out_of_order(adjust, p):
    adjusted = adjust(p)
    assert np.all(adjusted >= p)
    assert np.all(np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0)


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
def test_what_was_not_computed_is_not_counted(adjust):
    with_gaps = adjust([np.nan, 0.01, 0.04, np.nan, 0.03])
    np.testing.assert_array_equal(with_gaps[[1, 2, 4]], adjust([0.01, 0.04, 0.03]))
    assert np.isnan(with_gaps[[0, 3]]).all()


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
def test_shape_is_kept_and_an_empty_family_stays_empty(adjust):
    grid = np.array([[0.01, 0.2], [0.5, 0.03]])
    np.testing.assert_array_equal(adjust(grid).ravel(), adjust(grid.ravel()))
    assert adjust(np.empty((0, 3))).shape == (0, 3)


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
@pytest.mark.parametrize("wrong", [-0.01, 1.01])
def test_a_p_outside_0_to_1_is_refused(adjust, wrong):
    with pytest.raises(ValueError, match=r"p must be in \[0, 1\], got"):
        adjust([0.5, wrong])
