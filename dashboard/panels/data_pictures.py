"""Size and light of the pictures, by group: properties of files, never of the people in them."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st

from audit.profile import stored
from audit.profile.numbers import by_group
from audit.profile.pictures import measure_all
from audit.profile.sample import simple
from dashboard import state
from dashboard.charts import numbers, palette
from dashboard.charts.data_sizes import size_chart
from dashboard.panels import data_columns
from dashboard.panels.data_columns import EVERYONE
from dashboard.panels.data_numbers import cut_words, draw_spread, spread_table
from dashboard.panels.data_scope import Scope, counted_by, table_with_download
from dashboard.panels.sentences import literal
from dashboard.panels.static import static_table

FIRST, MORE = 400, 1_600
"""Pictures that are opened at first, and more at each press."""
MEASURE, BY = "data_picture_measure", "data_picture_by"
MEASURES = {
    "brightness": "Brightness of the picture (% of white)",
    "contrast": "Contrast of the picture (% of white)",
    "width": "Width (pixels)",
    "height": "Height (pixels)",
    "aspect": "Width ÷ height",
    "kilobytes": "File size (kB)",
}
NO_NAME = "the row names no picture"
LIGHT = (
    "Brightness is the mean luminance of all pixels of a picture, background, hair and clothes included, and "
    "contrast is its standard deviation. They say how pictures were lit, exposed and framed; they measure "
    "nothing about the people in them and stand for no skin tone."
)


@st.cache_data(max_entries=8, show_spinner=False)
def measured(folder: str, mark: str, split: str, seed: int, size: int, root: str) -> pd.DataFrame:
    """Open a sample of pictures.

    Args:
        folder: the run's folder.
        mark: its fingerprint.
        split: one, or `data_columns.ALL`.
        seed: of the sample.
        size: most pictures to open.
        root: folder that the paths start from.

    Returns:
        Columns row, problem and the measures; NaN where there is a problem.
    """
    rows = simple(np.flatnonzero(data_columns.kept(folder, mark, split)), size, seed)
    names = stored.payloads(Path(folder), rows, "image")
    paths = [str(Path(root) / name) if name else "" for name in names]
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as executor:
        found = measure_all(paths, executor)
    return pd.DataFrame(
        {
            "row": rows,
            "problem": [p if name else NO_NAME for p, name in zip(found.problem, names, strict=True)],
            "brightness": found.brightness * 100,
            "contrast": found.contrast * 100,
            "width": found.width,
            "height": found.height,
            "aspect": found.aspect,
            "kilobytes": found.size / 1000,
        }
    )


def draw(scope: Scope, seed: int, root: Path | None) -> None:
    """Draw what the pictures of a sample are.

    Args:
        scope: which rows.
        seed: of the sample.
        root: folder of the data on the machine that audited; None where not known.
    """
    if root is None:
        st.info("The run does not know the data's folder, so its pictures can't be opened.")
        return
    key = f"data_pictures_{scope.mark}"
    total = int(data_columns.kept(*scope.key).sum())
    wanted = int(st.session_state.get(key, FIRST))
    with st.spinner(f"Opening {min(wanted, total):,} pictures"):
        found = measured(*scope.key, seed, wanted, str(root))
    usable = found[found["problem"] == ""]
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        drawn = "all" if len(found) == total else f"a seeded sample of {len(found):,} of"
        st.markdown(f"Opened: {drawn} **{total:,}** {scope.where}; {len(usable):,} could be read.")
        if len(found) < total:
            st.button("Open more", key="data_more", on_click=state.show_more, args=(key, wanted, MORE))
    _draw_problems(found, root)
    if usable.empty:
        return
    _draw_by_group(scope, usable)
    _draw_sizes(usable)


def _draw_problems(found: pd.DataFrame, root: Path) -> None:
    problems = found.loc[found["problem"] != "", "problem"].value_counts()
    if problems.empty:
        return
    words = f"{problems.sum():,} of {len(found):,} pictures could not be read"
    st.warning(f"{words} under {literal(str(root))}.", icon=":material/hide_image:")
    static_table(pd.DataFrame({"Why": problems.index.tolist(), "Pictures": [int(n) for n in problems]}))


def _draw_by_group(scope: Scope, usable: pd.DataFrame) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        by = counted_by(scope, BY)
        state.settle(MEASURE, list(MEASURES), "brightness")
        what = st.selectbox(
            "Measure", list(MEASURES), key=MEASURE, format_func=MEASURES.__getitem__, width=320
        )
    own = data_columns.group(*scope.key, by)
    picked = replace(own, codes=own.codes[usable["row"].to_numpy()])
    rows: pd.DataFrame = by_group(usable[what].to_numpy(), picked).to_pandas()
    draw_spread(rows, MEASURES[what], scope.minimum_n, "data_light")
    light = f" {LIGHT}" if what in ("brightness", "contrast") else ""
    st.caption(
        "What it shows: the median, the middle half (bar) and the middle 90% (line) of the pictures that "
        f"were opened.{light} If one group's pictures are taken otherwise, a model can fail for that reason "
        f"and not for who is shown. What it can't tell: what in a picture makes it so.{cut_words(rows)}"
    )
    name = "everyone" if by == EVERYONE else by.replace(":", "-").lstrip(".")
    table_with_download(rows, spread_table(rows), f"picture-{what}-by-{name}")


def _draw_sizes(usable: pd.DataFrame) -> None:
    sizes = usable.groupby(["width", "height"]).size().reset_index(name="n")
    sizes = sizes.sort_values("n", ascending=False, kind="stable").reset_index(drop=True)
    if len(sizes) == 1:
        width, height = sizes.loc[0, ["width", "height"]]
        st.markdown(f"All {len(usable):,} pictures are {width:,.0f} × {height:,.0f} pixels.")
        return
    st.plotly_chart(size_chart(sizes), key="data_sizes", config=palette.CONFIG, width="stretch")
    st.caption(
        f"What it shows: the {len(sizes):,} sizes in pixels that occur; a larger dot is more pictures, and "
        "those below the dotted line are wider than high. Models scale every picture to one size: small "
        "ones get blurred, others lose their edges. What it can't tell: how large the thing of interest is "
        "in it."
    )
    shown = pd.DataFrame(
        {
            "Width": [numbers.count(width) for width in sizes["width"]],
            "Height": [numbers.count(height) for height in sizes["height"]],
            "Pictures": sizes["n"],
        }
    )
    table_with_download(sizes, shown, "picture-sizes")
