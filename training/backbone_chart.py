"""The comparison of backbones as one picture: quality against time, throughput under conditions, size."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from training.backbone_comparison import Comparison

INK, MARK, GRID = "#1f4e79", "#b3541e", "#dddddd"
SHADES = ("#9db8d2", "#1f4e79", "#e0b89a", "#b3541e", "#b9c9a6", "#5f7a3a")


def draw(found: Comparison, out: Path) -> list[Path]:
    """Draw `backbones.svg` and `backbones.png`.

    Args:
        found: the comparison.
        out: folder for the two files.
    """
    import matplotlib

    with matplotlib.rc_context({"svg.hashsalt": "plumbline", "font.size": 9}):
        figure = _figure(found)
        paths = [out / "backbones.svg", out / "backbones.png"]
        figure.savefig(paths[0], metadata={"Date": None})
        figure.savefig(paths[1], dpi=110)
    return paths


def _figure(found: Comparison) -> Any:
    from matplotlib.figure import Figure  # not pyplot: no window, nothing global

    count = len(found.measured)
    figure = Figure(figsize=(13.5, 2.4 + 0.42 * max(count, 4)), layout="constrained")
    panels = figure.subplots(1, 3)
    if found.qualities:
        _quality(panels[0], found)
    else:
        _latency(panels[0], found)
    _throughput(panels[1], found)
    _size(panels[2], found)
    for panel in panels:
        panel.grid(color=GRID, lw=0.5, axis="both" if panel is panels[0] else "x")
        panel.set_axisbelow(True)
        panel.spines[["top", "right"]].set_visible(False)
    return figure


def _quality(panel: Any, found: Comparison) -> None:
    from training.backbone_comparison import plain

    ms = {one.backbone: plain(one, batch=1) for one in found.measured}
    for quality in found.qualities:
        x = ms[quality.backbone].p50_ms
        below, above = quality.value - quality.low, quality.high - quality.value
        panel.errorbar(x, quality.value, [[below], [above]], fmt="o", color=INK, ms=5, capsize=3, lw=1)
        begun = "" if quality.begun == "random" else ", pretrained"
        where = {"xytext": (0, 4), "textcoords": "offset points", "ha": "center"}
        panel.annotate(f"{quality.backbone}{begun}", (x, quality.high), **where)
    one = next(iter(ms.values()))
    panel.set_xscale("log")
    _plain_ticks(panel)
    panel.margins(x=0.3, y=0.12)
    panel.set_xlabel(f"milliseconds a picture (batch {one.batch}, {one.threads} thread, {one.precision})")
    panel.set_ylabel(f"{found.qualities[0].metric.replace('_', ' ')} on {found.qualities[0].n} test pictures")
    panel.set_title("quality with 95 % interval, against time")


def _latency(panel: Any, found: Comparison) -> None:
    from training.backbone_comparison import plain

    speeds = [plain(one, batch=1) for one in found.measured]
    panel.barh([s.backbone for s in speeds], [s.p50_ms for s in speeds], color=INK)
    panel.set_xlabel(f"milliseconds a picture (batch {speeds[0].batch}, {speeds[0].precision})")
    panel.set_title("time")


def _throughput(panel: Any, found: Comparison) -> None:
    names = [one.backbone for one in found.measured]
    largest = max(s.batch for s in found.measured[0].speeds)
    size = max(s.size for s in found.measured[0].speeds)
    kinds = sorted(
        {(s.precision, s.threads) for s in found.measured[0].speeds}, key=lambda k: (k[0] != "fp32", k)
    )
    height = 0.8 / len(kinds)
    for place, (precision, threads) in enumerate(kinds):
        rates = [
            next(
                s.pictures_per_second
                for s in one.speeds
                if (s.precision, s.threads, s.batch, s.size) == (precision, threads, largest, size)
            )
            for one in found.measured
        ]
        rows = [row + (place - (len(kinds) - 1) / 2) * height for row in range(len(names))]
        label = f"{precision}, {threads} thread{'s' if threads > 1 else ''}"
        panel.barh(rows, rates, height * 0.92, color=SHADES[place % len(SHADES)], label=label)
    panel.set_yticks(range(len(names)), names)
    panel.invert_yaxis()
    panel.legend(frameon=False, loc="upper left", bbox_to_anchor=(0, -0.16), ncols=2)
    panel.set_xlabel("pictures a second")
    panel.set_title(f"throughput, batch {largest}, {size} pixels")


def _size(panel: Any, found: Comparison) -> None:
    names = [one.backbone for one in found.measured]
    size = max(found.measured[0].flops)
    millions = [one.parameters / 1e6 for one in found.measured]
    panel.barh(names, millions, color=INK)
    for row, one in enumerate(found.measured):
        words = f" {millions[row]:.1f} M, {one.flops[size] / 1e9:.2f} GFLOP, {one.peak_mib[size]:.0f} MiB"
        panel.annotate(words, (millions[row], row), va="center", color="#333333")
    panel.invert_yaxis()
    panel.margins(x=0.9)
    panel.set_xlabel("million parameters")
    panel.set_title("size, work a picture, peak memory")


def _plain_ticks(panel: Any) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    panel.xaxis.set_minor_formatter(NullFormatter())
