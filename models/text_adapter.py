"""Makes a text network auditable: strings in, numpy scores out; the framework stays inside.

Implements `audit.protocols`: Model, Differentiable (with respect to token embeddings), Embeds, Randomisable,
Tunable and Explains. Each label is a yes/no output of its own, with its calibration and its threshold.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from audit.core import Task, TaskKind
from audit.errors import InputError, PlumblineError
from models import weights
from models.text_calibration import Calibration
from models.text_network import TextNetwork, from_card
from models.tokens import Tokens, lengths

KIND = "comments"
"""What the card of the weights says under "model"."""

PRECISIONS = ("fp32", "bf16")
METHODS = ("gradient", "gradient_x_input", "integrated_gradients")
STEPS = 50  # of integrated gradients: captum's default; the sum is then close to the change of the logit


@dataclass(frozen=True, kw_only=True)
class TextConditions:
    """Under which a network runs."""

    threads: int | None = None
    """Of one operation on the CPU; None: as torch is set."""
    precision: str = "fp32"
    """"fp32" or "bf16" (mixed: what loses by it stays in fp32)."""
    compile: bool = False
    batch_size: int = 64
    """Texts in one forward pass; halved for good where memory runs out."""


class TextModel:
    """One network with its tokenizer, calibration and thresholds behind the audit's door."""

    payload = "text"

    def __init__(
        self,
        network: TextNetwork,
        tokens: Tokens,
        calibration: Calibration | None = None,
        thresholds: Mapping[str, float] | None = None,
        conditions: TextConditions | None = None,
        device: str = "cpu",
    ) -> None:
        """Adapt a network; it is put on the device and into evaluation mode.

        Args:
            network: the network.
            tokens: the tokenizer that it was trained with.
            calibration: None: the plain sigmoid.
            thresholds: label -> score from which the decision is yes; 0.5 where none is given.
            conditions: None: the defaults.
            device: torch's name of it.
        """
        self.conditions = conditions or TextConditions()
        if self.conditions.precision not in PRECISIONS:
            got = self.conditions.precision
            raise InputError("precision", f"one of {', '.join(PRECISIONS)}; this is {got!r}.")
        self.network, self.tokens, self.device = network.to(device).eval(), tokens, device
        self.labels = network.labels
        self.calibration = calibration or Calibration.none(len(self.labels))
        self.thresholds = {label: (thresholds or {}).get(label, 0.5) for label in self.labels}
        self.tasks: Mapping[str, Task] = {
            label: Task(kind=TaskKind.BINARY, classes=("no", "yes")) for label in self.labels
        }
        self.batch_size = self.conditions.batch_size
        self._forward = torch.compile(network, dynamic=True) if self.conditions.compile else network

    def predict(self, batch: Sequence[str]) -> dict[str, NDArray[np.float64]]:
        """Score texts.

        Returns:
            By label: (n,) calibrated probability.
        """
        scores = self.calibration(self.logits(batch))
        return {label: scores[:, i].copy() for i, label in enumerate(self.labels)}

    def logits(self, batch: Sequence[str]) -> NDArray[np.float32]:
        """(n, L) raw outputs, before calibration."""
        return self.logits_of(self.tokens.encode(_texts(batch)))

    def logits_of(self, rows: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        """(n, L) raw outputs of texts that were tokenised before."""
        return self._over(rows, lambda ids, mask: self._forward(ids, mask), len(self.labels))

    def decide(self, scores: Mapping[str, NDArray[np.float64]]) -> dict[str, NDArray[np.int8]]:
        """(n,) 0/1 by label, from scores of `predict` and the label's threshold."""
        return {label: (scores[label] >= self.thresholds[label]).astype(np.int8) for label in self.labels}

    def embed(self, batch: Sequence[str]) -> NDArray[np.float32]:
        """(n, d) features that the last layer reads."""
        rows = self.tokens.encode(_texts(batch))
        return self._over(rows, lambda ids, mask: self.network.features(ids, mask), self.network.width)

    def gradient(self, batch: Sequence[str], output: str, target: NDArray[Any]) -> list[NDArray[np.float64]]:
        """Gradient of one label's log loss.

        Args:
            batch: texts.
            output: a label.
            target: (n,) 0 or 1.

        Returns:
            For each text (T, D): with respect to the embeddings of its tokens, as `spans` names them.
        """
        label, wanted = self._label(output), np.asarray(target, np.float32)
        if wanted.shape != (len(batch),):
            raise InputError("target", f"one 0 or 1 a text was expected; got shape {wanted.shape}.")

        def loss(logits: Tensor, rows: slice) -> Tensor:
            y = torch.from_numpy(wanted[rows]).to(logits.device)
            z = logits[:, label] * float(self.calibration.slope[label])
            z = z + float(self.calibration.intercept[label])
            return torch.nn.functional.binary_cross_entropy_with_logits(z, y, reduction="sum")

        return [found for _, found in self._gradients(batch, loss)]

    def explain(self, batch: Sequence[str], output: str, method: str) -> list[NDArray[np.float64]]:
        """Attribution of one label's logit to the tokens that `spans` names.

        Args:
            batch: texts.
            output: a label.
            method: gradient (its norm), gradient_x_input, or integrated_gradients from all-zero embeddings.

        Returns:
            For each text (T,).
        """
        if method not in METHODS:
            raise InputError("method", f"one of {', '.join(METHODS)}; got {method!r}.")
        label = self._label(output)

        def logit(logits: Tensor, rows: slice) -> Tensor:
            return logits[:, label].sum()

        if method == "gradient":
            return [np.linalg.norm(found, axis=1) for _, found in self._gradients(batch, logit)]
        if method == "gradient_x_input":
            return [(at * found).sum(1) for at, found in self._gradients(batch, logit)]
        total: list[NDArray[np.float64]] = []
        for step in range(STEPS):
            parts = [(at * g).sum(1) for at, g in self._gradients(batch, logit, (step + 0.5) / STEPS)]
            total = parts if not total else [a + b for a, b in zip(total, parts, strict=True)]
        return [part / STEPS for part in total]

    def spans(self, batch: Sequence[str]) -> list[list[tuple[int, int]]]:
        """(start, end) characters of each token of each text; (0, 0) for tokens that stand for no text."""
        return self.tokens.spans(_texts(batch))

    def randomised(self, seed: int) -> TextModel:
        """The same architecture with weights drawn anew; torch's own generator is left where it was."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            network = from_card(self.network.card())
        return TextModel(network, self.tokens, conditions=self.conditions, device=self.device)

    def configured(self, threads: int, precision: str, compile: bool) -> TextModel:
        """The same model, sharing its weights, with these settings."""
        wanted = replace(self.conditions, threads=threads, precision=precision, compile=compile)
        return TextModel(self.network, self.tokens, self.calibration, self.thresholds, wanted, self.device)

    def _label(self, output: str) -> int:
        if output not in self.labels:
            raise InputError("output", f"one of {', '.join(self.labels)}; got {output!r}.")
        return self.labels.index(output)

    def _over(
        self, rows: Sequence[Sequence[int]], compute: Callable[[Tensor, Tensor], Tensor], width: int
    ) -> NDArray[np.float32]:
        """Texts of similar length together, equal ones once; (n, width) in the order that they came."""
        first: dict[tuple[int, ...], int] = {}
        place = np.array([first.setdefault(tuple(row), len(first)) for row in rows], np.int64)
        distinct = list(first)
        order = np.argsort(
            -lengths(distinct), kind="stable"
        )  # longest first: memory runs out at once or never
        out = np.empty((len(distinct), width), np.float32)
        with torch.inference_mode(), self._settings():
            for chosen in self._chunks(order, lambda at: compute(*self._batch([distinct[i] for i in at]))):
                out[chosen[0]] = chosen[1].float().cpu().numpy()
        return out[place]

    def _gradients(
        self, batch: Sequence[str], scalar: Callable[[Tensor, slice], Tensor], share: float = 1.0
    ) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """For each text its (T, D) embeddings and the gradient of `scalar` at `share` of them."""
        rows = self.tokens.encode(_texts(batch))

        def compute(at: NDArray[np.int64]) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
            ids, mask = self._batch([rows[i] for i in at])
            with torch.enable_grad():
                full = self.network.encoder.embeddings(ids).detach()
                point = (full * share).requires_grad_()
                value = scalar(self.network.from_embeddings(point, mask), slice(at[0], at[-1] + 1))
                (found,) = torch.autograd.grad(value, point)
            pairs = zip(full.cpu().double().numpy(), found.cpu().double().numpy(), strict=True)
            return [(a[: len(rows[i])], b[: len(rows[i])]) for i, (a, b) in zip(at, pairs, strict=True)]

        out: list[tuple[NDArray[np.float64], NDArray[np.float64]]] = []
        with self._settings():
            for _, part in self._chunks(np.arange(len(rows)), compute):
                out += part
        return out

    def _chunks(
        self, order: NDArray[np.int64], compute: Callable[[NDArray[np.int64]], Any]
    ) -> Iterator[tuple[NDArray[np.int64], Any]]:
        at = 0
        while at < len(order):
            chosen = order[at : at + self.batch_size]
            try:
                result = compute(chosen)
            except (RuntimeError, MemoryError) as error:
                if not _out_of_memory(error):
                    raise
                if len(chosen) == 1:
                    raise PlumblineError(
                        f"one text alone does not fit into {self.device}'s memory"
                    ) from error
                self.batch_size = max(1, len(chosen) // 2)
                if torch.cuda.is_available():
                    torch.cuda.empty_cache()
                continue
            yield chosen, result
            at += len(chosen)

    def _batch(self, rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        ids, mask = self.tokens.batch(rows)
        return ids.to(self.device), mask.to(self.device)

    @contextlib.contextmanager
    def _settings(self) -> Iterator[None]:
        before, wanted = torch.get_num_threads(), self.conditions.threads
        if wanted:
            torch.set_num_threads(wanted)
        bf16 = self.conditions.precision == "bf16"
        try:
            with torch.autocast(torch.device(self.device).type, torch.bfloat16, enabled=bf16):
                yield
        finally:
            if wanted:
                torch.set_num_threads(before)


def load(path: Path | str, conditions: TextConditions | None = None, device: str = "cpu") -> TextModel:
    """Read weights that `plumbline train comments` wrote.

    Args:
        path: the folder, or one of its two files.
        conditions: under which it runs; None: the defaults.
        device: torch's name of it.

    Raises:
        InputError: no weights, damaged ones, or those of another kind of model.
    """
    state, card = weights.load(path)
    if card.get("model") != KIND:
        raise InputError(
            str(path), f"weights of a {KIND} model were expected; these are {card.get('model')!r}."
        )
    network = from_card(card["network"])
    weights.load_into(network, state, str(path))
    calibration = Calibration.from_card(card["calibration"])
    tokens = Tokens.from_card(card["tokenizer"], str(path))
    return TextModel(network, tokens, calibration, card["thresholds"], conditions, device)


def _texts(batch: Sequence[str]) -> list[str]:
    if isinstance(batch, str):
        raise InputError("batch", "a list of texts was expected; one text came.")
    for i, text in enumerate(batch):
        if not isinstance(text, str):
            raise InputError(f"batch, text {i}", f"a string was expected; got {type(text).__name__}.")
    return list(batch)


def _out_of_memory(error: BaseException) -> bool:
    known = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return known or "can't allocate memory" in str(error) or "out of memory" in str(error)
