"""Age outputs: age gates as NIST IR 8525 lays them out, error by true age, and the spread of the error."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from audit import intervals, means
from audit.counts import cell_counts
from audit.group_error.composition import truth_edges
from audit.group_error.targets import Target
from audit.slices import SliceSet

ADULT = 18
CHALLENGE = 25
"""Challenge-T: who looks younger than T is asked for a proof of age."""
SPAN = (2.5, 97.5)


def is_age(target: Target) -> bool:
    """Whether a number is an age in years: its unit says so, or its name where no unit is declared."""
    unit, name = target.task.unit.lower(), target.name.lower()
    return unit in ("years", "year") or (not unit and name in ("age", "years", "age_years"))


def age_gates(target: Target, slices: SliceSet, level: float) -> pa.Table:
    """Share of under-18s estimated at or above the challenge age, by slice.

    Returns:
        Columns output, slice, adult, challenge, minors, passed, share, low, high (Wilson); slices without
        minors are left out.
    """
    assert target.truth is not None
    minor = target.truth < ADULT
    cells = np.where(minor, (target.decision >= CHALLENGE).astype(np.int64), -1)
    counts = cell_counts(slices, cells, 2)
    n = counts.sum(axis=1)
    kept = np.flatnonzero(n > 0)
    share, low, high = intervals.wilson(counts[kept, 1], n[kept], level)
    return pa.table(
        {
            "output": [target.name] * len(kept),
            "slice": [slices.slices[i].key for i in kept],
            "adult": np.full(len(kept), ADULT),
            "challenge": np.full(len(kept), CHALLENGE),
            "minors": n[kept].astype(np.int64),
            "passed": counts[kept, 1].astype(np.int64),
            "share": share,
            "low": low,
            "high": high,
        }
    )


def by_truth(target: Target, slices: SliceSet, level: float) -> pa.Table:
    """Error by band of the true number, for everyone and each single-attribute slice.

    Returns:
        Columns output, slice, attribute, value, band_from, band_to, n, mae, mae_low, mae_high, bias,
        span_low,
        span_high: the middle 95 % of the signed errors, in the output's unit.
    """
    assert target.truth is not None
    edges = truth_edges(target.truth)
    error = target.decision - target.truth
    band = np.clip(np.searchsorted(edges, target.truth, side="right") - 1, 0, len(edges) - 2)
    rows: list[dict[str, object]] = []
    for part in slices.partitions:
        if len(part.attributes) > 1:
            continue
        key = part.codes.astype(np.int64) * (len(edges) - 1) + band
        order = np.argsort(key, kind="stable")
        cuts = np.flatnonzero(np.diff(key[order])) + 1
        for members in np.split(order, cuts):
            s = slices.slices[part.first + int(part.codes[members[0]])]
            rows.append(_band_row(target, s.key, s.of, edges, int(band[members[0]]), error[members], level))
    return pa.Table.from_pylist(rows, schema=BY_TRUTH)


BY_TRUTH = pa.schema(
    [(name, pa.string()) for name in ("output", "slice", "attribute", "value")]
    + [("band_from", pa.float64()), ("band_to", pa.float64()), ("n", pa.int64())]
    + [(name, pa.float64()) for name in ("mae", "mae_low", "mae_high", "bias", "span_low", "span_high")]
)


def _band_row(
    target: Target,
    key: str,
    of: tuple[tuple[str, str], ...],
    edges: np.ndarray,
    band: int,
    error: np.ndarray,
    level: float,
) -> dict[str, object]:
    size = np.abs(error)
    mae, low, high = means.mean_t([len(size)], [size.sum()], [(size**2).sum()], level)
    span = np.percentile(error, SPAN)
    return {
        "output": target.name,
        "slice": key,
        "attribute": of[0][0] if of else "",
        "value": of[0][1] if of else "",
        "band_from": float(edges[band]),
        "band_to": float(edges[band + 1]),
        "n": len(size),
        "mae": float(mae[0]),
        "mae_low": float(low[0]),
        "mae_high": float(high[0]),
        "bias": float(error.mean()),
        "span_low": float(span[0]),
        "span_high": float(span[1]),
    }
