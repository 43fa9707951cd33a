"""Makes an image network auditable: numpy pictures in, numpy scores out; the framework stays inside.

Implements `audit.protocols`: Model, Differentiable (with respect to pixels in [0, 255], before resizing
and normalising), Embeds, Explains, Perturbable, Randomisable and Tunable.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from audit.core import Task
from audit.errors import InputError, PlumblineError
from models import image_explain, image_masked
from models.image_preprocessing import as_picture, decode, normalise, resize, single, to_pixels

PRECISIONS = ("fp32", "bf16")


class ImageNetwork(Protocol):
    """What a network offers to be adapted.

    `models.faces.FacesNetwork`, `models.mushrooms.MushroomsNetwork`, or yours.
    """

    size: int
    """Side in pixels of the square that it reads."""
    tasks: Mapping[str, Task]

    def __call__(self, images: Tensor) -> Mapping[str, Tensor]:
        """(n, 3, size, size), normalised -> raw outputs by name."""
        ...

    def features(self, images: Tensor) -> Tensor:
        """(n, 3, size, size), normalised -> (n, d) what the last layers read."""
        ...

    def scores(self, raw: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        """Raw outputs -> what `Model.predict` promises; further names (a spread) are allowed."""
        ...

    def row_loss(self, raw: Mapping[str, Tensor], output: str, target: Tensor) -> Tensor:
        """(n,) loss of each picture for one output, for gradients."""
        ...

    def randomised(self, seed: int) -> ImageNetwork:
        """The same architecture with weights drawn anew."""
        ...


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """Under which a network runs."""

    threads: int | None = None
    """Of one operation on the CPU; None: as torch is set."""
    precision: str = "fp32"
    """"fp32" or "bf16" (mixed: what loses by it stays in fp32)."""
    compile: bool = False
    batch_size: int = 64
    """Pictures in one forward pass; halved for good where memory runs out."""


class ImageModel:
    """One network behind the audit's door.

    Safe to share between threads as long as `Conditions.threads` is None.
    """

    payload = "image"

    def __init__(self, network: Any, conditions: Conditions | None = None, device: str = "cpu") -> None:
        """Adapt a network (see `ImageNetwork`); it is put on the device and into evaluation mode."""
        self.conditions = conditions or Conditions()
        if self.conditions.precision not in PRECISIONS:
            raise InputError(
                "precision", f"one of {', '.join(PRECISIONS)}; this is {self.conditions.precision!r}."
            )
        self.network = network.to(device, memory_format=torch.channels_last).eval()
        self.tasks: Mapping[str, Task] = network.tasks
        self.device = device
        self.batch_size = self.conditions.batch_size
        self._forward = torch.compile(network) if self.conditions.compile else network

    def predict(self, batch: Sequence[Any]) -> dict[str, NDArray[np.float64]]:
        """Score pictures.

        Args:
            batch: (H, W, 3) uint8 arrays of any sizes.

        Returns:
            By output: (n,) probability of the second class for binary, (n, C) for multiclass, (n,) for
            regression.
        """
        return self._only_tasks(self.measured(batch))

    def measured(self, batch: Sequence[Any]) -> dict[str, NDArray[np.float64]]:
        """Like `predict`, with whatever else the network measures (``age_spread``: years)."""
        pictures = [as_picture(picture, f"picture {i}") for i, picture in enumerate(batch)]
        return self._joined(self._over(len(pictures), lambda a, b: self._pixels(pictures[a:b]), self._scores))

    def predict_files(self, paths: Sequence[Path], workers: int = 0) -> dict[str, NDArray[np.float64]]:
        """Score picture files, decoded in worker processes while the network computes.

        Returns:
            As `measured`; equal to `measured` on the decoded pictures.

        Raises:
            InputError: a file can't be read as a picture.
        """
        from torch.utils.data import DataLoader

        # threads of the parent (numba's, the BLAS's) make a plain fork unsafe only when workers use them;
        # ours decode
        loader = DataLoader(
            _Files(paths, self.network.size),
            batch_size=self.batch_size,
            num_workers=workers,
            collate_fn=list,
            persistent_workers=False,
        )
        parts = []
        for items in loader:
            for item in items:
                if isinstance(item, tuple):
                    raise InputError(*item)
            stacked = torch.stack(items)
            parts += self._over(
                len(items), lambda a, b, s=stacked: s[a:b].to(self.device, copy=True), self._scores
            )
        return self._joined(parts)

    def embed(self, batch: Sequence[Any]) -> NDArray[np.float32]:
        """(n, d) features that the last layers read."""
        pictures = [as_picture(picture, f"picture {i}") for i, picture in enumerate(batch)]
        if not pictures:
            pictures_none = torch.zeros(1, 3, self.network.size, self.network.size, device=self.device)
            with torch.inference_mode():
                return np.zeros((0, self.network.features(pictures_none).shape[1]), np.float32)

        def features(pixels: Tensor) -> dict[str, Tensor]:
            return {"features": self.network.features(normalise(pixels, in_place=True))}

        parts = self._over(len(pictures), lambda a, b: self._pixels(pictures[a:b]), features)
        return self._joined(parts)["features"].astype(np.float32)

    def gradient(self, batch: Sequence[Any], output: str, target: NDArray[Any]) -> list[NDArray[np.float64]]:
        """Gradient of each picture's own loss with respect to its pixels.

        Args:
            batch: n pictures, (H, W, 3) uint8.
            output: name in `tasks`.
            target: (n,) 0/1, class codes, or numbers. For a number the loss is half the squared error, so
                that with ``target = prediction - 1`` this is the gradient of the prediction itself.

        Returns:
            n arrays (H, W, 3): change of the loss per unit of a pixel on the scale 0 to 255.
        """
        if output not in self.tasks:
            raise InputError(f"output {output!r}", f"this model has {', '.join(self.tasks)}.")
        pictures = [as_picture(picture, f"picture {i}") for i, picture in enumerate(batch)]
        targets = torch.as_tensor(np.asarray(target))
        found: list[NDArray[np.float64]] = []
        for part in self._over(
            len(pictures),
            lambda a, b: (pictures[a:b], targets[a:b]),
            lambda given: self._gradients(*given, output),
            grad=True,
        ):
            found += part
        return found

    predict_masked, predict_boxed = image_masked.predict_masked, image_masked.predict_boxed
    explain = image_explain.explain

    def randomised(self, seed: int) -> ImageModel:
        """The same architecture with weights drawn anew from a seed."""
        return ImageModel(self.network.randomised(seed), self.conditions, self.device)

    def configured(self, threads: int, precision: str, compile: bool) -> ImageModel:
        """The same network (weights are shared) under other conditions."""
        asked = Conditions(
            threads=threads, precision=precision, compile=compile, batch_size=self.conditions.batch_size
        )
        return ImageModel(self.network, asked, self.device)

    def _only_tasks(self, measured: dict[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
        return {output: measured[output] for output in self.tasks}

    def _pixels(self, pictures: Sequence[Any]) -> Tensor:
        return to_pixels(pictures, self.network.size, self.device)

    def _scores(self, pixels: Tensor) -> Mapping[str, Tensor]:
        return self._read(normalise(pixels, in_place=True))

    def _read(self, images: Tensor) -> Mapping[str, Tensor]:
        with self._precision():
            raw = self._forward(images)
        return self.network.scores({name: value.double() for name, value in raw.items()})

    def _gradients(self, pictures: Sequence[Any], target: Tensor, output: str) -> list[NDArray[np.float64]]:
        leaves = [single(picture).to(self.device).requires_grad_() for picture in pictures]
        pixels = torch.cat([resize(leaf, self.network.size) for leaf in leaves])
        with self._precision():
            raw = self.network(normalise(pixels))
        loss = self.network.row_loss(
            {k: v.float() for k, v in raw.items()}, output, target.to(self.device)
        ).sum()
        return [g[0].permute(1, 2, 0).double().cpu().numpy() for g in torch.autograd.grad(loss, leaves)]

    def _precision(self) -> contextlib.AbstractContextManager[Any]:
        if self.conditions.precision == "bf16":
            return torch.autocast(torch.device(self.device).type, torch.bfloat16)
        return contextlib.nullcontext()

    def _over(
        self, n: int, prepare: Callable[[int, int], Any], compute: Callable[[Any], Any], grad: bool = False
    ) -> list[Any]:
        """Run `compute(prepare(start, stop))` over n rows in batches that fit the memory."""
        parts, start = [], 0
        with _threads(self.conditions.threads), torch.inference_mode(not grad):
            while start < n:
                stop = min(start + self.batch_size, n)
                try:
                    parts.append(compute(prepare(start, stop)))
                    start = stop
                except (MemoryError, RuntimeError) as error:
                    self._smaller(error)
        return parts

    def _smaller(self, error: Exception) -> None:
        """Halve the batch after running out of memory; anything else is raised again."""
        out = isinstance(error, (MemoryError, torch.OutOfMemoryError)) or "can't allocate memory" in str(
            error
        )
        if not out:
            raise error
        if self.batch_size == 1:
            raise PlumblineError("not enough memory to score one picture with this network.") from error
        self.batch_size = max(1, self.batch_size // 2)
        if torch.device(self.device).type == "cuda":
            torch.cuda.empty_cache()

    def _joined(self, parts: list[Mapping[str, Tensor]]) -> dict[str, NDArray[np.float64]]:
        """Batches of scores, one after the other."""
        if not parts:  # nothing came: one grey picture tells the shapes
            grey = torch.full((1, 3, self.network.size, self.network.size), 128.0, device=self.device)
            with torch.inference_mode():
                return {k: v[:0].double().cpu().numpy() for k, v in self._scores(grey).items()}
        return {k: torch.cat([part[k] for part in parts]).double().cpu().numpy() for k in parts[0]}


class _Files(torch.utils.data.Dataset):  # type: ignore[type-arg]
    """Decodes and resizes one file an item.

    A failure is returned as (place, problem), for it must cross processes.
    """

    def __init__(self, paths: Sequence[Path], size: int) -> None:
        self.paths, self.size = [str(path) for path in paths], size

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Tensor | tuple[str, str]:
        try:
            return resize(single(decode(self.paths[index])), self.size)[0]
        except InputError as error:
            return (error.place, error.problem)


@contextlib.contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """Set torch's threads for a while."""
    before = torch.get_num_threads()
    if count is not None:
        torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
