"""What happens in a step and after an epoch, as Lightning's hooks; `training.trainer` runs it.

What costs time in a step is kept out of it: losses are summed on the device and read when a point is due;
Lightning's own bar, summary and validation loop are off, and `evaluate` runs between epochs.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from torch import nn

from audit.errors import InputError
from training.fit import HISTORY, FitConfig, seeded
from training.progress import TrainingProgress

RESERVED = {"epoch", "loss", "learning_rate", "seconds", "evaluation_seconds"}
DISTRIBUTED_CHECK = 10  # steps between two agreements of all ranks on the time budget


class Loop(pl.LightningModule):
    """Joins a network, its loss and its evaluation to Lightning's hooks."""

    def __init__(
        self,
        network: nn.Module,
        parts: tuple[Any, Any, Any],
        validation: Any,
        config: FitConfig,
        monitor: str,
    ) -> None:
        super().__init__()
        self.network = network
        self.parts = parts  # in a tuple: a loss that is a module must not become part of the weights
        self.validation, self.config, self.monitor = validation, config, monitor
        self.history: list[dict[str, float]] = []
        self.losses: list[tuple[int, float]] = []
        self.stopped: Any = "epochs"
        self.cut = False
        self.progress = TrainingProgress()
        self.total = 0
        self.sums: dict[str, torch.Tensor] = {}
        self.recent: torch.Tensor | None = None
        self.counted = self.recent_counted = 0
        self.began = self.deadline = 0.0

    def on_fit_start(self) -> None:
        """Start the clock."""
        self.progress.start(self.trainer.global_step)
        minutes = self.config.minutes
        self.deadline = time.monotonic() + minutes * 60 if minutes else math.inf
        self.began = time.monotonic()

    def training_step(self, batch: Any, index: int) -> torch.Tensor:
        """One batch; nothing here waits for the device."""
        if (
            index == 0
        ):  # dropout depends on seed and epoch alone, so that a resumed run draws what it would have
            seeded(epoch_seed(self.config.seed, self.trainer.current_epoch, self.trainer.global_rank))
        given = self.parts[0](self.network, batch)
        out = given if isinstance(given, Mapping) else {"loss": given}
        for name, value in out.items():
            value = value.detach()
            self.sums[name] = self.sums[name] + value if name in self.sums else value
        last = out["loss"].detach()
        self.recent = last if self.recent is None else self.recent + last
        self.counted += 1
        self.recent_counted += 1
        return out["loss"]

    def on_train_batch_end(self, outputs: Any, batch: Any, index: int) -> None:
        """Log a point where one is due, and stop where the budget is spent."""
        step = self.trainer.global_step
        due = self.recent_counted >= self.config.log_every * self.config.accumulate
        show = self.trainer.is_global_zero and self.progress.due()
        if due or show:
            self._point(step, log=due, show=show)
        world = self.trainer.world_size
        if self.deadline < math.inf and (world == 1 or step % DISTRIBUTED_CHECK == 0):
            over = time.monotonic() > self.deadline
            over = over if world == 1 else bool(self.trainer.strategy.broadcast(over))
            if over and not self.trainer.should_stop:
                self.stopped = "budget"
                self.cut = index + 1 < self.trainer.num_training_batches
                self.trainer.should_stop = True

    def _point(self, step: int, log: bool, show: bool) -> None:
        assert self.recent is not None
        value = float(self.recent) / self.recent_counted
        if not math.isfinite(value):
            raise InputError(
                f"step {step}",
                f"the loss is {value}, not a number that can be lowered.",
                "Lower --learning-rate.",
            )
        if log:
            self.losses.append((step, value))
            self.recent, self.recent_counted = None, 0
            if self.logger is not None:
                rate = self.trainer.optimizers[0].param_groups[0]["lr"]
                self.logger.log_metrics({"loss": value, "learning_rate": rate}, step)
        if show:
            mean = float(self.sums["loss"]) / self.counted
            self.progress.step(self.trainer.current_epoch, self.config.epochs, step, self.total, mean)

    def on_train_epoch_end(self) -> None:
        """Evaluate, and keep what came of it."""
        mean = {name: float(total) / self.counted for name, total in self.sums.items()}
        if not math.isfinite(mean["loss"]):
            raise InputError(
                f"epoch {self.current_epoch + 1}", "the loss is not finite.", "Lower --learning-rate."
            )
        self.sums, self.counted = {}, 0
        trained = time.monotonic()
        self.network.eval()
        with torch.no_grad(), self.trainer.precision_plugin.forward_context():
            metrics = {
                name: float(value) for name, value in self.parts[1](self.network, self.validation).items()
            }
        self.network.train()
        if taken := sorted(RESERVED & metrics.keys()):
            raise InputError(
                "evaluate", f"gave {', '.join(taken)}, which are names that the history uses itself."
            )
        if self.monitor not in metrics:
            raise InputError(
                "monitor", f"evaluate gave {', '.join(metrics)}; {self.monitor!r} is not among them."
            )
        metrics = self.trainer.strategy.broadcast(metrics)  # every rank must stop at the same epoch
        self.log_dict(metrics)
        now = time.monotonic()
        entry = {"epoch": float(self.current_epoch), "loss": mean.pop("loss")}
        entry |= {f"loss.{name}": value for name, value in mean.items()}
        entry |= {"learning_rate": float(self.trainer.optimizers[0].param_groups[0]["lr"])} | metrics
        entry |= {"seconds": now - self.began, "evaluation_seconds": now - trained}
        self.began = now
        self.history.append(entry)
        if self.trainer.is_global_zero:
            write_history(self, self.config)
            self.progress.epoch(self.current_epoch, self.config.epochs, {"loss": entry["loss"], **metrics})

    def configure_gradient_clipping(
        self, optimizer: Any, gradient_clip_val: Any = None, gradient_clip_algorithm: Any = None
    ) -> None:
        """Clip by norm; Lightning refuses to where a fused optimiser meets bf16, which needs no unscaling."""
        if gradient_clip_val and self.config.precision == "bf16":
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), gradient_clip_val)
        elif gradient_clip_val:
            self.clip_gradients(optimizer, gradient_clip_val, gradient_clip_algorithm)

    def configure_optimizers(self) -> Any:
        """AdamW, linear warm-up and a half cosine."""
        config = self.config
        groups = self.parts[2](self.network, config) if self.parts[2] else weight_groups(self.network, config)
        plain = config.precision == "16" or self.device.type not in ("cpu", "cuda")
        adam = torch.optim.AdamW(
            groups, lr=config.learning_rate, weight_decay=config.weight_decay, fused=not plain
        )
        # Lightning's own estimate would start the loader before a resumed run knows its epoch
        batches = len(self.trainer.fit_loop._data_source.instance)
        total = self.total = -(-batches // config.accumulate) * config.epochs
        warm = int(total * config.warmup_share)

        def share(step: int) -> float:
            if step < warm:
                return (step + 1) / (warm + 1)
            return 0.5 * (1 + math.cos(math.pi * min((step - warm) / max(total - warm, 1), 1)))

        schedule = torch.optim.lr_scheduler.LambdaLR(adam, share)
        return {"optimizer": adam, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep history: plain numbers, so that the checkpoint opens without running anything."""
        checkpoint["plumbline"] = {
            "history": self.history,
            "losses": self.losses,
            "identity": self.config.identity,
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take history up again."""
        kept = checkpoint["plumbline"]
        self.history = [dict(entry) for entry in kept["history"]]
        self.losses = [(int(step), float(value)) for step, value in kept["losses"]]


class Epochs:
    """A loader whose order is that of the epoch at hand, whenever Lightning asks for it."""

    def __init__(self, loader: Any, seed: int, trainer: pl.Trainer) -> None:
        self.loader, self.seed, self.trainer = loader, seed, trainer

    def __len__(self) -> int:
        """Batches an epoch."""
        return len(self.loader)

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the batches of this epoch."""
        epoch = self.trainer.fit_loop.epoch_progress.current.processed
        seed = epoch_seed(self.seed, epoch, self.trainer.global_rank)
        seeded(seed)
        if (generator := getattr(self.loader, "generator", None)) is not None:
            generator.manual_seed(seed)
        for sampler in (getattr(self.loader, "batch_sampler", None), getattr(self.loader, "sampler", None)):
            if hasattr(sampler, "set_epoch"):
                sampler.set_epoch(epoch)
        return iter(self.loader)


def weight_groups(network: nn.Module, config: FitConfig) -> list[dict[str, Any]]:
    """Parameters that learn, weight decay on matrices and kernels only."""
    learn = [p for p in network.parameters() if p.requires_grad]
    matrices, rest = [p for p in learn if p.ndim >= 2], [p for p in learn if p.ndim < 2]
    groups = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": rest, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def write_history(loop: Loop, config: FitConfig, stopped: str = "") -> None:
    """Write history.json beside its place and rename it: a kill leaves the old one or the new."""
    trainer = loop._trainer
    content = {
        "identity": config.identity,
        "config": {name: str(v) if isinstance(v, Path) else v for name, v in asdict(config).items()},
        "epochs": loop.history,
        "losses": loop.losses,
        "steps": trainer.global_step if trainer else 0,
        "stopped": stopped,
    }
    path = config.out / HISTORY
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(content, indent=1) + "\n", "utf-8")
    os.replace(beside, path)


def epoch_seed(seed: int, epoch: int, rank: int) -> int:
    """One number from three, so that neighbouring seeds and epochs share nothing."""
    return int(np.random.SeedSequence((seed, epoch, rank)).generate_state(1)[0])
