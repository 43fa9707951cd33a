"""One run on the Trainer of Lightning: how it is built and resumes; `training.fit` is its door."""

from __future__ import annotations

import json
import logging
import os
import signal
import time
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
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
from training.loop import Epochs, Loop, write_history


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


class WholeEpochs(ModelCheckpoint):
    """Saves what a run resumes from: never an epoch that the time budget cut short."""

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Save unless the epoch was cut."""
        if not pl_module.cut:
            super().on_train_epoch_end(trainer, pl_module)


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

    write_history(loop, config, stopped=loop.stopped)
    draw(loop.history, loop.losses, config.out, monitor=loop.monitor)


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
