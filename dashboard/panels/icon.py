"""The page's icon, drawn here: Streamlit would fetch a named one from a font server."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL import Image

SIDE = 64
COLOUR = "#0072B2"


@cache
def plumb_line() -> Image.Image:
    """A line with a bob."""
    from PIL import Image, ImageDraw

    image = Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.rectangle((14, 4, 50, 11), fill=COLOUR)
    draw.rectangle((30, 8, 34, 36), fill=COLOUR)
    draw.polygon([(21, 34), (43, 34), (32, 61)], fill=COLOUR)
    return image
