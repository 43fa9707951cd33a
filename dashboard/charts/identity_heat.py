"""Heat map labels x identities: how far each cell is from what no bias would give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from audit import wording
from dashboard.charts import gaps, numbers, palette

ROW, FRAME = 27, 110
"""Height of a row and of what is around the map, in pixels."""
SIGN, NOT_COMPUTED = "◆", "╱"
"""In a cell: established; not computed."""
OTHERS = "other"
"""Heading of identities whose kind nobody named."""
SHOWN_ONLY = "shown_only"


@dataclass(frozen=True, kw_only=True)
class Map:
    """What is drawn: identities by kind, the worst first."""

    kinds: Sequence[tuple[str, Sequence[str]]]
    """(kind, its identities)."""
    outputs: Sequence[str]
    hidden: int
    """Identities left out because none of their cells has enough texts."""

    @property
    def identities(self) -> list[str]:
        """All of them in the order drawn."""
        return [name for _, names in self.kinds for name in names]


def with_harm(cells: pd.DataFrame, minimum_n: int) -> pd.DataFrame:
    """Cells with `harm`, the difference turned so that more is worse, and `enough`: texts to colour it.

    Args:
        cells: rows of the table `cells`.
        minimum_n: texts from which a number says something.
    """
    signs = cells["metric"].map({name: sign for name, (sign, _) in wording.IDENTITY_HARMS.items()})
    scale = np.where(cells["unit"] == "rate", 100.0, 1.0)
    harm = cells["difference"] * signs * scale
    enough = cells["difference"].notna() & (cells["n"].fillna(0) >= minimum_n)
    return cells.assign(harm=harm, enough=enough)


def arrange(cells: pd.DataFrame, *, every: bool) -> Map:
    """Order one metric's cells: kinds and, inside each, identities, by their worst label.

    Args:
        cells: of one metric, as `with_harm` gives them.
        every: keep identities with too few texts in every cell as well.
    """
    ranks = cells.assign(
        score=cells["severity"].fillna(0.0),
        size=cells["harm"].where(cells["enough"], -np.inf),
        rows=cells["n_pos"] + cells["n_neg"],
    )
    worst = ranks.groupby("identity", sort=False).agg(
        group=("group", "first"), score=("score", "max"), size=("size", "max"), rows=("rows", "max")
    )
    worst = worst.sort_values(["score", "size", "rows"], ascending=False, kind="stable")
    kept = worst if every else worst[worst["size"] > -np.inf]
    kinds = [
        (str(kind or OTHERS), own.index.tolist())
        for kind, own in kept.assign(kind=kept["group"].replace("", OTHERS)).groupby("kind", sort=False)
    ]
    outputs = list(dict.fromkeys(cells["output"]))
    return Map(kinds=kinds, outputs=outputs, hidden=len(worst) - len(kept))


def heat_chart(
    cells: pd.DataFrame, drawn: Map, texts: Mapping[str, int], selected: tuple[str, str], margin: float
) -> go.Figure:
    """Draw the map; the points over its cells carry (identity, output) and can be clicked.

    Args:
        cells: of one metric, as `with_harm` gives them.
        drawn: what is drawn.
        texts: identity -> audited texts that speak of it.
        selected: (identity, output) to frame.
        margin: a difference that matters, in the metric's unit: the scale is at least three times as wide.
    """
    unit = str(cells["unit"].iloc[0])
    names = palette.labels([wording.identity(name) for name in drawn.identities], 30)
    label_of = {
        name: f"{shown}  <i>n={numbers.count(texts.get(name, 0))}</i>"
        for name, shown in zip(drawn.identities, names, strict=True)
    }
    down: list[str] = []
    for kind, identities in drawn.kinds:
        down += [f"<b>{palette.literal(kind)}</b>", *(label_of[name] for name in identities)]
    across = dict(zip(drawn.outputs, palette.labels(list(drawn.outputs), 18), strict=True))
    own = cells[cells["identity"].isin(label_of)]
    scale = 100.0 if unit == "rate" else 1.0
    most = max(float(own["harm"].where(own["enough"]).abs().max()), 3 * margin * scale)
    most = most if np.isfinite(most) and most else 1.0
    looks = own.assign(
        x=own["output"].map(across),
        y=own["identity"].map(label_of),
        ink=[_ink(row, most) for _, row in own.iterrows()],
        words=[cell_text(row) for _, row in own.iterrows()],
        tip=[tip(row) for _, row in own.iterrows()],
    )
    colours = looks[looks["enough"]].set_index(["y", "x"])["harm"].to_dict()
    figure = go.Figure(
        go.Heatmap(
            z=[[colours.get((y, x)) for x in across.values()] for y in down],
            x=list(across.values()),
            y=down,
            colorscale=palette.heat_scale(),
            zmin=-most,
            zmax=most,
            xgap=2,
            ygap=2,
            hoverinfo="skip",
            hoverongaps=False,
            colorbar={
                "title": {"text": f"worse than<br>no bias{_in(unit)}"},
                "thickness": 12,
                "lenmode": "pixels",
                "len": 170,
                "y": 1,
                "yanchor": "top",
                "outlinewidth": 0,
            },
        )
    )
    for ink, part in looks.groupby("ink", sort=False):
        figure.add_trace(_points(part, str(ink)))
    palette.layout(figure, FRAME + ROW * max(len(down), 3), showlegend=False)
    palette.rows_of(figure, down).update_yaxes(ticks="")
    palette.columns_of(figure, list(across.values()))
    figure.update_layout(margin={"t": 48, "b": 12})
    if selected[0] in label_of and selected[1] in across:
        i, j = down[::-1].index(label_of[selected[0]]), list(across).index(selected[1])
        figure.add_shape(
            type="rect",
            x0=j - 0.5,
            x1=j + 0.5,
            y0=i - 0.5,
            y1=i + 0.5,
            line={"color": palette.GREEN, "width": 3},
        )
    return figure


def _points(part: pd.DataFrame, ink: str) -> go.Scatter:
    return go.Scatter(
        x=part["x"].tolist(),
        y=part["y"].tolist(),
        mode="markers+text",
        marker={"opacity": 0, "size": ROW - 3, "symbol": "square"},
        text=part["words"].tolist(),
        textfont={"size": 11, "color": ink},
        customdata=part[["identity", "output"]].to_numpy(dtype=object).tolist(),
        hovertext=part["tip"].tolist(),
        hovertemplate="%{hovertext}<extra></extra>",
        selected={"marker": {"opacity": 0}, "textfont": {"color": ink}},
        unselected={"marker": {"opacity": 0}, "textfont": {"color": ink}},
    )


def _ink(row: pd.Series, most: float) -> str:
    if not row["enough"]:
        return palette.GREY
    return "#FFFFFF" if abs(row["harm"]) / most > 0.6 else "#202020"


def cell_text(row: pd.Series) -> str:
    """The difference, with a sign before it where it is established; a stroke where it was not computed."""
    if numbers.absent(row["difference"]):
        return NOT_COMPUTED
    shown = numbers.signed(row["difference"], row["unit"])
    return f"{SIGN} {shown}" if row["level"] else shown


def tip(row: pd.Series) -> str:
    """Value, interval, n, what no bias would give, the difference, and its test or why there is none."""
    head = f"<b>{palette.literal(row['label'])}, {palette.literal(wording.identity(row['identity']))}</b>"
    lines = [head]
    if numbers.absent(row["value"]):
        lines.append(f"{wording.metric(row['metric'])}: not computed, {gaps.why_untested(row['reason'])}")
    else:
        value = numbers.estimate(row["value"], row["low"], row["high"], row["n"], row["unit"], row["events"])
        lines.append(f"{wording.metric(row['metric'])} {value}")
    if not numbers.absent(row["difference"]):
        unit = numbers.unit_of_difference(row["unit"])
        lines.append(
            f"without bias {numbers.number(row['expected'], row['unit'])}; difference "
            f"{numbers.signed(row['difference'], row['unit'])} {unit}".rstrip()
            + f" ({numbers.span(row['diff_low'], row['diff_high'], row['unit'])})"
        )
    lines.append(
        f"texts: {numbers.count(row['n_pos'])} with the label, {numbers.count(row['n_neg'])} without"
    )
    return "<br>".join([*lines, certainty(row)])


def certainty(row: pd.Series) -> str:
    """How sure a cell is, in a few words."""
    if row["untested"] == SHOWN_ONLY:
        return "shown, not tested: it repeats what the AUCs say, or the spec calls this error harmless"
    if row["untested"]:
        return f"not tested: {gaps.why_untested(row['untested'])}"
    said = f"adjusted {numbers.p_value(row['p_adjusted'])}"
    return f"{said}: {row['level']}" if row["level"] else f"{said}: not established"


def _in(unit: str) -> str:
    name = numbers.unit_of_difference(unit)
    return f"<br>({name})" if name == "points" else f"<br>({unit})"
