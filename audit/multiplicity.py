"""Adjust p-values for the number of tests in their family.

The primary family is adjusted by Holm, which bounds the chance of even one false alarm. All other comparisons
are adjusted by Benjamini and Hochberg, which bounds the expected share of false alarms among what is flagged.
A test that was not computed (NaN) is not a member of the family: it is left out of the count and stays NaN.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class _Sorted(NamedTuple):
    p: NDArray[np.float64]  # (M,) rising, the computed tests only
    place: NDArray[np.int64]  # (M,) index of each in the flattened family
    shape: tuple[int, ...]


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Adjust p-values so that the chance of one or more false alarms in the family is at most the level.

    The k-th smallest of M p-values becomes the largest of (M - j + 1) p_j over j <= k, and at most 1.

    Args:
        p: the p-values of one family, any shape; NaN where a test was not computed.

    Returns:
        The adjusted p-values, in the shape of p, NaN where p is NaN. Never below p, and in the order of p.

    Raises:
        ValueError: a p-value lies outside [0, 1].

    Source:
        Holm (1979), Scandinavian Journal of Statistics 6, 65-70.
    """
    family = _sorted_family(p)
    members = family.p.size
    scaled = family.p * np.arange(members, 0, -1)
    return _put_back(np.minimum(np.maximum.accumulate(scaled), 1.0), family)


def benjamini_hochberg(p: ArrayLike) -> NDArray[np.float64]:
    """Adjust p-values so that the expected share of false alarms among those flagged is at most the level.

    The k-th smallest of M p-values becomes the smallest of M p_j ÷ j over j >= k. The bound holds for
    independent tests and for positively dependent ones.

    Args:
        p: the p-values of one family, any shape; NaN where a test was not computed.

    Returns:
        The adjusted p-values, in the shape of p, NaN where p is NaN. Never below p, and in the order of p.

    Raises:
        ValueError: a p-value lies outside [0, 1].

    Source:
        Benjamini and Hochberg (1995), Journal of the Royal Statistical Society B 57, 289-300.
    """
    family = _sorted_family(p)
    members = family.p.size
    # p times (M / rank) with the division first: the last rank then multiplies by exactly 1
    scaled = family.p * (members / np.arange(1, members + 1))
    return _put_back(np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0), family)


def _sorted_family(p: ArrayLike) -> _Sorted:
    values = np.asarray(p, dtype=np.float64)
    flat = values.ravel()
    computed = np.flatnonzero(~np.isnan(flat))
    if np.any((flat[computed] < 0) | (flat[computed] > 1)):
        raise ValueError(f"p must be in [0, 1], got {flat[computed].min()} to {flat[computed].max()}")
    place = computed[np.argsort(flat[computed], kind="stable")]
    return _Sorted(flat[place], place, values.shape)


def _put_back(adjusted: NDArray[np.float64], family: _Sorted) -> NDArray[np.float64]:
    flat = np.full(int(np.prod(family.shape, dtype=np.int64)), np.nan)
    flat[family.place] = adjusted
    return flat.reshape(family.shape)
