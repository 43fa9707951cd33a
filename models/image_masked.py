"""Scores of many masked versions of one picture, composed as tensors on their way into the network.

Resizing and normalising are linear, so a picture with parts hidden is the hidden picture plus what each shown
part adds. Each part is resized and normalised once; a batch is then one matrix product (superpixels) or a few
additions of small windows (boxes), written where the network reads it. Equal within floating point to
`ImageModel.predict` on `audit.attribution.hiding.masked` and `boxed`.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from audit.attribution.hiding import masked
from models.image_preprocessing import MEAN, STD, as_picture, to_pixels

if TYPE_CHECKING:
    from models.image_adapter import ImageModel

MOST_PARTS = 256
"""Superpixels up to which their parts are held as one matrix; more are composed as pictures."""


def predict_masked(
    self: ImageModel,
    picture: NDArray[np.uint8],
    fill: NDArray[np.uint8],
    segments: NDArray[np.int32],
    masks: NDArray[np.bool_],
) -> dict[str, NDArray[np.float64]]:
    """See `audit.protocols.Perturbable`."""
    whole = _Composer(as_picture(picture), as_picture(fill), self.network.size, self.device)
    count = int(segments.max()) + 1
    if count > MOST_PARTS:

        def compute(rows: NDArray[np.bool_]) -> Any:
            pictures = list(masked(picture, fill, segments, rows))
            return self._scores(to_pixels(pictures, whole.size, self.device))

        return self._only_tasks(self._joined(self._over(len(masks), lambda a, b: masks[a:b], compute)))
    parts = whole.parts(segments, count)  # (S, size * size * 3)
    given = torch.from_numpy(masks).to(self.device, torch.float32)
    room: list[Tensor] = []

    def batch(start: int, stop: int) -> Tensor:
        if not room or len(room[0]) < stop - start:
            room[:] = [parts.new_empty(stop - start, parts.shape[1])]
        pixels = torch.addmm(whole.base, given[start:stop], parts, out=room[0][: stop - start])
        return whole.shaped(pixels)

    return self._only_tasks(self._joined(self._over(len(masks), batch, self._read)))


def predict_boxed(
    self: ImageModel,
    picture: NDArray[np.uint8],
    fill: NDArray[np.uint8],
    boxes: NDArray[np.int64],
    masks: NDArray[np.bool_],
) -> dict[str, NDArray[np.float64]]:
    """See `audit.protocols.Perturbable`."""
    whole = _Composer(as_picture(picture), as_picture(fill), self.network.size, self.device)
    windows = [whole.window(*box) for box in boxes.tolist()]
    shown = [np.flatnonzero(row) for row in masks]

    def batch(start: int, stop: int) -> Tensor:
        pixels = whole.base.repeat(stop - start, 1).view(stop - start, whole.size, whole.size, 3)
        for i, present in enumerate(shown[start:stop]):
            for box in present:
                rows, columns, piece = windows[box]
                pixels[i, rows, columns] += piece
        return whole.shaped(pixels)

    return self._only_tasks(self._joined(self._over(len(masks), batch, self._read)))


class _Composer:
    """One picture, its hidden version, and what each part of it adds to what the network reads."""

    def __init__(self, picture: NDArray[np.uint8], fill: NDArray[np.uint8], size: int, device: str) -> None:
        self.size, self.device = size, device
        height, width = picture.shape[:2]
        self.down, self.across = resizing(height, size, device), resizing(width, size, device)
        std = torch.tensor(STD, device=device)
        self.scale = 1 / (255 * std)  # (3,)
        hidden = torch.tensor(fill, device=device).float()
        self.base = (self._resized(hidden, slice(0, height), slice(0, width)) * self.scale).sub_(
            torch.tensor(MEAN, device=device) / std
        )
        self.base = self.base.reshape(-1)  # (size * size * 3,)
        self.added = torch.tensor(picture, device=device).float() - hidden

    def window(self, top: int, bottom: int, left: int, right: int) -> tuple[slice, slice, Tensor]:
        """Rows and columns that a shown box changes in the network's picture, and by how much."""
        return self._window(slice(top, bottom), slice(left, right), self.added[top:bottom, left:right])

    def parts(self, segments: NDArray[np.int32], count: int) -> Tensor:
        """(S, size * size * 3) what each superpixel adds."""
        from scipy.ndimage import find_objects

        parts = self.base.new_zeros(count, self.size, self.size, 3)
        labels = torch.tensor(segments, device=self.device)
        for label, found in enumerate(find_objects(segments + 1, count)):
            if found is None:
                continue
            inside = (labels[found] == label)[..., None]
            rows, columns, piece = self._window(*found, self.added[found] * inside)
            parts[label, rows, columns] = piece
        return parts.view(count, -1)

    def shaped(self, pixels: Tensor) -> Tensor:
        """(n, size * size * 3) -> (n, 3, size, size), channels last in memory."""
        return pixels.view(-1, self.size, self.size, 3).permute(0, 3, 1, 2)

    def _window(self, rows: slice, columns: slice, piece: Tensor) -> tuple[slice, slice, Tensor]:
        to_rows, to_columns = _reach(self.down, rows), _reach(self.across, columns)
        resized = self._resized(piece, rows, columns, to_rows, to_columns)
        return to_rows, to_columns, resized * self.scale

    def _resized(
        self,
        piece: Tensor,
        rows: slice,
        columns: slice,
        to_rows: slice = slice(None),
        to_columns: slice = slice(None),
    ) -> Tensor:
        """(h, w, 3) at its place in the picture -> its share of those rows and columns of the resized one."""
        if self.down is not None:
            piece = _along_rows(self.down[to_rows, rows], piece)
        if self.across is not None:
            piece = _along_rows(self.across[to_columns, columns], piece.transpose(0, 1)).transpose(0, 1)
        return piece


def _along_rows(matrix: Tensor, piece: Tensor) -> Tensor:
    """(s, h) times (h, w, 3) -> (s, w, 3), as one matrix product."""
    flat = piece.reshape(piece.shape[0], piece.shape[1] * 3)
    return (matrix @ flat).view(matrix.shape[0], piece.shape[1], 3)


@lru_cache(maxsize=64)
def resizing(length: int, size: int, device: str) -> Tensor | None:
    """(size, length) matrix that resizes one side; None where it fits."""
    if length == size:
        return None
    unit = torch.eye(length, device=device)[None, None]  # a picture whose columns are the unit vectors
    return torch.nn.functional.interpolate(
        unit, (size, length), mode="bilinear", align_corners=False, antialias=True
    )[0, 0]


def _reach(matrix: Tensor | None, part: slice) -> slice:
    """Rows of the resized side that a part of the original side reaches."""
    if matrix is None:
        return part
    touched = torch.nonzero(matrix[:, part].any(dim=1))
    if len(touched) == 0:  # an upscaled pixel between two sampling points reaches nothing
        return slice(0, 0)
    return slice(int(touched[0]), int(touched[-1]) + 1)
