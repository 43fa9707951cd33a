"""What is seen where a part of a picture is hidden, and pictures with parts hidden as plain arrays."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from audit.attribution.sampling import Masks
from audit.attribution.segments import Labels, Picture
from audit.errors import InputError

Colour = Literal["mean", "blur", "grey"]
COLOURS: tuple[Colour, ...] = ("mean", "blur", "grey")
GREY = 128

Boxes = NDArray[np.int64]
"""(B, 4): first row, one past the last row, first column, one past the last column."""


def hidden(picture: Picture, colour: Colour, labels: Labels | None = None) -> Picture:
    """The picture with everything hidden.

    Args:
        picture: (H, W, 3) uint8.
        colour: ``mean`` of each superpixel (the default of the `lime` library; of the whole picture where no
            superpixels are given), ``blur`` (the mean of a square of half the picture's shorter side around
            each pixel) or ``grey``.
        labels: superpixels.

    Raises:
        InputError: unknown colour.
    """
    if colour == "grey":
        return np.full_like(picture, GREY)
    if colour == "blur":
        from scipy.ndimage import uniform_filter

        side = max(3, min(picture.shape[:2]) // 2 | 1)
        blurred = uniform_filter(picture.astype(np.float64), (side, side, 1), mode="mirror")
        return np.rint(blurred).astype(np.uint8)
    if colour != "mean":
        raise InputError("colour of what is hidden", f"one of {', '.join(COLOURS)}; this is {colour!r}.")
    flat = np.zeros(picture.shape[0] * picture.shape[1], np.int32) if labels is None else labels.ravel()
    pixels = picture.reshape(-1, 3)
    size = np.bincount(flat)
    sums = np.stack([np.bincount(flat, pixels[:, channel]) for channel in range(3)], axis=1)
    means = (sums / np.maximum(size, 1)[:, None]).astype(np.uint8)  # cut to whole numbers, as lime does
    return means[flat].reshape(picture.shape)


def masked(picture: Picture, fill: Picture, labels: Labels, masks: Masks) -> Picture:
    """(n, H, W, 3) pictures in which hidden superpixels look like `fill`.

    Args:
        picture: (H, W, 3).
        fill: (H, W, 3), from `hidden`.
        labels: (H, W) superpixels.
        masks: (n, S), true for a superpixel that is shown.
    """
    shown = np.where(masks, 255, 0).astype(np.uint8)
    made = shown.take(np.repeat(labels.ravel(), 3), axis=1)  # (n, H * W * 3), 255 where the picture is seen
    made &= (picture ^ fill).ravel()  # fill ^ (picture ^ fill) is the picture: ten times as fast as np.where
    made ^= fill.ravel()
    return made.reshape(len(masks), *picture.shape)


def boxed(picture: Picture, fill: Picture, boxes: Boxes, masks: Masks) -> Picture:
    """(n, H, W, 3) pictures that look like `fill` outside the shown boxes.

    Args:
        picture: (H, W, 3).
        fill: (H, W, 3).
        boxes: (B, 4).
        masks: (n, B), true for a box that is shown.
    """
    made = np.repeat(fill[None], len(masks), axis=0)
    for i, row in enumerate(masks):
        for top, bottom, left, right in boxes[row].tolist():
            made[i, top:bottom, left:right] = picture[top:bottom, left:right]
    return made
