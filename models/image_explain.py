"""Attributions of a network's own: integrated gradients and Grad-CAM, through captum.

Sources: Sundararajan, Taly & Yan (2017), "Axiomatic attribution for deep networks"; Selvaraju et al. (2017),
"Grad-CAM". What is explained is the number itself, or the log-odds of a yes/no score or of a class.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from audit.core import TaskKind
from audit.errors import InputError
from models.image_masked import resizing
from models.image_preprocessing import as_picture, normalise, to_pixels

if TYPE_CHECKING:
    from models.image_adapter import ImageModel

METHODS = ("grad_cam", "integrated_gradients", "gradient")
STEPS = 50  # of integrated gradients: captum's default
GREY = 128.0
"""Every pixel of the picture that integrated gradients start from."""
LAST_SHARE = 0.2  # Grad-CAM's map comes out of the last fifth of a network's modules

Number = Callable[[Tensor], Tensor]
"""(n, 3, size, size) in [0, 255] -> (n,) what is explained."""


def explain(self: ImageModel, batch: Sequence[Any], output: str, method: str) -> list[NDArray[np.float64]]:
    """See `audit.protocols.Explains`: n maps (H, W), per pixel of the picture as it came.

    Integrated gradients add up to the change from a grey picture, within some percent; Grad-CAM's maps are as
    coarse as the network's last convolution and have no unit.

    Raises:
        InputError: an unknown output, class or method; captum is missing; or a network without a last map.
    """
    if method not in METHODS:
        raise InputError("method", f"one of {', '.join(METHODS)}; this is {method!r}.")
    try:
        import captum  # noqa: F401
    except ImportError as error:
        raise InputError("captum", "is not installed.", "pip install 'plumbline[models]'") from error
    pictures = [as_picture(picture, f"picture {i}") for i, picture in enumerate(batch)]
    number = _number(self, output)
    layer = _last_map(self) if method == "grad_cam" else None

    def compute(part: Sequence[NDArray[np.uint8]]) -> list[NDArray[np.float64]]:
        pixels = to_pixels(part, self.network.size, self.device)
        if layer is not None:
            return _cam(number, layer, pixels, part)
        slope = _mean_gradient(
            number, pixels, STEPS if method == "integrated_gradients" else 1, self.batch_size
        )
        return [_at_pixels(one, picture, method) for one, picture in zip(slope, part, strict=True)]

    parts = self._over(len(pictures), lambda a, b: pictures[a:b], compute, grad=True)
    return [found for part in parts for found in part]


def _number(model: ImageModel, output: str) -> Number:
    """What is explained of one output, differentiable."""
    name, _, asked = output.partition("/") if output not in model.tasks else (output, "", "")
    if name not in model.tasks:
        raise InputError(f"output {output!r}", f"this model has {', '.join(model.tasks)}.")
    task = model.tasks[name]
    if asked and asked not in task.classes:
        raise InputError(f"class {asked!r}", f"{name} has {', '.join(task.classes)}.")
    place = task.classes.index(asked) if asked else -1

    def number(pixels: Tensor) -> Tensor:
        with model._precision():
            raw = model.network(normalise(pixels))
        scores = model.network.scores({key: value.double() for key, value in raw.items()})[name]
        if task.kind is TaskKind.REGRESSION:
            return scores
        if scores.ndim == 2:
            chosen = scores.argmax(1) if place < 0 else torch.full_like(scores[:, 0], place, dtype=torch.long)
            scores = scores.gather(1, chosen[:, None])[:, 0]
        return torch.logit(scores, eps=1e-12)

    return number


def _mean_gradient(number: Number, pixels: Tensor, steps: int, batch_size: int) -> NDArray[np.float64]:
    """(n, size, size, 3) gradient, averaged on the way from grey to the picture; one step: at the picture."""
    from captum.attr import IntegratedGradients, Saliency

    if steps == 1:
        found = Saliency(number).attribute(pixels.requires_grad_(), abs=False)
    else:
        method = IntegratedGradients(number, multiply_by_inputs=False)
        found = method.attribute(
            pixels, baselines=GREY, n_steps=steps, internal_batch_size=max(batch_size, len(pixels))
        )
    return found.permute(0, 2, 3, 1).detach().double().cpu().numpy()


def _at_pixels(slope: NDArray[np.float64], picture: NDArray[np.uint8], method: str) -> NDArray[np.float64]:
    """Gradient at the network's picture -> attribution of the pixels as they came, channels together."""
    for axis in (0, 1):  # the transpose of resizing brings a gradient back to what was resized
        matrix = resizing(picture.shape[axis], slope.shape[axis], "cpu")
        if matrix is not None:
            slope = np.moveaxis(np.tensordot(matrix.double().numpy().T, slope, axes=(1, axis)), 0, axis)
    if method == "gradient":
        return np.sqrt((slope**2).sum(axis=2))
    return (slope * (picture - GREY)).sum(axis=2)


def _cam(
    number: Number, layer: nn.Module, pixels: Tensor, pictures: Sequence[NDArray[np.uint8]]
) -> list[NDArray[np.float64]]:
    from captum.attr import LayerGradCam

    maps = LayerGradCam(number, layer).attribute(pixels.requires_grad_()).detach()  # (n, 1, h, w), signed
    return [
        functional.interpolate(one[None], picture.shape[:2], mode="bilinear", align_corners=False)[0, 0]
        .double()
        .cpu()
        .numpy()
        for one, picture in zip(maps, pictures, strict=True)
    ]


def _last_map(model: ImageModel) -> nn.Module:
    """The module that gives the last map with more than one place, before it is averaged away."""
    fired: list[tuple[nn.Module, bool]] = []

    def remember(module: nn.Module, _: Any, given: Any) -> None:
        wide = isinstance(given, Tensor) and given.ndim == 4 and given.shape[2] * given.shape[3] > 1
        fired.append((module, wide))

    hooks = [module.register_forward_hook(remember) for module in model.network.modules()]
    try:
        with torch.no_grad():
            model.network(torch.zeros(1, 3, model.network.size, model.network.size, device=model.device))
    finally:
        for hook in hooks:
            hook.remove()
    last = max((i for i, (_, wide) in enumerate(fired) if wide), default=-1)
    if last < (1 - LAST_SHARE) * len(fired) - 10:
        raise InputError(
            "grad_cam", "this network ends without a map of places.", "Use integrated_gradients."
        )
    return fired[last][0]
