"""Which distance tells copies from look-alikes: the curve, a slider, and what lies at one distance."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa
import streamlit as st

from dashboard import state
from dashboard.charts import leakage_distance, numbers, palette
from dashboard.panels.leakage_look import ALIKE, BITS, IMAGES, PARTS, WIDTHS, Look, bands, nearest, stops_of
from dashboard.panels.static import static_table


def draw(
    what: str, pairs: pa.Table, curve: pd.DataFrame, planted: pd.DataFrame, summary: dict[str, Any]
) -> Look:
    """Draw the curve and the slider, and say what lies up to the chosen distance.

    Args:
        what: see `Look`.
        pairs: of what is looked at.
        curve: the table `by_distance`; empty where no pictures were searched.
        planted: the table `planted`.
        summary: of the section.

    Returns:
        What was chosen.
    """
    if what == PARTS:
        st.caption(
            "Copies that the hash of the whole picture does not show: *captioned* are the same but for rows "
            "at top "
            "or bottom, *bordered* the same within a border or bars, the others were turned or mirrored. All "
            "passed the second check on that part."
        )
        return Look(what=what, stop="")
    stops = stops_of(pairs, what, summary)
    first = str(summary["images"]["recommended_distance"]) if what == IMAGES else nearest(pairs, what, stops)
    state.settle(state.DISTANCE, stops, first)
    above = st.container()
    if len(stops) > 1:
        st.select_slider(
            "Distance" if what == IMAGES else "Similarity",
            stops,
            key=state.DISTANCE,
            format_func=lambda stop: Look(what=what, stop=stop).words.removeprefix("similarity "),
        )
    look = Look(what=what, stop=state.chosen(state.DISTANCE))
    with above:
        if what == IMAGES:
            _curve(curve, planted, summary["images"], int(look.stop))
        else:
            _overlap(pairs, look, summary)
    if what == IMAGES:
        _threshold(curve, planted, summary["images"], int(look.stop))
    return look


def _curve(curve: pd.DataFrame, planted: pd.DataFrame, images: dict[str, Any], bits: int) -> None:
    recommended = int(images["recommended_distance"])
    st.plotly_chart(
        leakage_distance.distance_chart(curve, recommended, bits, recall_of_all(planted)),
        key="leak_distance",
        config=palette.CONFIG,
        width="stretch",
    )
    st.caption(
        "Pairs of distinct pictures; identical ones are counted apart. Far above the curve of chance does "
        "not "
        "mean copies: pictures of one kind, such as faces laid upon each other, share their broad shape. The "
        "second check, which compares the fine detail, tells copies from look-alikes. Recommended is the "
        "largest "
        f"distance up to which at least half of the pairs at every distance are copies{_same(images)}."
    )


def _threshold(curve: pd.DataFrame, planted: pd.DataFrame, images: dict[str, Any], bits: int) -> None:
    """What a threshold at the chosen distance would give: pairs, precision, recall by kind of copy."""
    recommended, checked = int(images["recommended_distance"]), int(images["checked_to"])
    left, right = st.columns([2, 3], gap="large")
    with left:
        for line in up_to(curve, bits, recommended):
            st.markdown(line)
        if checked >= 0:
            st.caption(
                f"Every pair up to {checked - checked % BITS} bits went through the second check, and what "
                "it "
                "confirmed counts as a copy, near or far. The distance matters where no second check can be "
                "run."
            )
    with right:
        _recall(planted, bits)


def _same(images: dict[str, Any]) -> str:
    recommended, same = int(images["recommended_distance"]), int(images["same_pairs_up_to"])
    return f"; any up to {same} gives the same pairs" if same > recommended + 1 else ""


def up_to(curve: pd.DataFrame, bits: int, recommended: int) -> list[str]:
    """What a threshold would give, as lines of Markdown.

    Args:
        curve: the table `by_distance`.
        bits: the threshold.
        recommended: the recommended one.
    """
    row = curve[curve["distance"] == bits]
    name = f"**Up to {bits} bits**" + (" (recommended)" if bits == recommended else "")
    if row.empty or not row["pairs_up_to"].iloc[0]:
        return [f"{name} there is no pair of distinct pictures."]
    found = row.iloc[0]
    pairs = int(found["pairs_up_to"])
    chance = float(curve[curve["distance"] <= bits]["by_chance"].sum())
    return [
        f"{name} there {'is' if pairs == 1 else 'are'} **{pairs:,}** {'pair' if pairs == 1 else 'pairs'} of "
        "distinct pictures; chance alone would give "
        f"{'less than 0.01' if chance < 0.01 else f'{chance:.2g}'}.",
        f"Precision, the share of them that are copies: **{numbers.number(found['precision'])}** "
        f"({numbers.span(found['precision_low'], found['precision_high'])}).",
        "Recall, the share of copies that lie within: by kind, from copies planted for this purpose, in the "
        "table.",
    ]


def recall_of_all(planted: pd.DataFrame) -> pd.DataFrame:
    """Share of planted copies of all kinds that were found up to each distance."""
    if planted.empty:
        return pd.DataFrame({"distance": [], "recall": []})
    whole = planted.groupby("distance", as_index=False)[["found", "planted"]].sum()
    return whole.assign(recall=whole["found"] / whole["planted"])


def _recall(planted: pd.DataFrame, bits: int) -> None:
    own = planted[planted["distance"] == bits] if len(planted) else planted
    if own.empty:
        st.info("No copies were planted, so the recall is not known.")
        return
    lines = [
        {
            "Planted copies": row["kind"],
            "Found": f"{numbers.count(row['found'])} of {numbers.count(row['planted'])}",
            "By a part too": numbers.count(row["with_parts"]),
            "Recall": f"{numbers.number(row['recall'])} ({numbers.span(row['low'], row['high'])})",
        }
        for _, row in own.iterrows()
    ]
    static_table(pd.DataFrame(lines))
    st.caption(
        "Found: within this distance, and confirmed. By a part too: with those found by their middle rows "
        "or within "
        "their border, whatever the distance."
    )


def _overlap(pairs: pa.Table, look: Look, summary: dict[str, Any]) -> None:
    width = WIDTHS[look.what]
    if not pairs.num_rows:
        st.info("No pair was found.")
        return
    st.plotly_chart(
        leakage_distance.overlap_chart(bands(pairs, width), float(look.stop), width),
        key="leak_overlap",
        config=palette.CONFIG,
        width="stretch",
    )
    if look.what == ALIKE:
        st.caption(
            "Pairs whose embeddings by the audited model have a high cosine. They are **not** counted as "
            "copies "
            "anywhere: what a model finds alike says as much about the model as about the pictures or texts."
        )
        return
    least = float(summary["texts"]["similarity"])
    st.caption(
        f"All pairs of texts that share {least:.0%} of their words or more (Jaccard similarity of the words "
        "as a "
        "multiset), none missed. “Reordered” pairs have the words in another order. Form letters, such as "
        "greetings and notices, are near copies too: read a few pairs."
    )
