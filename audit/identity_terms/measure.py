"""Everything that one label says of all identities: one task for an executor."""

from __future__ import annotations

from dataclasses import dataclass

from audit.core import Reason
from audit.identity_terms.cells import (
    Cells,
    empty_cells,
    other_labels,
    rate_cells,
    sample_sizes,
    share_cells,
)
from audit.identity_terms.label import Label
from audit.identity_terms.order import Ints
from audit.identity_terms.power_mean import Mean, power_means
from audit.identity_terms.rates import KINDS, Deviation, deviation, measure_rates
from audit.identity_terms.shares import measure_shares
from audit.identity_terms.thresholds import CRITERIA, Choice, Grid, choose, threshold_grid
from audit.metrics import IDENTITY_METRICS
from audit.spec import Spec


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One label over K identities."""

    label: Label
    cells: tuple[Cells, ...]
    """Every metric of `IDENTITY_METRICS`, in its order."""
    other: Ints | None = None
    """(2, K) rows of g- and b- that have another label."""
    means: tuple[Mean, ...] = ()
    deviations: tuple[Deviation, ...] = ()
    grid: Grid | None = None
    """None: no scores or no truth."""
    choices: tuple[Choice, ...] = ()


def measure_label(label: Label, spec: Spec, seed: tuple[int, ...]) -> Measured:
    """Measure one label; what scores or truth are missing for is said in the cells.

    Args:
        label: its rows and identities.
        spec: level, minimum n, which error is harmful.
        seed: of the draws behind FPED and FNED.
    """
    sizes = sample_sizes(label)
    if label.target.truth is None:
        cells = tuple(empty_cells(label, name, sizes, Reason.NO_TRUTH) for name in IDENTITY_METRICS)
        return Measured(label=label, cells=cells)
    rates = [measure_rates(label, kind, spec.level) for kind in KINDS]
    by_rate = [rate_cells(label, r, sizes, spec) for r in rates]
    deviations = tuple(deviation(r, spec.minimum_n, (*seed, i)) for i, r in enumerate(rates))
    if label.target.scores is None:
        without = [name for name in IDENTITY_METRICS if name not in KINDS]
        missing = (empty_cells(label, name, sizes, Reason.NO_SCORES) for name in without)
        return Measured(
            label=label, cells=(*missing, *by_rate), other=other_labels(label), deviations=deviations
        )
    shares = measure_shares(label, spec.level)
    grid = threshold_grid(label, spec.level)
    return Measured(
        label=label,
        cells=(*share_cells(shares, spec), *by_rate),
        other=other_labels(label),
        means=tuple(power_means(shares, spec.minimum_n, spec.level)),
        deviations=deviations,
        grid=grid,
        choices=tuple(choose(grid, criterion, spec.minimum_n) for criterion in CRITERIA),
    )
