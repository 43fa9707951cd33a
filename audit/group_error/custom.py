"""A user's own metrics through fairlearn's MetricFrame: any function of (y_true, y_pred)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from audit.core import Attribute, TaskKind
from audit.group_error.targets import Target
from audit.registry import import_path

SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("output", "metric", "slice", "attribute", "value")]
    + [("n", pa.int64()), ("result", pa.float64()), ("failed", pa.string())]
)


def custom_metrics(
    paths: Sequence[str], targets: Sequence[Target], attributes: Mapping[str, Attribute]
) -> pa.Table:
    """Run each metric on each target overall and by each attribute.

    Args:
        paths: ``package.module:function``.
        targets: yes/no, many-class and numeric targets with truth; decisions are passed as y_pred, codes for
            classes.
        attributes: declared attributes.

    Returns:
        Columns output, metric, slice, attribute, value, n, result, failed. A metric that raises, or that
        gives no number, has its message in `failed`; no interval is known for a stranger's function.

    Raises:
        PlumblineError: a path can't be imported.
    """
    rows: list[dict[str, Any]] = []
    for path in paths:
        function = import_path(path)
        for target in targets:
            if target.truth is not None and target.task.kind is not TaskKind.MULTILABEL:
                rows += _rows(path, function, target, attributes)
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _rows(
    path: str, function: Callable[..., Any], target: Target, attributes: Mapping[str, Attribute]
) -> list[dict[str, Any]]:
    from fairlearn.metrics import MetricFrame  # a heavy import that only this needs

    rows: list[dict[str, Any]] = []
    for attribute in attributes.values() or [None]:
        groups = (
            np.zeros(target.n, int)
            if attribute is None
            else np.array(attribute.values, dtype=object)[attribute.codes[target.rows]]
        )
        frame, failed = None, ""
        try:
            frame = MetricFrame(
                metrics=function, y_true=target.truth, y_pred=target.decision, sensitive_features=groups
            )
        except Exception as error:  # a stranger's function may raise anything; it is reported in the table
            failed = f"{type(error).__name__}: {error}"
        if attribute is None or not rows:
            rows.append(
                _row(path, target, "", "", target.n, None if frame is None else frame.overall, failed)
            )
        if attribute is not None:
            for value, n in zip(*np.unique(groups, return_counts=True), strict=True):
                got = None if frame is None else frame.by_group[value]
                rows.append(_row(path, target, attribute.name, str(value), int(n), got, failed))
    return rows


def _row(
    path: str, target: Target, attribute: str, value: str, n: int, got: Any, failed: str
) -> dict[str, Any]:
    if not failed and not isinstance(got, int | float | np.number):
        failed = f"gave {type(got).__name__}, not a number"
    return {
        "output": target.name,
        "metric": path,
        "slice": f"{attribute}={value}" if attribute else "all",
        "attribute": attribute,
        "value": value,
        "n": n,
        "result": None if failed else float(got),
        "failed": failed,
    }
