"""How a number is spread: bins, and quantiles by group. What is not finite is left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit.core import Attribute
from audit.profile.counts import shares

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
MOST_BINS = 40
_STEPS = (1.0, 2.0, 2.5, 5.0)
_ENDS = (0.005, 0.995)
"""Bins span these quantiles, so that one wild value does not push all others into one bin."""


def histogram(values: NDArray[np.floating], edges: Sequence[float]) -> pa.Table:
    """Columns low, high, n: values in [low, high), last bin closed; outliers in the bins at the ends."""
    return pa.table({**_bins(edges), "n": _counted(values, edges)})


def histogram_by(values: NDArray[np.floating], group: Attribute, edges: Sequence[float]) -> pa.Table:
    """Columns value, low, high, n, share: the histogram of every value of a group that has rows.

    Args:
        values: (n,) numbers.
        group: (n,) codes; below 0: left out.
        edges: of the bins, increasing.
    """
    parts = []
    for name, inside in _inside(values, group):
        n = _counted(inside, edges)
        if n.sum():
            parts.append(
                pa.table({"value": [name] * len(n), **_bins(edges), "n": n, "share": shares(n, n.sum())})
            )
    schema = pa.schema(
        [
            ("value", pa.string()),
            ("low", pa.float64()),
            ("high", pa.float64()),
            ("n", pa.int64()),
            ("share", pa.float64()),
        ]
    )
    return pa.concat_tables([part.cast(schema) for part in parts]) if parts else schema.empty_table()


def by_group(values: NDArray[np.floating], group: Attribute) -> pa.Table:
    """Columns value, n, mean, sd and quantiles of a number in each value of a group.

    Args:
        values: (n,) numbers.
        group: (n,) codes; below 0: left out.
    """
    names = [*("n", "mean", "sd"), *(f"p{round(q * 100):02d}" for q in QUANTILES)]
    rows = []
    for name, found in _inside(values, group):
        inside = found[np.isfinite(found)].astype(np.float64)
        some = len(inside) > 0
        spread = float(inside.std(ddof=1)) if len(inside) > 1 else None
        quantiles = np.quantile(inside, QUANTILES).tolist() if some else [None] * len(QUANTILES)
        cells = [len(inside), float(inside.mean()) if some else None, spread, *quantiles]
        rows.append({"value": name, **dict(zip(names, cells, strict=True))})
    kinds = [("value", pa.string()), ("n", pa.int64()), *((name, pa.float64()) for name in names[1:])]
    return pa.Table.from_pylist(rows, schema=pa.schema(kinds))


def edges_of(values: NDArray[np.floating], most: int = MOST_BINS) -> tuple[float, ...]:
    """Edges of bins with round numbers, as wide as Freedman and Diaconis advise or wider.

    Args:
        values: (n,) numbers.
        most: largest number of bins.

    Returns:
        Edges that span the middle 99 % of the values; whole numbers get bins of whole numbers. Empty where no
        value is finite.

    Source:
        Freedman and Diaconis (1981), Zeitschrift für Wahrscheinlichkeitstheorie 57, 453-476.
    """
    finite = values[np.isfinite(values)].astype(np.float64)
    if not len(finite):
        return ()
    low, first, third, high = np.quantile(finite, (_ENDS[0], 0.25, 0.75, _ENDS[1]))
    wanted = max(2 * (third - first) / len(finite) ** (1 / 3), (high - low) / (most - 1))
    step = _round_up(wanted) if wanted > 0 else 1.0
    if (finite == np.rint(finite)).all():
        step = max(np.ceil(step), 1.0)
    start, end = np.floor(low / step), np.floor(high / step) + 1
    return tuple(float(f"{k * step:.12g}") for k in np.arange(start, end + 1))


def _round_up(width: float) -> float:
    """The next of 1, 2, 2.5 and 5 times a power of ten."""
    power = 10.0 ** np.floor(np.log10(width))
    return float(next((s * power for s in _STEPS if s * power >= width), 10 * power))


def _inside(values: NDArray[np.floating], group: Attribute) -> Iterator[tuple[str, NDArray[np.floating]]]:
    """The numbers of each value, from one sort of the codes."""
    order = np.argsort(group.codes, kind="stable")
    sizes = np.searchsorted(group.codes[order], np.arange(len(group.values) + 1))
    for code, name in enumerate(group.values):
        yield name, values[order[sizes[code] : sizes[code + 1]]]


def _counted(values: NDArray[np.floating], edges: Sequence[float]) -> NDArray[np.int64]:
    finite = np.clip(values[np.isfinite(values)], edges[0], edges[-1])
    return np.histogram(finite, bins=np.asarray(edges, dtype=np.float64))[0]


def _bins(edges: Sequence[float]) -> dict[str, list[float]]:
    return {"low": list(map(float, edges[:-1])), "high": list(map(float, edges[1:]))}
