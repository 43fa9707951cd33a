"""Tables of the leakage section."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit.core import SPLITS, Examples, Predictions, TaskKind
from audit.intervals import wilson
from audit.leakage.clusters import contradictions, diameters, pair_table
from audit.leakage.inflation import Inflation, worst_first
from audit.leakage.leaks import GroupShares, Leaks, split_names
from audit.leakage.pair_list import PairList
from audit.leakage.recall import Planted
from audit.leakage.threshold import Curve


def pairs(found: PairList, examples: Examples, similar: PairList | None) -> pa.Table:
    """Pairs with ids, splits and whether they cross them; similar ones, which are no copies, too."""
    tables = []
    for part in [found] if similar is None else [found, similar]:
        table = part.table(examples.ids)
        a, b = examples.split[part.a], examples.split[part.b]
        table = table.append_column("split_a", pa.array(split_names(a), pa.string()))
        tables.append(table.append_column("split_b", pa.array(split_names(b), pa.string())))
    return pa.concat_tables(tables)


def by_distance(curve: Curve, checked_to: int) -> pa.Table:
    """What lies at each distance: pairs, chance, confirmed share, precision up to there."""
    distances = np.arange(curve.pairs.size)
    return pa.table(
        {
            "distance": pa.array(distances, pa.int32()),
            "pairs": pa.array(curve.pairs),
            "by_chance": pa.array(curve.by_chance),
            "checked": pa.array(curve.sampled),
            "confirmed": pa.array(curve.confirmed),
            "share": _nullable(curve.share.value),
            "share_low": _nullable(curve.share.low),
            "share_high": _nullable(curve.share.high),
            "pairs_up_to": pa.array(np.cumsum(curve.pairs)),
            "precision": _nullable(curve.precision.value),
            "precision_low": _nullable(curve.precision.low),
            "precision_high": _nullable(curve.precision.high),
            "all_checked": pa.array(distances <= checked_to),
            "recommended": pa.array(distances == curve.recommended),
        }
    )


def recall(planted: Planted, largest: int, level: float) -> pa.Table:
    """Planted copies found, by kind and distance."""
    names = ("kind", "distance", "planted", "within", "found", "recall", "low", "high", "with_parts")
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for distance in range(largest + 1):
        found, within = planted.found(distance), planted.within(distance)
        interval = wilson(found, np.full(found.size, planted.pictures), level)
        columns["kind"] += planted.kinds
        columns["distance"] += [distance] * found.size
        columns["planted"] += [planted.pictures] * found.size
        columns["within"] += within.tolist()
        columns["found"] += found.tolist()
        columns["with_parts"] += planted.found_with_parts(distance).tolist()
        for name, values in (("recall", interval.value), ("low", interval.low), ("high", interval.high)):
            columns[name] += _nullable(values).to_pylist()
    return pa.table(columns)


def clusters(leaks: Leaks, examples: Examples, hashes: NDArray[np.uint64] | None) -> pa.Table:
    """Members of clusters; the diameter in bits is empty for texts."""
    rows = np.flatnonzero(leaks.cluster >= 0)
    rows = rows[np.argsort(leaks.cluster[rows], kind="stable")]
    code = leaks.cluster[rows]
    size = np.bincount(code)
    wide = np.full(size.size, -1, dtype=np.int64) if hashes is None else diameters(leaks.cluster, hashes)
    return pa.table(
        {
            "cluster": pa.array(code),
            "id": examples.ids.take(pa.array(rows)),
            "split": pa.array(split_names(examples.split[rows]), pa.string()),
            "keep": pa.array(leaks.choice.keep[rows]),
            "leaked": pa.array(leaks.leaked[rows]),
            "size": pa.array(size[code]),
            "diameter": pa.array(wide[code], mask=wide[code] < 0),
        }
    )


def split_table(leaks: Leaks, examples: Examples, level: float) -> pa.Table:
    """Pairs between splits, and how many rows of the first have a direct copy in the second."""
    counts = pair_table(leaks.copies, examples.split, len(SPLITS))
    rows = []
    present = [code for code in range(len(SPLITS)) if (examples.split == code).any()]
    for first in present:
        inside = examples.split == first
        for second in present:
            touched = int((inside & leaks.copies.neighbours(examples.split == second)).sum())
            share = wilson([touched], [int(inside.sum())], level)
            rows.append(
                {
                    "split": SPLITS[first],
                    "copies_in": SPLITS[second],
                    "rows": int(inside.sum()),
                    "rows_with_copy": touched,
                    "share": _number(share.value[0]),
                    "low": _number(share.low[0]),
                    "high": _number(share.high[0]),
                    "identical_pairs": int(counts[0, first, second]),
                    "near_pairs": int(counts[1, first, second]),
                }
            )
    return pa.Table.from_pylist(rows)


def conflicts(
    leaks: Leaks, examples: Examples, predictions: Mapping[str, Predictions], margin: float
) -> pa.Table:
    """Clusters whose members do not agree on a truth or an attribute.

    Args:
        leaks: the clusters.
        examples: n rows.
        predictions: for truth; of numbers, a spread above the margin is a conflict.
        margin: in the unit of a numeric output.
    """
    rows: list[dict[str, Any]] = []
    for name, attribute in examples.attributes.items():
        missing = (attribute.unknown_code,) if attribute.unknown_code >= 0 else ()
        words = np.array(attribute.values, dtype=object)
        found = contradictions(leaks.cluster, attribute.codes, missing)
        rows += _conflict_rows("group", name, found, leaks.cluster, examples, words[attribute.codes])
    for target, code, words in _truths(examples.n, predictions):
        if code is None:
            found = _spread(leaks.cluster, words, margin)
        else:
            found = contradictions(leaks.cluster, code, (-1,))
        rows += _conflict_rows("truth", target, found, leaks.cluster, examples, words)
    return pa.Table.from_pylist(rows, schema=CONFLICTS)


CONFLICTS = pa.schema(
    [
        ("cluster", pa.int32()),
        ("what", pa.string()),
        ("name", pa.string()),
        ("values", pa.string()),
        ("rows", pa.int64()),
        ("ids", pa.list_(pa.string())),
    ]
)
LISTED = 12


def _truths(
    n: int, predictions: Mapping[str, Predictions]
) -> list[tuple[str, NDArray[np.int64] | None, NDArray[Any]]]:
    """(name, (n,) codes or None for numbers, (n,) words or numbers) of every output with a truth."""
    found: list[tuple[str, NDArray[np.int64] | None, NDArray[Any]]] = []
    for output, p in predictions.items():
        if p.truth is None:
            continue
        if p.task.kind is TaskKind.REGRESSION:
            numbers = np.full(n, np.nan)
            numbers[p.rows] = p.truth
            found.append((output, None, numbers))
            continue
        several = p.task.kind is TaskKind.MULTILABEL
        columns = (
            [(f"{output}/{label}", p.truth[:, k]) for k, label in enumerate(p.task.classes)]
            if several
            else []
        )
        for name, truth in columns or [(output, p.truth)]:
            code = np.full(n, -1, dtype=np.int64)
            code[p.rows] = truth
            classes = ("0", "1") if several else p.task.classes
            found.append((name, code, np.array([*classes, ""], dtype=object)[code]))
    return found


def _spread(cluster: NDArray[np.int32], numbers: NDArray[np.float64], margin: float) -> NDArray[np.int32]:
    known = (cluster >= 0) & ~np.isnan(numbers)
    size = int(cluster.max(initial=-1)) + 1
    low, high = np.full(size, np.inf), np.full(size, -np.inf)
    np.minimum.at(low, cluster[known], numbers[known])
    np.maximum.at(high, cluster[known], numbers[known])
    return np.flatnonzero(high - low > margin).astype(np.int32)


def _conflict_rows(
    what: str,
    name: str,
    found: NDArray[np.int32],
    cluster: NDArray[np.int32],
    examples: Examples,
    words: NDArray[Any],
) -> list[dict[str, Any]]:
    rows = []
    order = np.argsort(cluster, kind="stable")
    begin = np.searchsorted(cluster[order], [found, found + 1])
    for code, first, last in zip(found.tolist(), *begin.tolist(), strict=True):
        members = order[first:last]
        rows.append(
            {
                "cluster": code,
                "what": what,
                "name": name,
                "values": " | ".join(sorted({str(words[m]) for m in members} - {"", "nan"})),
                "rows": members.size,
                "ids": examples.ids.take(pa.array(members[:LISTED])).to_pylist(),
            }
        )
    return rows


def by_group(found: Sequence[tuple[str, GroupShares, NDArray[np.float64]]]) -> pa.Table:
    """Shares by group: (what, shares, adjusted p (K,))."""
    rows = []
    for what, group, adjusted in found:
        for k, value in enumerate(group.values):
            rows.append(
                {
                    "what": what,
                    "attribute": group.attribute,
                    "value": value,
                    "n": int(group.n[k]),
                    "rows": int(group.events[k]),
                    "share": _number(group.share.value[k]),
                    "low": _number(group.share.low[k]),
                    "high": _number(group.share.high[k]),
                    "others": _number(group.others[k]),
                    "gap": _number(group.gap.value[k]),
                    "gap_low": _number(group.gap.low[k]),
                    "gap_high": _number(group.gap.high[k]),
                    "p": _number(group.p[k]),
                    "p_adjusted": _number(adjusted[k]),
                }
            )
    return pa.Table.from_pylist(rows)


def inflation(found: Sequence[Inflation], adjusted: Mapping[tuple[str, str, str], float]) -> pa.Table:
    """Every metric with and without leaked rows."""
    rows = [
        {
            "output": one.output,
            "slice": one.slice.key,
            "metric": one.metric,
            "n": one.n,
            "leaked": one.leaked,
            "all": _number(one.all),
            "clean": _number(one.clean),
            "inflation": _number(one.value),
            "low": _number(one.low),
            "high": _number(one.high),
            "p": _number(one.p),
            "p_adjusted": _number(adjusted.get((one.output, one.slice.key, one.metric), np.nan)),
            "method": one.method,
            "reason": "" if one.reason is None else one.reason.value,
        }
        for one in worst_first(found)
    ]
    return pa.Table.from_pylist(rows)


def actions(leaks: Leaks, examples: Examples) -> pa.Table:
    """Rows of clusters with keep or drop and the reason."""
    rows = np.flatnonzero(leaks.cluster >= 0)
    choice = leaks.choice
    instead = choice.kept_instead[rows]
    ids = examples.ids
    reasons = []
    for row, kept in zip(rows.tolist(), instead.tolist(), strict=True):
        if kept < 0:
            reasons.append("no direct copy is kept before it")
        else:
            what = "identical to" if choice.equal[row] else "near copy of"
            reasons.append(f"{what} {ids[kept].as_py()} ({SPLITS[examples.split[kept]]})")
    return pa.table(
        {
            "id": ids.take(pa.array(rows)),
            "split": pa.array(split_names(examples.split[rows]), pa.string()),
            "cluster": pa.array(leaks.cluster[rows]),
            "action": pa.array(np.where(choice.keep[rows], "keep", "drop").tolist(), pa.string()),
            "reason": pa.array(reasons, pa.string()),
        }
    )


def _number(x: float) -> float | None:
    return None if np.isnan(x) else float(x)


def _nullable(values: NDArray[np.float64]) -> pa.Array:
    return pa.array(values, pa.float64(), from_pandas=True)
