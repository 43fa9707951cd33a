"""Labels with identities, and their statistics from every pair of rows, imported as `identity_pairs`."""

from __future__ import annotations

from typing import Any

import numpy as np
from builders import binary_predictions

from audit.group_error.targets import targets
from audit.identity_terms.label import Label, label_of
from audit.identity_terms.memberships import declared

# pair -> (upper, lower); a sample is (member, has the label)
PAIRS = {
    "subgroup": ((True, 1), (True, 0)),
    "bpsn": ((False, 1), (True, 0)),
    "bnsp": ((True, 1), (False, 0)),
    "background": ((False, 1), (False, 0)),
    "plus": ((True, 1), (False, 1)),
    "minus": ((True, 0), (False, 0)),
}


def label_with(
    truth: Any, scores: Any, shares: Any, clusters: Any = None, threshold: float = 0.5, name: str = "toxic"
) -> Label:
    """A label over all rows; shares (n, K) are memberships in [0, 1], NaN where not annotated."""
    shares = np.asarray(shares, dtype=np.float32)
    columns = {f"g{k}": column for k, column in enumerate(shares.T)}
    target = next(targets(binary_predictions(truth, scores, threshold, name)))
    codes = None if clusters is None else np.asarray(clusters, np.int32)
    return label_of(name, target, declared(columns, 0.5, {}), codes, len(shares))


def samples_of(truth: Any, share: Any) -> dict[tuple[bool, int], np.ndarray]:
    """Rows of the four samples of one identity, read from the definition."""
    asked, member = ~np.isnan(share), share >= 0.5
    return {
        (m, t): np.flatnonzero(asked & (member == m) & (np.asarray(truth) == t))
        for m in (False, True)
        for t in (0, 1)
    }


def wins(scores: Any, upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """(upper, lower) table of every pair: 1 where the upper row scores higher, half for a tie."""
    x, y = np.asarray(scores)[upper], np.asarray(scores)[lower]
    return (x[:, None] > y[None, :]) + 0.5 * (x[:, None] == y[None, :])


def pulls_by_pairs(truth: Any, scores: Any, share: Any, pair: str) -> tuple[float, np.ndarray]:
    """Value of a share, and each row's centred placement over the rows of its sample, from every pair.

    With the factor n ÷ (n - 1) under each sample's sum of squares, their squares add up to DeLong's variance.
    """
    rows = samples_of(truth, share)
    upper, lower = (rows[key] for key in PAIRS[pair])
    table = wins(scores, upper, lower)
    pulls = np.zeros(len(share))
    for sample, axis in ((upper, 1), (lower, 0)):
        n = sample.size
        pulls[sample] = np.sqrt(n / (n - 1)) * (table.mean(axis=axis) - table.mean()) / n
    return float(table.mean()), pulls
