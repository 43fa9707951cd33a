"""Labels of the same row: how often two are positive together."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts import numbers, palette
from dashboard.charts.data_heat import COUNTS, Scale, heat_chart

MOST_LABELS = 25
"""Labels that are drawn, those with the most positives; the table has all."""
SHARE, PHI = "share_of_label", "phi"


def together_chart(pairs: pd.DataFrame, what: str) -> go.Figure:
    """A cell a pair; the share is read along a row.

    Args:
        pairs: columns label, other, n, both, share_of_label, phi: every ordered pair once.
        what: `SHARE` or `PHI`.
    """
    labels = list(dict.fromkeys(pairs["label"]))
    names = palette.labels(labels, 24)
    size = len(labels)
    values = pairs[what].to_numpy(dtype=np.float64).reshape(size, size).copy()
    np.fill_diagonal(values, np.nan)
    texts = np.array([_text(v, what) for v in values.ravel()], dtype=object).reshape(size, size)
    np.fill_diagonal(texts, "")
    tips = np.array([_tip(pair) for _, pair in pairs.iterrows()], dtype=object).reshape(size, size)
    scale = (
        Scale(colours=COUNTS, low=0, high=1, title="share", tick=".0%")
        if what == SHARE
        else Scale(colours=palette.heat_scale(), low=-1, high=1, title="phi", tick=".1f")
    )
    figure = heat_chart(values, names, names, texts, tips, scale)
    figure.update_yaxes(title="rows with …" if what == SHARE else "")
    return figure.update_xaxes(title="… that have this as well" if what == SHARE else "")


def _text(value: float, what: str) -> str:
    if np.isnan(value):
        return numbers.MISSING
    return f"{value:.0%}" if what == SHARE else f"{value:.2f}".replace("-", "−")


def _tip(pair: pd.Series) -> str:
    label, other = palette.literal(pair["label"]), palette.literal(pair["other"])
    phi = numbers.MISSING if numbers.absent(pair["phi"]) else f"{pair['phi']:.3f}".replace("-", "−")
    share = numbers.number(pair["share_of_label"])
    return (
        f"<b>{label} and {other}</b><br>{numbers.count(pair['both'])} rows have both, of "
        f"{numbers.count(pair['n'])} where both are known<br>"
        f"{share} of those with {label} have {other}<br>phi {phi}"
    )
