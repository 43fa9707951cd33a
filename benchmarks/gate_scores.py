"""How often the intervals of changes of average precision, R² and calibration error hold the true change.

Two versions see a shared part and a part of their own of what decides. Printed: coverage of the 95 %
interval, and the share of p below .05: where the versions are equally good it should be .05 or less.
Takes some ten minutes on one core: python -m benchmarks.gate_scores > table.md
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from scipy.stats import norm

from audit.calibration import bin_edges, calibration_cells, squared_errors
from audit.core import Task, TaskKind
from audit.group_error.targets import Target
from audit.slices import SliceSet, slice_set
from audit.versions.calibration_change import calibration_change
from audit.versions.join import Pair
from audit.versions.measures import measure_pair
from audit.versions.paired import Change, Settings
from audit.versions.precision_change import precision_change

Array = NDArray[np.float64]
REPEATS = 1000
LARGE = 2_000_000
"""Rows from which the true change is taken."""
SETTINGS = Settings()


def pair_of(task: Task, truth: Array, sides: tuple[Array, Array]) -> Pair:
    """One question answered twice."""
    number = task.kind is TaskKind.REGRESSION
    old, new = (
        Target(
            name="out",
            task=task,
            rows=np.arange(len(truth)),
            truth=truth if number else truth.astype(np.int8),
            scores=None if number else side,
            decision=side if number else (side >= 0.5).astype(np.int8),
            threshold=None if number else 0.5,
        )
        for side in sides
    )
    return Pair(old=old, new=new)


YES_NO = Task(kind=TaskKind.BINARY, classes=("0", "1"))
NUMBER = Task(kind=TaskKind.REGRESSION, unit="years")


def ranked(rng: np.random.Generator, n: int, base: float, loss: float) -> tuple[Array, tuple[Array, Array]]:
    """Truth at a base rate and two scores; the new one keeps 1 - loss of the old one's signal."""
    truth = (rng.random(n) < base).astype(np.float64)
    shared = rng.normal(size=n)
    sides = [expit(1.5 * k * truth + shared + rng.normal(size=n)) for k in (1.0, 1.0 - loss)]
    return truth, (sides[0], sides[1])


def calibrated(rng: np.random.Generator, n: int, old: float, new: float) -> tuple[Array, tuple[Array, Array]]:
    """Truth and two scores whose logits are multiplied by a factor; with 1 a score is calibrated."""
    shared, first, second = rng.normal(size=(3, n))
    truth = (shared + first + second + rng.normal(size=n) > 0).astype(np.float64)
    sides = []
    for own, factor in ((first, old), (second, new)):
        p = np.clip(norm.cdf((shared + own) / np.sqrt(2)), 1e-9, 1 - 1e-9)
        sides.append(expit(factor * logit(p)))
    return truth, (sides[0], sides[1])


def aged(rng: np.random.Generator, n: int, more: float) -> tuple[Array, tuple[Array, Array]]:
    """Ages and two predictions that share an error; the new one's own error is `more` times as wide."""
    truth = rng.gamma(3, 12, n)
    shared = rng.normal(0, 6, n)
    old, new = (truth + shared + rng.normal(0, 4 * k, n) for k in (1.0, more))
    return truth, (old, new)


def everyone(n: int) -> SliceSet:
    """All rows as one slice."""
    return slice_set({}, np.arange(n), 1, {}, 30)


def average_precision(truth: Array, sides: tuple[Array, Array]) -> Change:
    """Change of average precision."""
    return precision_change(pair_of(YES_NO, truth, sides), everyone(len(truth)), None, 0.95)[0]


def r2(truth: Array, sides: tuple[Array, Array]) -> Change:
    """Change of R²."""
    slices = everyone(len(truth))
    measured = measure_pair(pair_of(NUMBER, truth, sides), slices)
    return measured.forms["r2"].change(measured.joint, np.ones(1), SETTINGS)


def calibration(truth: Array, sides: tuple[Array, Array]) -> Change:
    """Change of the calibration error."""
    found = calibration_change(pair_of(YES_NO, truth, sides), everyone(len(truth)), None, SETTINGS)
    assert found is not None
    return found[0]


def true_calibration(truth: Array, sides: tuple[Array, Array]) -> float:
    """Change of the calibration error over very many rows, without a bootstrap."""
    found = []
    for side in sides:
        cells = calibration_cells(side, truth.astype(int), np.zeros(len(truth), int), 1, bin_edges(side))
        found.append(float(np.sqrt(max(squared_errors(cells)[0][0], 0.0))))
    return found[1] - found[0]


Draw = Callable[[np.random.Generator, int], tuple[Array, tuple[Array, Array]]]


def line(name: str, what: str, draw: Draw, measure: Callable[..., Change], n: int, true: float) -> str:
    """One row of the table."""
    held = small = 0
    for seed in range(REPEATS):
        change = measure(*draw(np.random.default_rng(seed), n))
        held += int(change.low[0] <= true <= change.high[0])
        small += int(change.p[0] < 0.05)
    found = f"| {name} | {what} | {n:,} | {true:+.3f} | {held / REPEATS:.3f} | {small / REPEATS:.3f} |"
    print(found, flush=True)
    return found


def lines() -> Iterator[str]:
    """Every row of the table."""
    rng = np.random.default_rng(12345)
    for base in (0.05, 0.3):
        for loss in (0.0, 0.2):
            draw = partial(ranked, base=base, loss=loss)
            true = 0.0 if not loss else float(average_precision(*draw(rng, LARGE)).value[0])
            for n in (100, 400, 2000):
                if base * n >= 5:
                    words = f"base rate {base:g}, {'equal' if not loss else 'new worse'}"
                    yield line("average precision", words, draw, average_precision, n, true)
    for more in (1.0, 1.5):
        spread = partial(aged, more=more)
        true = 0.0 if more == 1 else float(r2(*spread(rng, LARGE)).value[0])
        for n in (30, 100, 1000):
            yield line("R²", "equal" if more == 1 else "new worse", spread, r2, n, true)
    for old, new in ((1.0, 1.0), (1.6, 1.6), (1.0, 1.6)):
        factor = partial(calibrated, old=old, new=new)
        true = 0.0 if old == new else true_calibration(*factor(rng, LARGE))
        for n in (200, 1000, 5000):
            words = (
                {1.0: "both calibrated", 1.6: "both overconfident"}[old]
                if old == new
                else "new overconfident"
            )
            yield line("calibration error", words, factor, calibration, n, true)


if __name__ == "__main__":
    print("| metric | versions | n | true change | 95 % interval holds it | p < .05 |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    sys.exit(0 if len(list(lines())) else 1)
