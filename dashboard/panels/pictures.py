"""Pictures of a page of rows: blurred until asked for, a placeholder where a file is missing."""

from __future__ import annotations

import io
from functools import cache as remember
from pathlib import Path

import pandas as pd
import streamlit as st

from dashboard import cache
from dashboard.panels.sentences import literal

ACROSS = 8


def draw_pictures(rows: pd.DataFrame, root: Path | None, captions: list[str]) -> None:
    """Draw thumbnails in a grid.

    Args:
        rows: with a column `image`, paths relative to `root`.
        root: folder of the data on the machine that audited; None where not known.
        captions: one a row: what is true and what the model said.
    """
    sharp = st.toggle(
        "Show pictures sharp",
        key="show_pictures",
        help="They may show people, so they are blurred until you ask for them.",
    )
    missing = 0
    for start in range(0, len(rows), ACROSS):
        cells = st.columns(ACROSS, gap="small")
        for cell, (_, row), caption in zip(
            cells,
            rows.iloc[start : start + ACROSS].iterrows(),
            captions[start : start + ACROSS],
            strict=False,
        ):
            picture = read(row["image"], root, blurred=not sharp)
            missing += picture is None
            with cell:
                st.image(picture or placeholder(), width="stretch")
                st.caption(literal(caption))
    if missing:
        where = f"under {root}" if root else "because the run does not know the data's folder"
        st.caption(f"{missing} of {len(rows)} pictures were not found {literal(where)}.")


def read(name: object, root: Path | None, *, blurred: bool) -> bytes | None:
    """A thumbnail, or None where the row names no picture, or the file is not there or no picture."""
    if not isinstance(name, str) or not name or root is None:
        return None
    path = root / name
    try:
        changed = path.stat().st_mtime_ns
    except (OSError, ValueError):
        return None
    return cache.thumbnail(str(path), changed, blurred)


@remember
def placeholder() -> bytes:
    """A grey square that says that there is no picture."""
    from PIL import Image, ImageDraw

    side = cache.THUMBNAIL
    image = Image.new("RGB", (side, side), "#9A9A9A")
    ImageDraw.Draw(image).text((side / 2, side / 2), "no picture", fill="#FFFFFF", anchor="mm", font_size=22)
    memory = io.BytesIO()
    image.save(memory, "PNG")
    return memory.getvalue()
