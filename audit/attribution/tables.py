"""Explained rows as tables: one row an explanation, its words or its map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit.attribution.agreement import rank_correlation, top_overlap
from audit.attribution.kept import Arrays
from audit.attribution.maps import SmallMap, small
from audit.attribution.trust import Doubt, Trust, TrustLimits
from audit.attribution.words import Words

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One explained row."""

    id: str
    outcomes: Mapping[str, str]
    """Output -> how its decision ended; missing where the audit has no such prediction."""
    arrays: Arrays
    """From `examples.explain_row`."""
    words: Words | None = None


@dataclass(frozen=True, kw_only=True)
class Check:
    """The random-weights check of one method and output."""

    output: str
    method: str
    correlation: float
    overlap: float
    examples: int


def explanations(rows: Sequence[Row], checks: Sequence[Check], limits: TrustLimits, engine: str) -> pa.Table:
    """One row an example, column and method, with its trust numbers and doubts."""
    checked = {(check.output, check.method): check for check in checks}
    made: list[dict[str, Any]] = []
    for row in rows:
        arrays = row.arrays
        weights = arrays["weights"]
        for k, column in enumerate(arrays["columns"].tolist()):
            output, _, name = column.partition("/")
            for m, method in enumerate(arrays["methods"].tolist()):
                lime = method == "lime"
                pair = (
                    weights[0, :, k],
                    weights[max(m, 1), :, k],
                )  # LIME and SHAP; of another method, LIME and it
                agreement, shared = float(rank_correlation(*pair)), float(top_overlap(*pair))
                check = checked.get((column, method)) or checked.get((output, method))
                trust = Trust(
                    features=weights.shape[1],
                    varies=bool(arrays["varies"][k]),
                    fit=_known(arrays["fit"][k]) if lime else None,
                    overlap=_known(arrays["overlap"][k]) if lime else None,
                    beaten=_known(arrays["beaten"][m, k]),
                    agreement=_known(agreement),
                    random_weights=None if check is None else _known(check.correlation),
                )
                doubts = trust.doubts(limits)
                made.append(
                    {
                        "id": row.id,
                        "output": output,
                        "class": name,
                        "method": method,
                        "engine": engine if method in ("lime", "shap") else "model",
                        "outcome": row.outcomes.get(column, row.outcomes.get(output)),
                        "score": float(arrays["score"][k]),
                        "base": _known(arrays["base"][m, k]),
                        "features": weights.shape[1],
                        "samples": int(arrays["samples"][m]),
                        "passes": int(arrays["passes"][m]),
                        "settled": bool(arrays["settled"][m]),
                        "fit": trust.fit,
                        "overlap": trust.overlap,
                        "correlation": _known(arrays["correlation"][k]) if lime else None,
                        "deletion": float(arrays["deletion"][m, k]),
                        "insertion": float(arrays["insertion"][m, k]),
                        "random_gain": float(arrays["random_gain"][k]),
                        "beaten": trust.beaten,
                        "agreement": trust.agreement,
                        "agreement_overlap": _known(shared),
                        "random_weights": trust.random_weights,
                        "trusted": not doubts,
                        "doubts": ";".join(doubts),
                    }
                )
    return pa.Table.from_pylist(made) if made else pa.table({})


def words(rows: Sequence[Row]) -> pa.Table:
    """One row an example, column and word, with its weight by every method."""
    made: list[dict[str, Any]] = []
    for row in rows:
        if row.words is None:
            continue
        methods = row.arrays["methods"].tolist()
        for k, column in enumerate(row.arrays["columns"].tolist()):
            output, _, name = column.partition("/")
            for i, (start, end) in enumerate(row.words.spans):
                weights = row.arrays["weights"][:, row.words.feature[i], k]
                made.append(
                    {"id": row.id, "output": output, "class": name, "position": i, "start": start, "end": end}
                    | {"word": row.words.text[start:end]}
                    | {("own" if m >= 2 else method): float(weights[m]) for m, method in enumerate(methods)}
                )
    return pa.Table.from_pylist(made) if made else pa.table({})


def maps(rows: Sequence[Row]) -> pa.Table:
    """One row an example, column and method: a small map of one byte a place (`audit.attribution.maps`)."""
    made: list[dict[str, Any]] = []
    for row in rows:
        if "maps" not in row.arrays:
            continue
        height, width = row.arrays["shape"].tolist()
        for m, method in enumerate(row.arrays["methods"].tolist()):
            for k, column in enumerate(row.arrays["columns"].tolist()):
                output, _, name = column.partition("/")
                stored = small(row.arrays["maps"][m, k].astype(np.float64))
                made.append(
                    {"id": row.id, "output": output, "class": name, "method": method}
                    | _columns(stored)
                    | {"picture_height": height, "picture_width": width}
                )
    return pa.Table.from_pylist(made) if made else pa.table({})


def group_maps(made: Sequence[tuple[str, str, str, str, int, Array]]) -> pa.Table:
    """Mean maps: output, method, attribute, value, pictures, map."""
    return (
        pa.Table.from_pylist(
            [
                {"output": output, "method": method, "attribute": attribute, "value": value, "n": n}
                | _columns(small(mean))
                for output, method, attribute, value, n, mean in made
                if n
            ]
        )
        if any(one[4] for one in made)
        else pa.table({})
    )


def checks_table(checks: Sequence[Check], limits: TrustLimits) -> pa.Table:
    """The random-weights check."""
    return pa.table(
        {
            "output": [check.output for check in checks],
            "method": [check.method for check in checks],
            "correlation": pa.array([_known(check.correlation) for check in checks], pa.float64()),
            "overlap": [check.overlap for check in checks],
            "examples": [check.examples for check in checks],
            "survives": [check.correlation > limits.random_weights for check in checks],
        }
    )


def doubt_counts(table: pa.Table) -> dict[str, dict[str, int]]:
    """Method -> explanations, trusted ones, and how often each doubt was raised."""
    counts: dict[str, dict[str, int]] = {}
    if not table.num_rows:
        return counts
    for method, doubts in zip(table["method"].to_pylist(), table["doubts"].to_pylist(), strict=True):
        mine = counts.setdefault(method, {"explanations": 0, "trusted": 0, **{d.value: 0 for d in Doubt}})
        mine["explanations"] += 1
        mine["trusted"] += not doubts
        for doubt in filter(None, doubts.split(";")):
            mine[doubt] += 1
    return counts


def _columns(stored: SmallMap) -> dict[str, Any]:
    return {"height": stored.height, "width": stored.width, "scale": stored.scale, "codes": stored.codes}


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
