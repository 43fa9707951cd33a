"""What the Overview says was not tested: counts of comparisons, as the run's table has them."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest
from browsed_runs import BARE, LONELY, ORDINARY, run_folder

from audit import wording
from audit.metrics import METRICS
from audit.store.read import open_run
from dashboard.panels import untested


@pytest.mark.parametrize("model", [ORDINARY, LONELY, BARE])
def test_reasons_count_slices_without_everyone(model: str) -> None:
    rows = pq.read_table(run_folder(model) / "tables" / "group_error.slices.parquet").to_pandas()
    findable = [name for name, metric in METRICS.items() if metric.finding]
    rows = rows[(rows["slice"] != "all") & rows["metric"].isin(findable) & (rows["untested"] != "")]
    expected = {wording.reason(code): n for code, n in rows["untested"].value_counts().items()}
    found = untested.reasons(open_run(run_folder(model)))
    found = found[found["Probe"] == "group error"]
    assert dict(zip(found["Why"], found["Comparisons"], strict=True)) == expected
