"""The unit of a number's errors, in the table as in the findings."""

from __future__ import annotations

import numpy as np
import pytest
from builders import build_examples

from audit.core import Predictions, Task, TaskKind
from audit.group_error.probe import GroupError


@pytest.mark.parametrize(
    ("output", "declared", "expected"),
    [("salary", "EUR", "EUR"), ("age", "", "years"), ("salary", "", "units of the output")],
)
def test_errors_of_a_number_carry_its_unit_in_the_table(context, output, declared, expected):
    rng = np.random.default_rng(0)
    truth = rng.normal(40, 10, 400)
    said = truth + rng.normal(0, 1, 400) + 8 * (np.arange(400) % 2)
    number = Predictions(
        output=output,
        task=Task(kind=TaskKind.REGRESSION, unit=declared),
        rows=np.arange(400),
        truth=truth,
        scores=None,
        decision=said,
    )
    examples = build_examples(400, {"g": ["ab"[i % 2] for i in range(400)]})
    section = GroupError().run(context(examples, number))
    table = section.tables["slices"].to_pandas().set_index("metric")["unit"]
    assert set(table["mae"]) == set(table["bias"]) == {expected}
    assert set(table["within_5"]) == {"rate"}
    assert {f.gap.unit for f in section.findings if f.metric == "mae"} == {expected}
