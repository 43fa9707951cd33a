"""Pictures of a page of rows: blurred until asked for, a placeholder where a file is missing."""

from __future__ import annotations

import io
from functools import cache as remember
from pathlib import Path

import pandas as pd
import streamlit as st

from dashboard import cache
from dashboard.panels.sentences import literal

WIDTH = 118
"""Of a picture on the page, in pixels."""


def draw_pictures(rows: pd.DataFrame, root: Path | None, captions: list[str]) -> None:
    """Draw thumbnails in a grid.

    Args:
        rows: with a column `image`, paths relative to `root`.
        root: folder of the data on the machine that audited; None where not known.
        captions: one a row: what is true and what the model said.
    """
    where = f"under {root}" if root else "because the run does not know the data's folder"
    if all(read(name, root, blurred=True) is None for name in rows["image"]):
        st.info(f"None of the {len(rows)} pictures of this page were found {literal(where)}.")
        return
    sharp = st.toggle(
        "Show pictures sharp",
        key="show_pictures",
        help="They may show people, so they are blurred until you ask for them.",
    )
    found = [read(name, root, blurred=not sharp) for name in rows["image"]]
    missing = found.count(None)
    st.image(
        [picture or placeholder() for picture in found],
        caption=[literal(caption) for caption in captions],
        width=WIDTH,
    )
    if missing:
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
