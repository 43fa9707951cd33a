"""Train several backbones on the same pictures and put quality, size and speed side by side.

Every backbone is trained with the same flags and seed, its test rows are looked at once, and its speed is
measured in a process of its own after all trainings, so that a training does not slow what is being timed.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from audit.errors import InputError
from audit.intervals import wilson
from training.backbone_speed import Conditions, Measured, cores, fitting_threads, measure
from training.data.splits import TEST

KINDS = {"faces": "gender_accuracy", "mushrooms": "accuracy"}
"""Model -> the rate of the test rows that is compared, with its interval."""

Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Quality:
    """One trained backbone."""

    backbone: str
    begun: str
    """"random", "default" (published weights) or the name of a file."""
    metric: str
    value: float
    low: float
    high: float
    """Wilson's interval of the rate, 95 %."""
    n: int
    """Test rows."""
    training_seconds: float
    epochs: int
    test: Mapping[str, float]
    """Every metric of the test rows."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Everything that was measured."""

    kind: str
    qualities: tuple[Quality, ...]
    """Empty where only speed was asked for."""
    measured: tuple[Measured, ...]
    about: Mapping[str, Any]
    """Data, flags, machine, versions."""


def compare(
    kind: str,
    data: Path | None,
    backbones: Sequence[str],
    out: Path,
    *,
    flags: Sequence[str] = (),
    weights: Path | None = None,
    conditions: Conditions | None = None,
    say: Say = print,
) -> Comparison:
    """Train and measure; files are written by `write`.

    Args:
        kind: a key of `KINDS`.
        data: the data folder; None: measure speed only.
        backbones: torchvision names.
        out: folder; each backbone's weights go to ``out/NAME``.
        flags: further flags of `plumbline train KIND`, the same for all.
        weights: folder that holds NAME.safetensors or NAME/ for backbones that begin with local weights.
        conditions: of the speed; None: the size of the training, batches 1, 8, 32, 1 and 2 threads, fp32 and
            bf16.
        say: takes lines for a person.

    Raises:
        InputError: unknown kind or backbone, or data that can't be trained on.
    """
    from models.backbones import build

    if kind not in KINDS:
        raise InputError(f"model {kind!r}", f"one of {', '.join(KINDS)} was expected.")
    for name in backbones:  # a wrong name is known before hours of training
        build(name)
    module, base = _base(kind, data, flags)
    qualities = [] if data is None else _train_all(kind, module, base, backbones, out, weights, say)
    asked = conditions or Conditions()
    asked = replace(asked, sizes=asked.sizes or (base.size,), threads=fitting_threads(asked.threads))
    load = round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else float("nan")
    if load > cores():
        say(f"the machine is busy (load {load} on {cores()} cores): times below are not its best")
    measured = []
    for name in backbones:
        say(f"{name}: measuring speed")
        measured.append(measure(name, asked))
    return Comparison(
        kind=kind,
        qualities=tuple(qualities),
        measured=tuple(measured),
        about=_about(base, flags, asked, load),
    )


def write(found: Comparison, out: Path) -> list[Path]:
    """Write quality.csv, speed.csv, backbones.json and the chart.

    Returns:
        The paths.
    """
    from training.backbone_chart import draw

    out.mkdir(parents=True, exist_ok=True)
    paths = [out / "quality.csv", out / "speed.csv", out / "backbones.json"]
    _table(paths[0], quality_rows(found))
    _table(paths[1], [asdict(speed) for one in found.measured for speed in one.speeds])
    paths[2].write_text(json.dumps(asdict(found), indent=1, default=str) + "\n", "utf-8")
    return [*paths, *draw(found, out)]


def quality_rows(found: Comparison) -> list[dict[str, Any]]:
    """One row a backbone: quality, size, training time, and speed at one picture and at the largest batch."""
    by_name = {quality.backbone: quality for quality in found.qualities}
    rows = []
    for one in found.measured:
        quality = by_name.get(one.backbone)
        row: dict[str, Any] = {"backbone": one.backbone}
        if quality is not None:
            told = asdict(quality)
            row |= {
                k: told[k]
                for k in ("begun", "metric", "value", "low", "high", "n", "training_seconds", "epochs")
            }
        size = max(one.flops)
        row |= {
            "parameters": one.parameters,
            "size": size,
            "flops": one.flops[size],
            "peak_mib": one.peak_mib[size],
        }
        first, last = plain(one, batch=1), plain(one)
        row |= {
            "batch_1_ms": first.p50_ms,
            f"pictures_per_second_batch_{last.batch}": last.pictures_per_second,
        }
        rows.append(row)
    return rows


def plain(one: Measured, batch: int | None = None) -> Any:
    """The speed at the largest size, fewest threads and fp32.

    Args:
        one: a backbone.
        batch: the batch nearest to this; None: the largest.
    """
    size, threads = max(s.size for s in one.speeds), min(s.threads for s in one.speeds)
    precision = "fp32" if any(s.precision == "fp32" for s in one.speeds) else one.speeds[0].precision
    kept = [s for s in one.speeds if (s.size, s.threads, s.precision) == (size, threads, precision)]
    return (
        max(kept, key=lambda s: s.batch) if batch is None else min(kept, key=lambda s: abs(s.batch - batch))
    )


def local_weights(folder: Path | None, name: str) -> str:
    """Where a backbone's local weights lie.

    FOLDER/NAME.safetensors or FOLDER/NAME; "random" where there are none.
    """
    if folder is None:
        return "random"
    return next((str(p) for p in (folder / f"{name}.safetensors", folder / name) if p.exists()), "random")


def _base(kind: str, data: Path | None, flags: Sequence[str]) -> tuple[Any, argparse.Namespace]:
    import importlib

    module = importlib.import_module(f"training.{kind}")
    parser = argparse.ArgumentParser(prog=f"plumbline train {kind}", allow_abbrev=False, exit_on_error=False)
    module.add_arguments(parser)
    try:
        base, unknown = parser.parse_known_args(["--data", str(data or "."), *flags])
    except argparse.ArgumentError as error:
        raise InputError("flags of train", f"{error}.") from error
    if unknown:
        raise InputError(
            "flags of train", f"{' '.join(unknown)} is not known.", f"`{parser.prog} --help` lists them."
        )
    return module, base


def _train_all(
    kind: str,
    module: Any,
    base: argparse.Namespace,
    backbones: Sequence[str],
    out: Path,
    weights: Path | None,
    say: Say,
) -> list[Quality]:
    from training.image_data import prepare
    from training.image_run import backbone_weights

    prepared = prepare(kind, base, say)
    n = len(prepared.rows(TEST))
    qualities = []
    for name in backbones:
        args = argparse.Namespace(**{**vars(base), "backbone": name, "weights_out": out / name})
        if weights is not None:
            args.backbone_weights = local_weights(weights, name)
        begun = backbone_weights(args)
        begun = begun if begun in ("random", "default") else Path(begun).name
        say(f"{name}: training, begun from {begun} weights")
        started = time.monotonic()
        outcome = module.train(args, None, prepared)
        value = outcome.test[KINDS[kind]]
        rate = wilson([value * n], [n])
        qualities.append(
            Quality(
                backbone=name,
                begun=begun,
                metric=KINDS[kind],
                value=float(value),
                low=float(rate.low[0]),
                high=float(rate.high[0]),
                n=n,
                training_seconds=round(time.monotonic() - started, 1),
                epochs=sum(len(result.history) for result in outcome.results),
                test=dict(outcome.test),
            )
        )
        say(f"{name}: {KINDS[kind]} {value:.3f} [{rate.low[0]:.3f}, {rate.high[0]:.3f}] on {n} test rows")
    return qualities


def _about(
    base: argparse.Namespace, flags: Sequence[str], conditions: Conditions, load: float
) -> dict[str, Any]:
    return {
        "data": base.data.resolve().name,
        "seed": base.seed,
        "flags": list(flags),
        "conditions": asdict(conditions),
        "machine": platform.processor() or platform.machine(),
        "cores": cores(),
        "load_before": load,
        "versions": {name: version(name) for name in ("torch", "torchvision")},
    }


def _table(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, names)
        writer.writeheader()
        for row in rows:
            writer.writerow({k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()})
