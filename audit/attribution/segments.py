"""A picture as superpixels, found once for each picture and kept for every method that needs them."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from audit.errors import InputError

How = Literal["slic", "quickshift", "grid"]
HOWS: tuple[How, ...] = ("slic", "quickshift", "grid")
WANTED = 50  # superpixels: what one can still look at, and what 1,000 samples can tell apart
FEWEST = 4  # with fewer superpixels than this, squares are taken
KEPT = 256  # pictures whose superpixels are remembered

Picture = NDArray[np.uint8]
Labels = NDArray[np.int32]
"""(H, W), 0 to S - 1, each used."""

_known: OrderedDict[bytes, Labels] = OrderedDict()


def segments(picture: Picture, how: How = "slic", wanted: int = WANTED) -> Labels:
    """Cut a picture into superpixels.

    Args:
        picture: (H, W, 3) uint8.
        how: ``slic`` (about `wanted` compact pieces; 30 ms at 224 pixels), ``quickshift`` with the settings
            of the `lime` library (300 ms; the picture decides how many), or ``grid`` (squares).
        wanted: pieces asked for; quickshift has no such wish.

    Raises:
        InputError: not a picture, or an unknown way.
    """
    if how not in HOWS:
        raise InputError("superpixels", f"one of {', '.join(HOWS)}; this is {how!r}.")
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or 0 in picture.shape:
        raise InputError("picture", f"an (H, W, 3) uint8 array; this is {picture.dtype} {picture.shape}.")
    name = hashlib.sha256(f"{how} {wanted} {picture.shape} ".encode() + picture.tobytes()).digest()
    if name in _known:
        _known.move_to_end(name)
        return _known[name]
    found = _segments(picture, how, wanted)
    found.setflags(write=False)
    _known[name] = found
    if len(_known) > KEPT:
        _known.popitem(last=False)
    return found


def _segments(picture: Picture, how: How, wanted: int) -> Labels:
    from skimage.segmentation import quickshift, slic

    small = min(picture.shape[:2]) < 8  # there is nothing to follow: squares of one pixel or more
    squares = grid(picture.shape[0], picture.shape[1], wanted)
    if how == "grid" or small:
        return squares
    if how == "slic":
        found = slic(picture, n_segments=wanted, start_label=0, channel_axis=-1)
    else:
        found = quickshift(picture, kernel_size=4, max_dist=200, ratio=0.2)  # type: ignore[no-untyped-call]
    names, labels = np.unique(found, return_inverse=True)
    if len(names) < min(FEWEST, wanted):  # noise melts into one piece, which explains nothing
        return squares
    return labels.reshape(picture.shape[:2]).astype(np.int32)


def grid(height: int, width: int, wanted: int = WANTED) -> Labels:
    """About `wanted` squares of equal size, or every pixel by itself where there are fewer."""
    side = max(1.0, np.sqrt(height * width / max(wanted, 1)))
    rows, columns = max(1, round(height / side)), max(1, round(width / side))
    down = np.arange(height) * rows // height
    across = np.arange(width) * columns // width
    labels: Labels = (down[:, None] * columns + across[None, :]).astype(np.int32)
    return labels


def by_segment(values: NDArray[np.float64], labels: Labels) -> NDArray[np.float64]:
    """(H * W, K) values of pixels -> (S, K) sums over each superpixel."""
    flat = labels.ravel()
    sums = [np.bincount(flat, values[:, k], int(flat.max()) + 1) for k in range(values.shape[1])]
    return np.stack(sums, axis=1)
