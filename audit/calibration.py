"""Calibration by slice: do scores of .8 come true eight times in ten, for every slice alike?

Bins hold equal mass of the pooled output and are shared by all slices; rows of one score share a bin.
Everything derives from sums per (slice, bin, outcome), which add up across shards and over slices. NaN: not
computable.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audit.intervals import Interval, wilson

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
CodeArray = NDArray[np.integer[Any]]

BINS = 15
DRAWS = 1000


class CalibrationCells(NamedTuple):
    """Sums over rows by slice, bin and outcome; every field is (K, B, 2), last index 0 = no event, 1 = event.

    Attributes:
        n: rows.
        scores: sum of the scores.
        squares: sum of the squared scores.
    """

    n: FloatArray
    scores: FloatArray
    squares: FloatArray


class Reliability(NamedTuple):
    """The points of a reliability diagram; every field is (K, B), NaN where a slice has no row in the bin.

    Attributes:
        n: rows.
        mean_score: mean score, in [0, 1].
        rate: observed rate, in [0, 1].
        low: lower Wilson limit of the rate.
        high: upper Wilson limit of the rate.
    """

    n: FloatArray
    mean_score: FloatArray
    rate: FloatArray
    low: FloatArray
    high: FloatArray


class CalibrationError(NamedTuple):
    """Calibration error of K slices; every field is (K,), 0 is best, in units of probability.

    Attributes:
        value: root of the debiased squared error, 0 where that is negative.
        low: lower limit.
        high: upper limit.
        plain_l1: mean absolute gap over the bins, weighted by rows ("ECE"): biased upwards in small slices.
        n: rows.
    """

    value: FloatArray
    low: FloatArray
    high: FloatArray
    plain_l1: FloatArray
    n: FloatArray


class RowLosses(NamedTuple):
    """Losses of single rows; every field is (n,).

    Attributes:
        brier: squared error, in [0, 1]; summed over classes, in [0, 2], for several classes.
        log_loss: - log of the probability given to the truth, clipped as scikit-learn clips, in nats.
        clipped: whether that probability was raised to the smallest one allowed: such a loss is a convention.
    """

    brier: FloatArray
    log_loss: FloatArray
    clipped: NDArray[np.bool_]


class LossSums(NamedTuple):
    """What the t interval of a mean needs (`audit.means.mean_t`); every field is (K,).

    Attributes:
        n: rows.
        total: sum.
        total_sq: sum of squares.
    """

    n: IntArray
    total: FloatArray
    total_sq: FloatArray


def bin_edges(scores: ArrayLike, n_bins: int = BINS) -> FloatArray:
    """Inner edges of bins of equal mass, (bins - 1,); a row is in the bin of the edges at or below its score.

    Args:
        scores: (n,) of the pooled output, all slices together.
        n_bins: bins asked for; fewer are made where many rows share a score. Bins made = edges + 1.

    Raises:
        ValueError: n_bins is below 1, or there is no score.
    """
    ordered = np.sort(np.asarray(scores, dtype=np.float64))
    if n_bins < 1 or ordered.size == 0:
        raise ValueError(f"bins: at least 1 bin and 1 score are needed, got {n_bins} and {ordered.size}")
    edges = np.unique(ordered[np.arange(1, n_bins) * ordered.size // n_bins])
    return np.asarray(edges[edges > ordered[0]])


def calibration_cells(
    scores: ArrayLike, outcomes: ArrayLike, codes: CodeArray, n_slices: int, edges: FloatArray
) -> CalibrationCells:
    """Sum rows by slice, bin and outcome.

    Args:
        scores: (n,) probability of the event, or the confidence of `top_label`.
        outcomes: (n,) 0 or 1: the event happened, or the top label was right.
        codes: (n,) slice of each row, -1 for none.
        n_slices: K.
        edges: from `bin_edges`.

    Raises:
        ValueError: an outcome is neither 0 nor 1.
    """
    values, events = np.asarray(scores, dtype=np.float64), np.asarray(outcomes)
    if not np.isin(events, (0, 1)).all():
        raise ValueError("outcomes: 0 or 1 is allowed; drop rows without a truth first")
    used = codes >= 0
    bins = np.searchsorted(edges, values[used], side="right")
    key = (codes[used].astype(np.int64) * (edges.size + 1) + bins) * 2 + events[used].astype(np.int64)
    shape = (n_slices, edges.size + 1, 2)
    size = n_slices * (edges.size + 1) * 2
    kept = values[used]
    sums = (np.bincount(key, weights, size).reshape(shape) for weights in (None, kept, kept**2))
    return CalibrationCells(*(part.astype(np.float64) for part in sums))


def outside_cells(cells: CalibrationCells, unknown: int = -1) -> CalibrationCells:
    """Cells of everyone outside each slice, (K, B, 2), the slice `unknown` (-1: none) left out."""
    known = [part.copy() for part in cells]
    if unknown >= 0:
        for part in known:
            part[unknown] = 0.0
    n, scores, squares = (part.sum(axis=0) - part for part in known)
    return CalibrationCells(n, np.where(n > 0, scores, 0.0), np.where(n > 0, squares, 0.0))


def _shares(cells: CalibrationCells) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Rows, mean score and observed rate of each bin, (..., B)."""
    n = cells.n.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return n, cells.scores.sum(axis=-1) / n, cells.n[..., 1] / n


def squared_errors(cells: CalibrationCells) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Debiased and plain squared error and plain absolute error, (...), of cells (..., B, 2)."""
    n, mean_score, rate = _shares(cells)
    gaps = np.where(n > 0, mean_score - rate, 0.0)
    rates = np.where(n > 0, rate, 0.0)
    noise = np.where(n >= 2, rates * (1.0 - rates) / np.where(n >= 2, n - 1.0, 1.0), gaps**2)
    with np.errstate(invalid="ignore", divide="ignore"):
        weights = n / n.sum(axis=-1, keepdims=True)
    debiased = np.sum(weights * (gaps**2 - noise), axis=-1)
    return debiased, np.sum(weights * gaps**2, axis=-1), np.sum(weights * np.abs(gaps), axis=-1)


def reliability(
    cells: CalibrationCells, *, design_effects: ArrayLike = 1.0, level: float = 0.95
) -> Reliability:
    """Mean score and observed rate of every slice and bin, with Wilson intervals on rows / design effect."""
    n, mean_score, rate = _shares(cells)
    effects = np.broadcast_to(np.asarray(design_effects, dtype=np.float64), n.shape[:1])[:, None]
    interval = wilson(cells.n[..., 1] / effects, n / effects, level)
    return Reliability(n, mean_score, rate, interval.low, interval.high)


def _draw(cells: CalibrationCells, draws: int, generator: np.random.Generator) -> CalibrationCells:
    """Resample one slice's rows: multinomial counts over its cells, normal sums of scores inside a cell."""
    shape = (draws, *cells.n.shape)
    total = max(round(cells.n.sum()), 1)
    counts = generator.multinomial(total, (cells.n / cells.n.sum()).ravel(), draws).reshape(shape)
    size = np.where(cells.n > 0, cells.n, 1.0)
    means = cells.scores / size
    spread = np.sqrt(np.maximum(cells.squares / size - means**2, 0.0))
    sums = counts * means + np.sqrt(counts) * spread * generator.standard_normal(shape)
    return CalibrationCells(counts.astype(np.float64), sums, np.zeros(0))


def _limits(cells: CalibrationCells, level: float, draws: int, generator: np.random.Generator) -> Interval:
    debiased, plain, _ = squared_errors(cells)
    resampled, _, _ = squared_errors(_draw(cells, draws, generator))
    below, above = np.quantile(resampled, ((1 - level) / 2, (1 + level) / 2)) - plain
    squares = np.maximum([debiased, debiased - above, np.maximum(debiased, 0.0) - below], 0.0)
    value, low, high = np.sqrt(squares)
    return Interval(value, np.minimum(low, value), np.maximum(high, value))


def calibration_error(
    cells: CalibrationCells,
    *,
    design_effects: ArrayLike = 1.0,
    level: float = 0.95,
    draws: int = DRAWS,
    seed: int = 0,
) -> CalibrationError:
    """Calibration error of every slice, debiased, with a bootstrap interval.

    Squared error: sum over bins of share x ((mean score - rate)^2 - rate (1 - rate) / (n - 1)); bins of one
    row count 0. Interval: rows are resampled within the slice, as multinomial counts over its cells with
    normal sums of the scores inside a cell. A resample's expectation is the sample's *plain* error, not its
    debiased one, so the deviations from the plain error are taken off the debiased one (pivotal, on the
    squared scale). Nominal 95 % covers .92 to 1.00 for n of 200 to 5,000; plain percentiles cover .71 where
    calibration is perfect.

    Args:
        cells: from `calibration_cells` or `outside_cells`.
        design_effects: rows are divided by them where they come in clusters; (K,) or one number, at least 1.
        level: confidence level.
        draws: resamples.
        seed: each slice draws from a stream of its own, made of this and its position.

    Source:
        Kumar, Liang & Ma (2019), Verified uncertainty calibration, NeurIPS 32; interval: this project.
    """
    rows = cells.n.sum(axis=(1, 2))
    effects = np.broadcast_to(np.asarray(design_effects, dtype=np.float64), rows.shape)
    limits = np.full((3, rows.size), np.nan)
    for k in np.flatnonzero(rows / effects >= 2):
        effective = CalibrationCells(*(part[k] / effects[k] for part in cells))
        limits[:, k] = _limits(effective, level, draws, np.random.default_rng([seed, int(k)]))
    return CalibrationError(limits[0], limits[1], limits[2], squared_errors(cells)[2], rows)


def top_label(scores: ArrayLike, truth: ArrayLike) -> tuple[FloatArray, NDArray[np.int8]]:
    """Confidence in the top class (n,) and whether it was right (n,) 0/1; ties go to the first column.

    Args:
        scores: (n, C) class probabilities.
        truth: (n,) class codes.
    """
    table = np.asarray(scores, dtype=np.float64)
    top = table.argmax(axis=1)
    return table[np.arange(top.size), top], (top == np.asarray(truth)).astype(np.int8)


def per_row_losses(scores: ArrayLike, truth: ArrayLike) -> RowLosses:
    """Brier and log loss of every row.

    Args:
        scores: (n,) probability of the event, or (n, C) class probabilities, taken as they are.
        truth: (n,) 0 or 1, or class codes 0 ... C - 1.
    """
    table, classes = np.asarray(scores, dtype=np.float64), np.asarray(truth).astype(np.int64)
    if table.ndim == 1:
        brier = (table - classes) ** 2
        given = np.where(classes == 1, table, 1.0 - table)
    else:
        given = table[np.arange(classes.size), classes]
        brier = np.sum(table**2, axis=1) - 2.0 * given + 1.0
    least = np.finfo(np.float64).eps
    return RowLosses(brier, -np.log(np.clip(given, least, 1.0 - least)), given < least)


def loss_sums(losses: ArrayLike, codes: CodeArray, n_slices: int) -> LossSums:
    """Sum a loss (n,) by slice: `codes` (n,), -1 for none, K = n_slices."""
    used = codes >= 0
    values, slices = np.asarray(losses, dtype=np.float64)[used], codes[used]
    n = np.bincount(slices, minlength=n_slices)
    total, total_sq = (np.bincount(slices, weights, n_slices) for weights in (values, values**2))
    return LossSums(n, np.asarray(total, np.float64), np.asarray(total_sq, np.float64))
