"""The course of a training as pictures: the loss by step, and every metric of validation by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

NOT_METRICS = {"epoch", "loss", "learning_rate", "seconds", "evaluation_seconds"}
MAX_PANELS = 12
INK, MARK, GRID = "#1f4e79", "#b3541e", "#dddddd"


def draw(
    history: Sequence[Mapping[str, float]],
    losses: Sequence[tuple[int, float]],
    out: Path,
    monitor: str = "",
) -> list[Path]:
    """Draw `curves.svg` and `curves.png`.

    Args:
        history: one entry an epoch, as `FitResult.history`.
        losses: (step, loss) points, as `FitResult.losses`.
        out: folder for the two files.
        monitor: metric that chose the best epoch; its panel comes first among the metrics.

    Returns:
        The two paths.
    """
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": "plumbline", "font.size": 9}):
        figure = _figure(history, losses, monitor)
        paths = [out / "curves.svg", out / "curves.png"]
        figure.savefig(paths[0], metadata={"Date": None})  # the same run draws the same bytes
        figure.savefig(paths[1], dpi=110)
    return paths


def _figure(history: Sequence[Mapping[str, float]], losses: Sequence[tuple[int, float]], monitor: str) -> Any:
    from matplotlib.figure import Figure  # not pyplot: no window, nothing global

    names = sorted(
        {name for entry in history for name in entry} - NOT_METRICS, key=lambda n: (n != monitor, n)
    )
    names = names[: MAX_PANELS - 1]
    columns = min(3, len(names) + 1)
    rows = -(-(len(names) + 1) // columns)
    figure = Figure(figsize=(4.2 * columns, 2.8 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    epochs = [entry["epoch"] + 1 for entry in history]
    if losses:
        panels[0].plot(*zip(*losses, strict=True), color=INK, lw=1)
        panels[0].set_xlabel("step")
    else:
        panels[0].plot(epochs, [entry["loss"] for entry in history], color=INK, marker="o", ms=3)
        panels[0].set_xlabel("epoch")
    panels[0].set_title("training loss")
    for panel, name in zip(panels[1:], names, strict=False):
        values = [entry.get(name, float("nan")) for entry in history]
        panel.plot(epochs, values, color=MARK if name == monitor else INK, marker="o", ms=3, lw=1)
        panel.set_title(name)
        panel.set_xlabel("epoch")
        panel.xaxis.get_major_locator().set_params(integer=True)
    for panel in panels:
        panel.grid(color=GRID, lw=0.5)
        panel.spines[["top", "right"]].set_visible(False)
    for panel in panels[len(names) + 1 :]:
        panel.set_visible(False)
    return figure
