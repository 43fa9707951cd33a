"""The training loop itself, on Lightning; `training.fit` is its door.

What costs time in a step is kept out of it: losses are summed on the device and read when a point is due, Lightning's
own bar, summary and validation loop are off, and `evaluate` runs between epochs.
"""

from __future__ import annotations

import json
import logging
import math
import os
import signal
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger
from lightning.pytorch.utilities.exceptions import MisconfigurationException
from lightning.pytorch.utilities.warnings import PossibleUserWarning
from torch import nn

from audit.errors import InputError
from training.fit import HISTORY, PRECISIONS, FitConfig, FitResult, seeded
from training.progress import TrainingProgress

DISTRIBUTED_CHECK = 10  # steps between two agreements of all ranks on the time budget


def run(
    network: nn.Module,
    loss: Any,
    evaluate: Any,
    train_loader: Iterable[Any],
    validation_loader: Iterable[Any],
    config: FitConfig,
    monitor: str,
    mode: str,
    groups: Any,
) -> FitResult:
    """Train; arguments as for `training.fit.fit`."""
    folder = config.out / "checkpoints"
    checkpoint, before = _earlier(config)
    if not checkpoint:
        for old in (folder / "last.ckpt", folder / "best.ckpt"):
            old.unlink(missing_ok=True)
    loop = Loop(network, (loss, evaluate, groups), validation_loader, config, monitor)
    started = time.monotonic()
    with _quiet(), _settings_restored():
        trainer = _trainer(config, folder, monitor, mode)
        _check_ranks(trainer, train_loader)
        if before.get("stopped") == "patience":
            loop.history, loop.losses, loop.stopped = before["epochs"], before["losses"], "patience"
        else:
            seeded(config.seed)
            _train(trainer, loop, Epochs(train_loader, config.seed, trainer), checkpoint)
        main, steps = trainer.is_global_zero, trainer.global_step
    _load_best(network, folder / "best.ckpt", main)
    if main:
        _finish(loop, config)
    values = [entry[monitor] for entry in loop.history]
    best = (np.nanargmax if mode == "max" else np.nanargmin)(values) if not np.isnan(values).all() else 0
    return FitResult(
        history=tuple(loop.history),
        losses=tuple((int(step), value) for step, value in loop.losses),
        best_epoch=int(best),
        best_value=float(values[int(best)]),
        steps=steps or int(before.get("steps", 0)),
        seconds=time.monotonic() - started,
        stopped=loop.stopped,
        main=main,
    )


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
            seeded(_epoch_seed(self.config.seed, self.trainer.current_epoch, self.trainer.global_rank))
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
            self.progress.step(self.trainer.current_epoch, self.config.epochs, step, self.total, value)

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
            _write_history(self, self.config)
            self.progress.epoch(self.current_epoch, self.config.epochs, {"loss": entry["loss"], **metrics})

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
    """A loader whose order is that of the epoch at hand, also where Lightning asks for it before saying which it is."""

    def __init__(self, loader: Any, seed: int, trainer: pl.Trainer) -> None:
        self.loader, self.seed, self.trainer = loader, seed, trainer

    def __len__(self) -> int:
        """Batches an epoch."""
        return len(self.loader)

    def __iter__(self) -> Iterator[Any]:
        """Iterate over the batches of this epoch."""
        epoch = self.trainer.fit_loop.epoch_progress.current.processed
        seed = _epoch_seed(self.seed, epoch, self.trainer.global_rank)
        seeded(seed)
        if (generator := getattr(self.loader, "generator", None)) is not None:
            generator.manual_seed(seed)
        for sampler in (getattr(self.loader, "batch_sampler", None), getattr(self.loader, "sampler", None)):
            if hasattr(sampler, "set_epoch"):
                sampler.set_epoch(epoch)
        return iter(self.loader)


class WholeEpochs(ModelCheckpoint):
    """Saves what a run resumes from: never an epoch that the time budget cut short."""

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Save unless the epoch was cut."""
        if not pl_module.cut:
            super().on_train_epoch_end(trainer, pl_module)


def weight_groups(network: nn.Module, config: FitConfig) -> list[dict[str, Any]]:
    """Parameters that learn, weight decay on matrices and kernels only."""
    learn = [p for p in network.parameters() if p.requires_grad]
    matrices, rest = [p for p in learn if p.ndim >= 2], [p for p in learn if p.ndim < 2]
    groups = [
        {"params": matrices, "weight_decay": config.weight_decay},
        {"params": rest, "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


def _trainer(config: FitConfig, folder: Path, monitor: str, mode: str) -> pl.Trainer:
    best = ModelCheckpoint(
        folder, "best", monitor=monitor, mode=mode, save_weights_only=True, save_on_train_epoch_end=True,
        enable_version_counter=False,
    )  # fmt: skip
    last = WholeEpochs(folder, "last", save_on_train_epoch_end=True, enable_version_counter=False)
    callbacks: list[Callback] = [best, last]
    if config.patience:
        callbacks.append(
            EarlyStopping(monitor, mode=mode, patience=config.patience, check_on_train_epoch_end=True)
        )
    try:
        return pl.Trainer(
            max_epochs=config.epochs,
            accelerator=config.accelerator,
            devices=config.devices,
            num_nodes=config.num_nodes,
            strategy=config.strategy,
            precision=PRECISIONS[config.precision],  # type: ignore[arg-type]
            gradient_clip_val=config.gradient_clip or None,
            accumulate_grad_batches=config.accumulate,
            deterministic="warn",
            default_root_dir=config.out,
            logger=TensorBoardLogger(config.out, name="", version="tensorboard"),
            callbacks=callbacks,
            limit_val_batches=0,
            num_sanity_val_steps=0,
            use_distributed_sampler=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
    except (MisconfigurationException, ValueError, ImportError) as error:
        text = str(error).splitlines()[0]
        raise InputError(
            "--accelerator, --devices, --strategy or --precision", f"Lightning refuses: {text}"
        ) from error


def _train(trainer: pl.Trainer, loop: Loop, epochs: Epochs, checkpoint: Path | None) -> None:
    handler = signal.getsignal(signal.SIGINT)
    try:
        trainer.fit(loop, epochs, ckpt_path=checkpoint, weights_only=True)
    except SystemExit as stop:  # Lightning's answer to Ctrl-C
        if not trainer.interrupted:
            raise
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
        raise KeyboardInterrupt from stop
    stopper = trainer.early_stopping_callback
    if stopper is not None and stopper.stopped_epoch > 0 and loop.stopped == "epochs":
        loop.stopped = "patience"


def _earlier(config: FitConfig) -> tuple[Path | None, dict[str, Any]]:
    last, file = config.out / "checkpoints" / "last.ckpt", config.out / HISTORY
    if not config.resume or not last.is_file():
        return None, {}
    before = json.loads(file.read_text("utf-8")) if file.is_file() else {}
    if before.get("identity", config.identity) != config.identity:
        raise InputError(
            str(config.out),
            f"holds a run of other data or another network ({before['identity']}, not {config.identity}).",
            "Resume with what it began with, choose another folder, or start anew without --resume.",
        )
    return last, before


def _check_ranks(trainer: pl.Trainer, loader: Any) -> None:
    from training.batches import EpochBatches

    if trainer.world_size > 1 and not isinstance(getattr(loader, "batch_sampler", None), EpochBatches):
        raise InputError("train_loader", "several devices share the batches of training.batches.loader only.")


def _load_best(network: nn.Module, path: Path, main: bool) -> None:
    network.cpu()
    if path.is_file() or main:  # another node without a shared disk has no such file and writes nothing
        state = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
        network.load_state_dict({name.removeprefix("network."): value for name, value in state.items()})
    network.eval()


def _finish(loop: Loop, config: FitConfig) -> None:
    from training.curves import draw

    _write_history(loop, config, stopped=loop.stopped)
    draw(loop.history, loop.losses, config.out, monitor=loop.monitor)


def _write_history(loop: Loop, config: FitConfig, stopped: str = "") -> None:
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


def _epoch_seed(seed: int, epoch: int, rank: int) -> int:
    return int(np.random.SeedSequence((seed, epoch, rank)).generate_state(1)[0])


@contextmanager
def _quiet() -> Iterator[None]:
    loggers = [logging.getLogger(f"lightning.{part}") for part in ("pytorch", "fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PossibleUserWarning)
        for words in (
            "Checkpoint directory .* exists",
            ".*sync_dist",
            ".*does not have a deterministic",
            ".*LeafSpec",
        ):
            warnings.filterwarnings("ignore", message=words)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


@contextmanager
def _settings_restored() -> Iterator[None]:
    strict, warn = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    os.environ.setdefault(
        "CUBLAS_WORKSPACE_CONFIG", ":4096:8"
    )  # what CUDA's matrix products need to be repeatable
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(strict, warn_only=warn)
