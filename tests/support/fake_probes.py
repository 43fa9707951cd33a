"""Probes with a known answer, loaded as a stranger's are: ``fake_probes:Count``."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pyarrow as pa

from audit.core import Estimate, Finding, Level, Reason, Section, Severity, Slice, Status, Test
from audit.protocols import Context


def share(value: float, n: int) -> Estimate:
    return Estimate(value=value, low=0.0, high=1.0, n=n, method="none", unit="rate", better="lower")


def _log(name: str) -> None:
    """Leave a line in the file that $FAKE_PROBE_LOG names: how often a probe ran, whoever ran it."""
    if path := os.environ.get("FAKE_PROBE_LOG"):
        with Path(path).open("a") as file:
            file.write(f"{name}\n")


class Count:
    """One finding: the error rate of everyone, with the rows counted."""

    name = "count"

    def applies(self, context: Context) -> Reason | None:
        return None

    def run(self, context: Context) -> Section:
        _log(self.name)
        (output,) = context.predictions.values()
        mine = output.take(context.audited[output.rows])
        wrong = int((mine.truth != mine.decision).sum())
        n = len(mine.rows)
        finding = Finding(
            probe=self.name,
            output=output.output,
            slice=Slice(of=(("team", "a"), ("shift", "late")), n=n),
            metric="error_rate",
            value=share(wrong / n, n),
            reference="everyone else",
            reference_value=Estimate(
                value=None,
                low=None,
                high=None,
                n=0,
                method="",
                unit="rate",
                better="lower",
                reason=Reason.NO_ROWS,
            ),
            gap=Estimate(value=0.1, low=0.05, high=float("inf"), n=n, method="x", unit="rate", better="zero"),
            test=Test(method="x", p=0.01, p_adjusted=0.02, family="f", adjustment="Holm", tests=3),
            severity=Severity(level=Level.LOW, score=0.5, margin=0.05, why="planted"),
            smallest_gap=None,
            affected=n,
            evidence=("r1", "r2"),
        )
        table = pa.table({"wrong": [wrong], "n": [n]})
        return Section(
            probe=self.name,
            status=Status.OK,
            findings=(finding,),
            tables={"rows": table, "a name/with a slash": table},
            summary={"untested": {Reason.TOO_FEW: 3}},
        )


class Slow(Count):
    """Says that it has begun, then waits until it is killed or told to go on."""

    name = "slow"

    def run(self, context: Context) -> Section:
        _log(self.name)
        begun, go_on = Path(os.environ["FAKE_PROBE_BEGUN"]), Path(os.environ["FAKE_PROBE_GO_ON"])
        if not go_on.exists():
            begun.write_text("begun")
            deadline = time.monotonic() + 60
            while not go_on.exists():
                if time.monotonic() > deadline:
                    raise TimeoutError("nobody said to go on")
                time.sleep(0.02)
        return Section(probe=self.name, status=Status.OK, tables={"t": pa.table({"x": [1.5]})})


class Texts(Count):
    """Reads payloads back, in an order of its own."""

    name = "texts"

    def run(self, context: Context) -> Section:
        import numpy as np

        assert context.payloads is not None
        rows = np.arange(context.examples.n)[::-1].copy()
        return Section(
            probe=self.name, status=Status.OK, summary={"texts": list(context.payloads("text", rows))}
        )


class AsksModel(Count):
    """Asks the model of some rows by position, and of all by split."""

    name = "asks_model"

    def run(self, context: Context) -> Section:
        import numpy as np

        from audit.run_rows import inputs

        assert context.model is not None
        assert context.data is not None
        rows = np.array([7, 3, 3, 500])
        given = context.predictions["toxic"].scores
        assert given is not None
        said = context.model.predict(inputs(context, rows))["toxic"]
        by_split = {name: list(context.data.rows(name)) for name in ("train", "validation", "test")}
        ids = {name for found in by_split.values() for name, _ in found}
        same = np.array_equal(said, given[rows]) and ids == set(context.examples.ids.to_pylist())
        return Section(
            probe=self.name,
            status=Status.OK,
            summary={"same": bool(same), "rows": {name: len(found) for name, found in by_split.items()}},
        )


class Raises(Count):
    name = "raises"

    def run(self, context: Context) -> Section:
        raise ZeroDivisionError("planted")


class NotApplicable(Count):
    name = "never"

    def applies(self, context: Context) -> Reason | None:
        return Reason.NEEDS_MODEL


class Unstorable(Count):
    name = "unstorable"

    def run(self, context: Context) -> Section:
        return Section(
            probe=self.name, status=Status.OK, tables={"t": pa.table({"x": [1]})}, summary={"odd": object()}
        )


class WrongName(Count):
    name = "wrong_name"

    def run(self, context: Context) -> Section:
        return Section(probe="another", status=Status.OK)


class BadName(Count):
    name = "../escape"
