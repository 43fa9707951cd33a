"""FPR and FNR of an identity and of everyone over one common threshold."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts import numbers, palette

SIDES = (("fpr", "FPR", palette.VERMILION, "rgba(213, 94, 0, 0.14)", "n_neg"),
         ("fnr", "FNR", palette.BLUE, "rgba(0, 114, 178, 0.14)", "n_pos"))  # fmt: skip


def errors_chart(own: pd.DataFrame, everyone: pd.DataFrame, name: str, threshold: float) -> go.Figure:
    """Two lines each for the identity (solid, with a band) and for everyone (dashed).

    Args:
        own: rows of the table `thresholds` of one output and identity.
        everyone: those of everyone.
        name: of the identity.
        threshold: the one that is asked about.
    """
    figure = go.Figure()
    short = palette.literal(palette.shorten(name))
    for measure, title, colour, pale, n in SIDES:
        rows = own[own[measure].notna()].sort_values("threshold")
        figure.add_trace(_band(rows, measure, pale))
        figure.add_trace(_line(rows, measure, n, f"{title}, {short}", {"color": colour, "width": 2.2}))
        every = everyone[everyone[measure].notna()].sort_values("threshold")
        dashed = {"color": colour, "width": 1.6, "dash": "dash"}
        figure.add_trace(_line(every, measure, n, f"{title}, everyone", dashed))
    in_force = own.loc[own["in_force"], "threshold"].drop_duplicates().tolist()
    for at in in_force:
        figure.add_vline(x=at, line={"color": palette.GREY, "dash": "dot", "width": 1.5})
        _note(figure, at, f"in force {at:g}", 1.0)
    if threshold not in in_force:
        figure.add_vline(x=threshold, line={"color": palette.GREY, "width": 1.5})
        _note(figure, threshold, f"asked {threshold:g}", 0.9)
    palette.layout(figure, 380, x="One common threshold on the score", y="Error rate (%)")
    figure.update_yaxes(rangemode="tozero")
    return figure.update_xaxes(range=[0, 1])


def _line(rows: pd.DataFrame, measure: str, n: str, name: str, line: dict[str, object]) -> go.Scatter:
    return go.Scatter(
        x=rows["threshold"].tolist(),
        y=(rows[measure] * 100).tolist(),
        mode="lines",
        line=line,
        name=name,
        hovertext=[tip(row, measure, n) for _, row in rows.iterrows()],
        hovertemplate="%{hovertext}<extra>" + name + "</extra>",
    )


def _band(rows: pd.DataFrame, measure: str, colour: str) -> go.Scatter:
    x = rows["threshold"].tolist()
    low, high = (rows[f"{measure}_{end}"] * 100 for end in ("low", "high"))
    return go.Scatter(
        x=x + x[::-1],
        y=high.tolist() + low.tolist()[::-1],
        fill="toself",
        fillcolor=colour,
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
    )


def tip(row: pd.Series, measure: str, n: str) -> str:
    """Value at a threshold with its interval and n."""
    return f"threshold {row['threshold']:g}<br>{tip_value(row, measure, n)}"


def tip_value(row: pd.Series, measure: str, n: str) -> str:
    """A rate of the table `thresholds`; its errors are its share of n, so that none is shown as a bound.

    Args:
        row: of the table.
        measure: "fpr" or "fnr".
        n: column of its denominator.
    """
    events = None if numbers.absent(row[measure]) else round(row[measure] * row[n])
    return numbers.estimate(
        row[measure], row[f"{measure}_low"], row[f"{measure}_high"], row[n], "rate", events
    )


def _note(figure: go.Figure, x: float, text: str, y: float) -> None:
    left = x < 0.8
    figure.add_annotation(
        x=x,
        y=y,
        yref="paper",
        text=text,
        showarrow=False,
        xanchor="left" if left else "right",
        xshift=4 if left else -4,
        font={"size": 11},
    )
