"""From a picture to the numbers that a network reads, alike in training and in an audit.

A picture is an (H, W, 3) uint8 array. It is squeezed to a square as a whole (no crop): an auditor who
looks at an attribution map must be able to trust that the model saw every pixel that is shown. Resizing
is anti- aliased bilinear, in floating point and differentiable, so gradients reach the pixels of the
picture as it came.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from audit.errors import InputError
from audit.pictures import Picture
from audit.pictures import decode as decode

MEAN = (0.485, 0.456, 0.406)
"""Of ImageNet, per channel, for pixels in [0, 1]: what torchvision's weights were trained with."""
STD = (0.229, 0.224, 0.225)


def as_picture(value: object, place: str = "picture") -> Picture:
    """Check that a payload is an (H, W, 3) uint8 array.

    Raises:
        InputError: another type or shape; the message says what came.
    """
    if not isinstance(value, np.ndarray) or value.dtype != np.uint8 or value.ndim != 3 or value.shape[2] != 3:
        came = (
            f"{value.dtype} array of shape {value.shape}"
            if isinstance(value, np.ndarray)
            else type(value).__name__
        )
        raise InputError(place, f"a picture is an (H, W, 3) uint8 array; this is a {came}.")
    if 0 in value.shape:
        raise InputError(place, f"a picture needs at least one pixel; this one has shape {value.shape}.")
    return value


def to_pixels(batch: Sequence[Picture], size: int, device: torch.device | str = "cpu") -> Tensor:
    """Stack pictures of any sizes.

    Args:
        batch: n pictures, (H, W, 3) uint8 each.
        size: side of the square that the network reads.
        device: where the result lives.

    Returns:
        (n, 3, size, size) float32 in [0, 255].
    """
    if batch and all(picture.shape[:2] == (size, size) for picture in batch):
        stacked = torch.from_numpy(np.stack(batch)).to(device)
        return stacked.permute(0, 3, 1, 2).float()
    return torch.cat([resize(single(picture).to(device), size) for picture in batch])


def single(picture: Picture) -> Tensor:
    """One picture as (1, 3, H, W) float32 in [0, 255]."""
    return torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1)[None].float()


def resize(pixels: Tensor, size: int) -> Tensor:
    """Squeeze (n, 3, H, W) to (n, 3, size, size); untouched where the size already fits."""
    if pixels.shape[-2:] == (size, size):
        return pixels
    return functional.interpolate(pixels, (size, size), mode="bilinear", align_corners=False, antialias=True)


def normalise(pixels: Tensor, in_place: bool = False) -> Tensor:
    """(n, 3, H, W) in [0, 255] -> zero mean and unit variance by ImageNet's statistics.

    The result lies in memory with the channels last: convolutions then take less than half the time on a CPU.

    Args:
        pixels: float32.
        in_place: overwrite them: memory fresh from the system costs more than the arithmetic.
    """
    mean = pixels.new_tensor(MEAN)[None, :, None, None]
    std = pixels.new_tensor(STD)[None, :, None, None]
    # (pixels / 255 - mean) / std in one pass over the memory
    done = torch.addcmul(-mean / std, pixels, 1 / (255 * std), out=pixels if in_place else None)
    return done.contiguous(memory_format=torch.channels_last)
