"""Any torchvision classification network by name, without its last layer: pictures in, feature vectors out.

Sources: torchvision's model zoo (https://docs.pytorch.org/vision/stable/models.html); every network keeps
the key names of its torchvision weights, so that published weights load.
"""

from __future__ import annotations

import difflib
import hashlib
from pathlib import Path
from typing import Any
from urllib.error import URLError

import torch
from torch import Tensor, nn

from audit.errors import InputError

CLASSES = 1000
"""ImageNet's; the layer with this many outputs is the head that is taken off."""
RANDOM = "random"
HUB = "default"
"""torchvision's best published weights for the name, through torch.hub's cache."""


class Backbone(nn.Module):
    """A torchvision network whose head has been replaced by nothing.

    `network` keeps torchvision's key names; `width` is the length of a feature vector.
    """

    def __init__(self, name: str, network: nn.Module, width: int) -> None:
        """Wrap a network whose head is already off (see `build`)."""
        super().__init__()
        self.name, self.network, self.width = name, network, width
        self.frozen = False

    def freeze(self, frozen: bool) -> Backbone:
        """Stop (or resume) learning.

        Weights, and the statistics of normalisation layers, stay as they are.
        """
        self.frozen = frozen
        self.requires_grad_(not frozen)
        return self.train(self.training)

    def train(self, mode: bool = True) -> Backbone:
        """As usual, but a frozen backbone stays in evaluation mode."""
        super().train(mode and not self.frozen)
        return self

    def forward(self, images: Tensor) -> Tensor:
        """(n, 3, size, size), normalised -> (n, width)."""
        features = self.network(images)
        if isinstance(features, tuple):  # GoogLeNet and Inception give auxiliary outputs while training
            features = features[0]
        return torch.flatten(
            features, 1
        )  # SqueezeNet's is already (n, 512); a head-less (n, C, 1, 1) becomes (n, C)


def names() -> list[str]:
    """Every backbone that can be asked for, sorted."""
    import torchvision

    return sorted(torchvision.models.list_models(module=torchvision.models))


def build(name: str, weights: str = RANDOM, size: int | None = None) -> Backbone:
    """Make a feature extractor.

    Args:
        name: torchvision's name of a classification network, e.g. ``resnet18``, ``squeezenet1_1``.
        weights: ``random`` (drawn from torch's generator), ``default`` (torchvision's published weights), or
            the path of a safetensors file with torchvision's key names, or of a folder that holds one.
        size: side of the pictures that will come; checked where the network takes one size only.

    Raises:
        InputError: unknown name, weights that can't be had offline, or a file that does not fit the network.
    """
    if name not in names():
        near = difflib.get_close_matches(name, names(), n=3, cutoff=0.4) or names()[:5]
        raise InputError(
            f"backbone {name!r}",
            "torchvision has no classification network of that name.",
            f"Near it: {', '.join(near)}.",
        )
    network = _published(name) if weights == HUB else _bare(name)
    only = getattr(
        network, "image_size", 224 if name == "maxvit_t" else None
    )  # positions are learned for one size
    if size is not None and only is not None and size != only:
        raise InputError(
            f"backbone {name!r}", f"reads pictures of {only} pixels only; {size} were asked for."
        )
    head, width = _head(network, name)
    if weights not in (RANDOM, HUB):
        _load_file(network, Path(weights), name, head)
    parent, _, leaf = head.rpartition(".")
    setattr(network.get_submodule(parent) if parent else network, leaf, nn.Identity())
    return Backbone(name, network, width)


def parameters(module: nn.Module) -> int:
    """Number of trainable and frozen parameters."""
    return sum(p.numel() for p in module.parameters())


def flops(module: nn.Module, size: int) -> int:
    """Floating-point operations of one forward pass of one picture.

    A multiplication and an addition are two operations; convolutions and matrix products are counted,
    element-wise work (activations, normalisation, pooling) is not, as is usual in published tables (which
    often halve the figure and call it multiply-adds).

    Args:
        module: takes (n, 3, size, size).
        size: side of the picture in pixels.
    """
    from torch.utils.flop_counter import FlopCounterMode

    device = next(module.parameters()).device
    was_training = module.training
    module.eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        module(torch.zeros(1, 3, size, size, device=device))
    module.train(was_training)
    return int(counter.get_total_flops())


def _bare(name: str) -> nn.Module:
    """The network with random weights, quietly and without auxiliary heads."""
    import torchvision

    options: dict[str, Any] = {"weights": None}
    if name in ("googlenet", "inception_v3"):  # their builders warn unless told, and draw weights slowly
        options |= {"init_weights": False, "aux_logits": False, "transform_input": True}
    return torchvision.models.get_model(name, **options)


def _published(name: str) -> nn.Module:
    """The network with torchvision's published weights, or an error that says which file belongs where."""
    import torchvision

    chosen = torchvision.models.get_model_weights(name).DEFAULT
    file = Path(torch.hub.get_dir()) / "checkpoints" / chosen.url.rpartition("/")[2]
    if file.exists():
        _check_published(file)
    try:
        return torchvision.models.get_model(name, weights=chosen, progress=False)
    except (URLError, OSError) as error:
        raise InputError(
            f"backbone {name!r}",
            f"its published weights can't be downloaded ({error}).",
            f"Put {chosen.url} at {file}, or give a local safetensors file with torchvision's key names.",
        ) from error


def _check_published(file: Path) -> None:
    """Refuse a cached file whose hash is not the one in its name.

    Torch.hub itself checks only what it downloads.
    """
    wanted = file.stem.rpartition("-")[2]
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if not found.startswith(wanted):
        raise InputError(
            str(file),
            f"its SHA-256 should begin with {wanted}; it begins with {found[:8]}.",
            "Remove it and fetch it again.",
        )


def _head(network: nn.Module, name: str) -> tuple[str, int]:
    """Name of the last layer with 1000 outputs, and the number of features that it reads."""
    found = [
        (key, layer.in_features if isinstance(layer, nn.Linear) else layer.in_channels)
        for key, layer in network.named_modules()
        if (isinstance(layer, nn.Linear) and layer.out_features == CLASSES)
        or (isinstance(layer, nn.Conv2d) and layer.out_channels == CLASSES)
    ]
    if not found:
        raise InputError(
            f"backbone {name!r}", "no layer with 1000 outputs to take off; it can't be used as a backbone."
        )
    return found[-1]


def _load_file(network: nn.Module, path: Path, name: str, head: str) -> None:
    """Load safetensors weights; only the head, which is taken off anyway, may be missing."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    file = _weights_file(path)
    try:
        state = load_file(file)
    except SafetensorError as error:
        raise InputError(str(file), f"is not a safetensors file ({error}).") from error
    prefix = "backbone.network."  # of networks trained here: their backbone can start another one
    if any(key.startswith(prefix) for key in state):
        state = {key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)}
    ours = network.state_dict()
    wrong = [
        key
        for key, value in state.items()
        if key in ours and value.shape != ours[key].shape and not key.startswith(f"{head}.")
    ]
    usable = {
        key: value
        for key, value in state.items()
        if key in ours and key not in wrong and value.shape == ours[key].shape
    }
    missing = [
        key for key in ours if key not in usable and key not in wrong and not key.startswith(f"{head}.")
    ]
    if wrong or missing:
        problem = f"{len(wrong)} tensors of another shape" if wrong else f"{len(missing)} tensors missing"
        raise InputError(
            str(file),
            f"does not fit {name}: {problem}, the first is {(wrong + missing)[0]}.",
            "Are these the weights of another network?",
        )
    network.load_state_dict(usable, strict=False)


def _weights_file(path: Path) -> Path:
    """The safetensors file itself, where a folder is given."""
    if path.is_dir():
        files = sorted(path.glob("*.safetensors"))
        if len(files) != 1:
            raise InputError(
                str(path), f"a folder of weights holds one .safetensors file; this one holds {len(files)}."
            )
        return files[0]
    if not path.is_file():
        raise InputError(
            str(path),
            "no such weights file or folder.",
            f"Weights are '{RANDOM}', '{HUB}', or a path of safetensors.",
        )
    return path
