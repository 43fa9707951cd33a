"""What leaked rows did to the numbers: each metric with all test rows and without the leaked ones.

Inflation = metric(all) - metric(without leaked). The rows without are part of all, so the difference is
paired.

A mean over rows (error rate, FPR, FNR, PPV, MAE) has it in closed form: with a share w of leaked rows in the
denominator, inflation = w · (mean of leaked - mean of the others), two disjoint samples, so the interval is
w times Newcombe's for rates and w times Welch's for errors of a number. w is taken as given: the question is
what these rows did to this number. Rows of one cluster count by their effective number (design effect).
Other metrics (AUC, F1, macro F1) are bootstrapped over clusters, both numbers from the same draw.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audit.clusters import design_effect, effective_n
from audit.core import Attribute, Reason, Slice
from audit.group_error.targets import Target
from audit.intervals import newcombe
from audit.leakage.weighted import MEASURES, Measure, means
from audit.means import welch_difference
from audit.significance import rate_difference_p, welch_t

DRAWS = 1000
FEWEST = 5
"""Leaked rows below which a bootstrap of a metric says nothing."""
WEIGHTS_AT_ONCE = 4_000_000
CLOSED_RATE, CLOSED_MEAN, BOOTSTRAP = "w x Newcombe", "w x Welch t", "bootstrap over clusters"


@dataclass(frozen=True, kw_only=True)
class Inflation:
    """One metric of one output in one slice."""

    output: str
    slice: Slice
    metric: str
    n: int
    """Rows in the metric's denominator, leaked ones included."""
    leaked: int
    """Of those, leaked."""
    all: float
    clean: float
    """Without leaked rows."""
    value: float
    """all - clean; NaN with `reason`."""
    low: float
    high: float
    p: float
    method: str
    reason: Reason | None


def inflation(
    target: Target,
    leaked: NDArray[np.bool_],
    clusters: NDArray[np.int32],
    attributes: Mapping[str, Attribute],
    *,
    seed: int,
    level: float,
) -> list[Inflation]:
    """Measure every metric of one question, for everyone and by each attribute.

    Args:
        target: rows of the audited split with truth.
        leaked: (N,) of all examples, rows with a copy in training.
        clusters: (N,) rows that belong together.
        attributes: of all examples.
        seed: of bootstraps.
        level: of intervals.
    """
    if target.truth is None:
        return []
    hit, group = leaked[target.rows], clusters[target.rows]
    found: list[Inflation] = []
    for number, (slice_, inside) in enumerate(_slices(target.rows, attributes)):
        for name, (denominator, values) in means(target).items():
            rows = inside & denominator
            found.append(_mean(target, slice_, name, values[rows], hit[rows], group[rows], level))
        own = target.take(inside)
        measures = dict(MEASURES[target.task.kind])
        if target.scores is None:
            measures.pop("auc", None)
        draws = _differences(own, measures, hit[inside], group[inside], np.random.default_rng((seed, number)))
        for name, measure in measures.items():
            found.append(_drawn(own, slice_, name, measure, hit[inside], draws.get(name), level))
    return found


def _slices(
    rows: NDArray[np.int64], attributes: Mapping[str, Attribute]
) -> Iterator[tuple[Slice, NDArray[np.bool_]]]:
    yield Slice(n=rows.size), np.ones(rows.size, dtype=np.bool_)
    for attribute in attributes.values():
        codes = attribute.codes[rows]
        for code, value in enumerate(attribute.values):
            inside = codes == code
            if code != attribute.unknown_code and inside.any():
                yield Slice(of=((attribute.name, value),), n=int(inside.sum())), inside


def _mean(
    target: Target,
    slice_: Slice,
    metric: str,
    values: NDArray[np.float64],
    leaked: NDArray[np.bool_],
    clusters: NDArray[np.int32],
    level: float,
) -> Inflation:
    method = CLOSED_MEAN if metric == "mae" else CLOSED_RATE
    n, n_leaked = values.size, int(leaked.sum())
    if n_leaked in (0, n):
        return _none(target, slice_, metric, n, n_leaked, method, values, leaked)
    w = n_leaked / n
    effect = design_effect(values, clusters, leaked.astype(np.int64), 2)
    size = np.array([n - n_leaked, n_leaked], dtype=np.float64)
    worth = np.nan_to_num(effective_n(size, effect.deff, effect.df, level), nan=1.0).clip(1, size)
    if metric == "mae":
        parts: list[NDArray[np.float64]] = []
        for side, count in ((values[leaked], worth[1:]), (values[~leaked], worth[:1])):
            scale = count / side.size
            parts += [count, side.sum() * scale, (side**2).sum() * scale]
        gap = welch_difference(parts[0], parts[1], parts[2], parts[3], parts[4], parts[5], level)
        p = float(welch_t(*parts).p[0])
    else:
        events = np.array([values[~leaked].sum(), values[leaked].sum()]) * worth / size
        sides = (events[1:], worth[1:], events[:1], worth[:1])
        gap = newcombe(*sides, level)
        p = float(rate_difference_p(*sides).p[0])
    return Inflation(
        output=target.name,
        slice=slice_,
        metric=metric,
        n=n,
        leaked=n_leaked,
        all=float(values.mean()),
        clean=float(values[~leaked].mean()),
        value=float(values.mean() - values[~leaked].mean()),
        low=w * float(gap.low[0]),
        high=w * float(gap.high[0]),
        p=p,
        method=method,
        reason=Reason.TOO_FEW if np.isnan(gap.low[0]) else None,
    )


def _drawn(
    target: Target,
    slice_: Slice,
    metric: str,
    measure: Measure,
    leaked: NDArray[np.bool_],
    draws: NDArray[np.float64] | None,
    level: float,
) -> Inflation:
    ones = np.ones((1, target.n))
    whole, clean = float(measure(target, ones)[0]), float(measure(target, ones * ~leaked)[0])
    n, n_leaked = target.n, int(leaked.sum())
    low = high = p = value = np.nan
    reason = Reason.TOO_FEW if draws is None else None
    if np.isnan(whole) or np.isnan(clean):
        reason = Reason.ONE_CLASS
    if reason is None and draws is not None:
        value = whole - clean
        if draws.size < DRAWS // 2:
            reason, value = Reason.TOO_FEW, np.nan
        else:
            low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
            tail = min(np.count_nonzero(draws <= 0), np.count_nonzero(draws >= 0))
            p = min(1.0, 2 * (1 + tail) / (1 + draws.size))
    return Inflation(
        output=target.name,
        slice=slice_,
        metric=metric,
        n=n,
        leaked=n_leaked,
        all=whole,
        clean=clean,
        value=value,
        low=float(low),
        high=float(high),
        p=float(p),
        method=BOOTSTRAP,
        reason=reason,
    )


def _differences(
    target: Target,
    measures: Mapping[str, Measure],
    leaked: NDArray[np.bool_],
    clusters: NDArray[np.int32],
    rng: np.random.Generator,
) -> dict[str, NDArray[np.float64]]:
    """Draw clusters with replacement; both numbers from the same draw, undefined ones left out.

    Returns:
        Measure -> differences; none where there are too few leaked rows.
    """
    if not measures or int(leaked.sum()) < FEWEST:
        return {}
    if target.scores is not None and target.scores.ndim == 1:
        # by score, so that the measures walk through the memory in order
        order = np.argsort(target.scores, kind="stable")
        target, leaked, clusters = target.take(order), leaked[order], clusters[order]
    _, code = np.unique(clusters, return_inverse=True)
    count = int(code.max()) + 1
    at_once = max(1, WEIGHTS_AT_ONCE // target.n)
    found: dict[str, list[NDArray[np.float64]]] = {name: [] for name in measures}
    for start in range(0, DRAWS, at_once):
        # how often each of `count` clusters is drawn in `count` draws: multinomial, without its binomials
        drawn = np.stack(
            [
                np.bincount(rng.integers(0, count, count, dtype=np.int32), minlength=count)
                for _ in range(min(at_once, DRAWS - start))
            ]
        )
        weights = np.take(drawn, code, axis=1).astype(np.float64)
        clean = weights * ~leaked
        for name, measure in measures.items():
            found[name].append(measure(target, weights) - measure(target, clean))
    joined = {name: np.concatenate(parts) for name, parts in found.items()}
    return {name: draws[~np.isnan(draws)] for name, draws in joined.items()}


def _none(
    target: Target,
    slice_: Slice,
    metric: str,
    n: int,
    leaked: int,
    method: str,
    values: NDArray[np.float64],
    hit: NDArray[np.bool_],
) -> Inflation:
    """No leaked row in the denominator: equal numbers; or nothing else in it: no clean number."""
    nothing = n == 0 or leaked == n
    mean = float(values.mean()) if n else np.nan
    return Inflation(
        output=target.name,
        slice=slice_,
        metric=metric,
        n=n,
        leaked=leaked,
        all=mean,
        clean=np.nan if nothing else mean,
        value=np.nan if nothing else 0.0,
        low=np.nan,
        high=np.nan,
        p=np.nan,
        method=method,
        reason=Reason.NO_ROWS if nothing else Reason.TOO_FEW,
    )


def worst_first(found: Sequence[Inflation]) -> list[Inflation]:
    """Order by size of the inflation, those not computed last."""
    return sorted(
        found, key=lambda one: (np.isnan(one.value), -abs(np.nan_to_num(one.value)), one.output, one.metric)
    )
