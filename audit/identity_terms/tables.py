"""The probe's evidence as Arrow tables. Columns are documented in docs/identity-terms.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit.core import Level, Reason
from audit.identity_terms.label import Label
from audit.identity_terms.memberships import Memberships
from audit.identity_terms.order import Ints
from audit.identity_terms.power_mean import Mean
from audit.identity_terms.ranked import ADJUSTMENT, RankedCells
from audit.identity_terms.rates import Deviation
from audit.identity_terms.samples import BACK_NEG, BACK_POS, OWN_NEG, OWN_POS
from audit.identity_terms.thresholds import COST, Choice, Grid

EVERYONE = ""
"""Identity of the rows of `thresholds` that count everyone."""


def cells_table(
    ranked: Sequence[RankedCells], memberships: Memberships, other: Mapping[str, Ints | None]
) -> pa.Table:
    """One row a label x metric x identity.

    Args:
        ranked: every cell.
        memberships: names of the identities.
        other: output -> (2, K) rows of g- and b- that have another label.
    """
    return pa.concat_tables([_cells(r, memberships, other[r.cells.label.target.name]) for r in ranked])


def _cells(r: RankedCells, memberships: Memberships, other: Ints | None) -> pa.Table:
    c, size = r.cells, len(memberships)
    others = [pa.nulls(size, pa.int64())] * 2 if other is None else [pa.array(x, pa.int64()) for x in other]
    tested = ~np.isnan(r.p)
    established = r.ranks.level != Level.NOT_ESTABLISHED.value
    return pa.table(
        {
            "output": pa.array([c.label.target.name] * size, pa.string()),
            "label": pa.array([c.label.name] * size, pa.string()),
            "identity": pa.array(memberships.names, pa.string()),
            "group": pa.array(memberships.groups, pa.string()),
            "metric": pa.array([c.metric.name] * size, pa.string()),
            "value": _number(c.own.value),
            "low": _number(c.own.low),
            "high": _number(c.own.high),
            "n": pa.array(c.n, pa.int64()),
            "events": _whole(c.events),
            "n_pos": pa.array(c.sizes[:, OWN_POS], pa.int64()),
            "n_neg": pa.array(c.sizes[:, OWN_NEG], pa.int64()),
            "background_n_pos": pa.array(c.sizes[:, BACK_POS], pa.int64()),
            "background_n_neg": pa.array(c.sizes[:, BACK_NEG], pa.int64()),
            "n_neg_other": others[0],
            "background_n_neg_other": others[1],
            "background": _number(c.background.value),
            "background_low": _number(c.background.low),
            "background_high": _number(c.background.high),
            "expected": _number(c.expected),
            "difference": _number(c.difference.value),
            "diff_low": _number(c.difference.low),
            "diff_high": _number(c.difference.high),
            "unit": pa.array([c.metric.unit] * size, pa.string()),
            "better": pa.array([c.metric.better] * size, pa.string()),
            "method": pa.array(c.own.method, pa.string()),
            "marks": pa.array(c.own.mark, pa.string()),
            "reason": pa.array(c.own.empty, pa.string()),
            "p": _number(r.p),
            "p_adjusted": _number(r.p_adjusted),
            "test": pa.array(np.where(tested, c.test, "").astype(object), pa.string()),
            "adjustment": pa.array(np.where(tested, ADJUSTMENT, "").astype(object), pa.string()),
            "tests": pa.array(np.full(size, r.tests), pa.int64()),
            "untested": pa.array(c.untested, pa.string()),
            "smallest_gap": _number(r.smallest),
            "harmful": pa.array(r.harmful),
            "margin": pa.array(np.full(size, r.margin)),
            "severity": pa.array(r.ranks.score),
            "level": pa.array(np.where(established, r.ranks.level, "").astype(object), pa.string()),
            "source": pa.array([memberships.source] * size, pa.string()),
        }
    )


SUMMARY = pa.schema(
    [(name, pa.string()) for name in ("output", "label", "metric")]
    + [
        (name, pa.float64())
        for name in ("value", "low", "high", "expected", "expected_low", "expected_high", "p")
    ]
    + [(name, pa.int64()) for name in ("n", "identities", "left_out")]
    + [("method", pa.string()), ("reason", pa.string())]
)


def summary_table(rows: Sequence[tuple[Label, Sequence[Mean], Sequence[Deviation]]]) -> pa.Table:
    """One row a label x line: overall AUC, power means, final score, FPED, FNED."""
    found: list[dict[str, Any]] = []
    for label, means, deviations in rows:
        name = {"output": label.target.name, "label": label.name}
        found += [name | _mean(mean) for mean in means]
        found += [name | _deviation(d) for d in deviations]
    return pa.Table.from_pylist(found, schema=SUMMARY)


def _mean(mean: Mean) -> dict[str, Any]:
    row = {end: _none(getattr(mean, end)) for end in ("value", "low", "high", "expected")}
    none_counts = mean.metric != "overall_auc" and mean.identities == 0
    reason = (Reason.TOO_FEW if none_counts else Reason.ONE_CLASS).value if row["value"] is None else ""
    return row | {
        "metric": mean.metric,
        "n": mean.n,
        "identities": mean.identities,
        "left_out": mean.left_out,
        "method": "" if row["low"] is None else "delta method from placements, logit scale",
        "reason": reason,
    }


def _deviation(d: Deviation) -> dict[str, Any]:
    names = ("value", "expected", "expected_low", "expected_high", "p")
    row = {name: _none(getattr(d, name)) for name in names}
    return row | {
        "metric": d.metric,
        "n": d.n,
        "identities": d.identities,
        "left_out": d.left_out,
        "method": "",
        "reason": Reason.TOO_FEW.value if row["value"] is None else "",
    }


def thresholds_table(grids: Sequence[Grid], memberships: Memberships) -> pa.Table:
    """One row a label x identity x threshold; identity "" is everyone."""
    return pa.concat_tables([_grid(g, memberships) for g in grids])


def _grid(g: Grid, memberships: Memberships) -> pa.Table:
    every, size = g.thresholds.size, len(memberships) + 1
    target = g.label.target
    return pa.table(
        {
            "output": pa.array([target.name] * (size * every), pa.string()),
            "label": pa.array([g.label.name] * (size * every), pa.string()),
            "identity": pa.array(np.repeat([EVERYONE, *memberships.names], every), pa.string()),
            "group": pa.array(np.repeat(["", *memberships.groups], every), pa.string()),
            "threshold": pa.array(np.tile(g.thresholds, size)),
            "in_force": pa.array(np.tile(g.thresholds == target.threshold, size)),
            "n_pos": pa.array(np.repeat(g.n[1], every), pa.int64()),
            "n_neg": pa.array(np.repeat(g.n[0], every), pa.int64()),
            **{f"fpr{end}": _number(x.ravel()) for end, x in zip(("", "_low", "_high"), g.fpr, strict=True)},
            **{f"fnr{end}": _number(x.ravel()) for end, x in zip(("", "_low", "_high"), g.fnr, strict=True)},
            "selection_rate": _number(g.selected.ravel()),
        }
    )


CHOICES = pa.schema(
    [("output", pa.string()), ("label", pa.string()), ("criterion", pa.string())]
    + [("threshold", pa.float64()), ("worst_identity", pa.string()), ("worst_error", pa.float64())]
    + [
        ("threshold_now", pa.float64()),
        ("worst_identity_now", pa.string()),
        ("worst_error_now", pa.float64()),
    ]
    + [("balanced_accuracy", pa.float64()), ("balanced_accuracy_now", pa.float64()), ("cost", pa.float64())]
    + [("identities", pa.int64()), ("reason", pa.string())]
)


def choices_table(rows: Sequence[tuple[Label, Choice]], memberships: Memberships) -> pa.Table:
    """One row a label x criterion: the common threshold whose worst identity is best off."""
    names = (*memberships.names, "")  # index -1: no identity
    found = [
        {
            "output": label.target.name,
            "label": label.name,
            "criterion": c.criterion,
            "threshold": _none(c.threshold),
            "worst_identity": names[c.worst],
            "worst_error": _none(c.value),
            "threshold_now": label.target.threshold,
            "worst_identity_now": names[c.worst_now],
            "worst_error_now": _none(c.now),
            "balanced_accuracy": _none(c.balanced_accuracy),
            "balanced_accuracy_now": _none(c.balanced_accuracy_now),
            "cost": COST,
            "identities": c.identities,
            "reason": "" if c.reason is None else c.reason.value,
        }
        for label, c in rows
    ]
    return pa.Table.from_pylist(found, schema=CHOICES)


def terms_table(memberships: Memberships, audited: NDArray[np.bool_]) -> pa.Table:
    """One row an identity: how many audited rows speak of it, of how many that were asked."""
    asked = [int((mask & audited).sum()) for mask in memberships.annotated]
    return pa.table(
        {
            "identity": pa.array(memberships.names, pa.string()),
            "group": pa.array(memberships.groups, pa.string()),
            "source": pa.array([memberships.source] * len(memberships), pa.string()),
            "rows": pa.array([int(audited[rows].sum()) for rows in memberships.members], pa.int64()),
            "annotated": pa.array([asked[m] for m in memberships.mask], pa.int64()),
        }
    )


def _number(x: NDArray[np.float64]) -> pa.Array:
    """Floats with null for NaN, so that a missing number reads as missing everywhere."""
    return pa.array(np.asarray(x, dtype=np.float64), from_pandas=True)


def _whole(x: NDArray[np.float64]) -> pa.Array:
    return pa.array(np.rint(x), from_pandas=True).cast(pa.int64())


def _none(x: float) -> float | None:
    return None if np.isnan(x) else float(x)
